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
//
// In the final phase clients read every key with an acknowledged write, until some node
// answers. If no node does so, the verdict is unknown (`no-final-read`).
type linKV struct {
	env   Env
	n     int64
	final finalReads
}

func newLinKV(env Env) Workload { return &linKV{env: env, final: newFinalReads(env.Nodes)} }

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

// Finals returns reads of keys that were not answered yet, at least one of any key.
func (w *linKV) Finals(node string) (requests []Request) {
	if len(w.final.known) == 0 {
		w.final.add(w.Final(node).Key)
	}
	for _, key := range w.final.next(node) {
		requests = append(requests, w.read(key))
	}
	if requests == nil {
		requests = append(requests, w.Final(node))
	}
	return requests
}

func (w *linKV) Settled(ops []history.Op) bool { return w.final.settled(ops) }

func (w *linKV) Progressed() bool { return w.final.progressed }

func (w *linKV) Read(req *Request, body []byte) (jsontext.Value, error) {
	if req.F != "read" {
		w.final.add(req.Key)
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

func (w *linKV) Check(r Record) ([]checker.Problem, []checker.Number) {
	return append(checker.Linear(r.History, linTimeout), w.final.problems()...), []checker.Number{{Name: "keys", Value: keys(r.History)}}
}

// keys returns the number of keys.
func keys(h *history.History) int {
	seen := map[int64]bool{}
	for op := range h.All() {
		seen[op.Key] = true
	}
	return len(seen)
}
