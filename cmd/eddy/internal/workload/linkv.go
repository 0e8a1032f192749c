package workload

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// linKV is the workload in which clients read, write, and compare and set the
// values of keys. Whatever node they ask, it shall be as if each operation
// happened at one moment between its request and its reply.
//
//	{"type":"read","key":3}
//	{"type":"read_ok","value":4}
//	{"type":"write","key":3,"value":4}
//	{"type":"write_ok"}
//	{"type":"cas","key":3,"from":4,"to":1}
//	{"type":"cas_ok"}
//
// A key that was never written is answered with error 20, a cas that meets
// another value with 22, one of a key that is not there with 20. These are
// answers like a value: a key that was written is there, so that who says 20 of
// it then has lost it, and who says 22 has met another value than `from`. They
// must come from the place where the operation would have taken effect. A node
// that asks a service in turn may hand on what this says; but if it asked twice,
// since the first answer was late, the second answer to a cas may be 22 because
// the first has worked, and then only an indefinite error is true (0 or 13).
//
// With every other definite code (such as 11, from who is no leader) nothing has
// happened, and nothing is learned. Requests may stay unanswered, as while there
// is no majority.
type linKV struct {
	env Env
	n   int64
}

func newLinKV(env Env) Workload { return &linKV{env: env} }

const (
	// opsPerKey is how many operations a key sees before the next one comes: the
	// search for an order takes exponential time in what is open at once.
	opsPerKey = 60

	// kvValues is how many values there are; few, so that some cas meet theirs.
	kvValues = 5

	// linPatience is how long the search for an order may take.
	linPatience = 20 * time.Second
)

func (*linKV) Setup() []Request { return nil }

func (w *linKV) Next(string) Request {
	w.n++
	key := w.n / opsPerKey
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
	return need(body, "value")
}

// Expects what says how things are. Who is no leader, or has none, says 11.
func (*linKV) Expects(op *history.Op) bool {
	return op.Code == 20 && op.F != "write" || op.Code == 22 && op.F == "cas" || op.Code == 11
}

func (*linKV) Check(r Record) ([]checker.Problem, []checker.Number) {
	return checker.Linear(r.History, linPatience), []checker.Number{{Name: "keys", Value: keys(r.History)}}
}

func keys(h *history.History) int {
	seen := map[int64]bool{}
	for op := range h.All() {
		seen[op.Key] = true
	}
	return len(seen)
}
