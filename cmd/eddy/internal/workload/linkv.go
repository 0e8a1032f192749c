package workload

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// linKV is the workload in which clients read, write, and compare and set (cas) the
// values of keys. The operations of all nodes together must be linearizable: each
// operation seems to take effect at one moment between its request and its reply.
//
//	{"type":"read","key":3}
//	{"type":"read_ok","value":4}
//	{"type":"write","key":3,"value":4}
//	{"type":"write_ok"}
//	{"type":"cas","key":3,"from":4,"to":1}
//	{"type":"cas_ok"}
//
// If a key does not exist, the reply to a read or a cas is error 20. If the value is
// not `from`, the reply to a cas is error 22. These errors are observations that are
// checked like values: after a write, error 20 means that the key was lost, and
// error 22 means that the value differed from `from` at one moment. A node that
// calls a service may pass the service's error on. But if it called the service
// twice because the first reply was late, the second cas may get error 22 because
// the first has taken effect. Then the node must reply with an indefinite error (0
// or 13).
//
// Every other definite code, such as 11 from a node that is not the leader, means
// that the operation had no effect. Nodes may leave requests without a reply, for
// example while there is no majority.
type linKV struct {
	env Env
	n   int64
}

func newLinKV(env Env) Workload { return &linKV{env: env} }

const (
	// opsPerKey is the number of operations on a key before the next key is used:
	// the search for an order takes exponential time in the number of concurrent
	// operations.
	opsPerKey = 60

	// kvValues is the number of different values. It is small so that some cas
	// succeed.
	kvValues = 5

	// linTimeout is how long the search for an order may take.
	linTimeout = 20 * time.Second
)

func (*linKV) Setup() []Request { return nil }

func (w *linKV) Next(string) Request {
	n := w.env.number(w.n)
	w.n = max(w.n, n)
	key := n / opsPerKey
	value := w.env.Rand.IntN(kvValues)
	switch w.env.Rand.IntN(3) {
	case 0:
		return w.read(key)
	case 1:
		return Request{
			F: "write", Key: key, Value: fmt.Append(nil, value), Type: "write", Want: "write_ok",
			Body: fmt.Appendf(nil, `{"type":"write","key":%d,"value":%d}`, key, value),
		}
	}
	to := w.env.Rand.IntN(kvValues)
	return Request{
		F: "cas", Key: key, Value: fmt.Appendf(nil, "[%d,%d]", value, to), Type: "cas", Want: "cas_ok",
		Body: fmt.Appendf(nil, `{"type":"cas","key":%d,"from":%d,"to":%d}`, key, value, to),
	}
}

func (*linKV) read(key int64) Request {
	return Request{F: "read", Key: key, Body: fmt.Appendf(nil, `{"type":"read","key":%d}`, key), Type: "read", Want: "read_ok"}
}

func (w *linKV) Final(string) Request { return w.read(w.n / opsPerKey) }

func (*linKV) Settled([]history.Op) bool { return true }

func (*linKV) Read(req *Request, body []byte) (jsontext.Value, error) {
	if req.F != "read" {
		return nil, nil
	}
	return required(body, "value")
}

// IsResult reports whether an error is an observation.
func (*linKV) IsResult(op *history.Op) bool {
	return op.Code == 20 && op.F != "write" || op.Code == 22 && op.F == "cas"
}

// ExpectsError reports whether an error is an observation, or 11, which a node
// without a leader may return.
func (w *linKV) ExpectsError(op *history.Op) bool { return w.IsResult(op) || op.Code == 11 }

func (*linKV) Check(r Record) ([]checker.Problem, []checker.Number) {
	return checker.Linear(r.History, linTimeout), []checker.Number{{Name: "keys", Value: keys(r.History)}}
}

// keys returns the number of keys.
func keys(h *history.History) int {
	seen := map[int64]bool{}
	for op := range h.All() {
		seen[op.Key] = true
	}
	return len(seen)
}
