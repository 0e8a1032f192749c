package workload

import (
	"bytes"
	"fmt"
	"strconv"
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
// Every value is written once. A group of five clients works on one key for a while, then
// on another one, which is new or was used before, until there are 100 keys.
type linKV struct {
	env    Env
	n      int64    // the number of the latest operation
	keys   []*kvKey // by number
	groups map[int]*kvGroup
}

// A kvKey is what clients know of a key.
type kvKey struct {
	number     int64
	last       int64 // the value that it had at the latest reply
	before     int64 // an older value
	open       int   // operations
	indefinite int   // operations that may or may not have taken effect
	used       bool  // a group works on it
}

// A kvGroup is a group of clients.
type kvGroup struct {
	key  *kvKey
	left int // operations until the next key
}

func newLinKV(env Env) Workload { return &linKV{env: env, groups: map[int]*kvGroup{}} }

const (
	// kvGroupSize is how many clients work on one key at the same time: the search
	// for an order takes exponential time in the number of open operations.
	kvGroupSize = 5

	// maxIndefinite is how many operations on a key may be indefinite, because they
	// stay open for ever. Then the key is not used any more.
	maxIndefinite = 8

	// kvKeys is how many keys are used, unless many operations are indefinite.
	kvKeys = 100

	// linTimeout is how long the search for an order may take.
	linTimeout = 20 * time.Second
)

func (*linKV) Setup() []Request { return nil }

func (w *linKV) Next(string) Request {
	w.n = w.env.number(w.n)
	client := 0
	if w.env.Turn != nil {
		client = w.env.Turn.Client
	}
	k := w.keyOf(client / kvGroupSize)
	k.open++
	switch n := w.env.Rand.IntN(8); {
	case n < 4:
		return w.read(k.number)
	case n < 6:
		value := w.newValue()
		return Request{
			F: "write", Key: k.number, Value: fmt.Append(nil, value), Type: "write", Want: "write_ok",
			Body: fmt.Appendf(nil, `{"type":"write","key":%d,"value":%d}`, k.number, value),
		}
	case n < 7:
		return w.cas(k, k.last)
	}
	if w.env.Rand.IntN(2) == 0 {
		return w.cas(k, k.before)
	}
	return w.cas(k, k.last)
}

func (w *linKV) cas(k *kvKey, from int64) Request {
	to := w.newValue()
	return Request{
		F: "cas", Key: k.number, Value: fmt.Appendf(nil, "[%d,%d]", from, to), Type: "cas", Want: "cas_ok",
		Body: fmt.Appendf(nil, `{"type":"cas","key":%d,"from":%d,"to":%d}`, k.number, from, to),
	}
}

// newValue returns a value that no other operation has, so that a read tells which write
// it has seen. The values are not in their order.
func (w *linKV) newValue() int64 { return scrambled(w.n) }

func (*linKV) read(key int64) Request {
	return Request{F: "read", Key: key, Body: fmt.Appendf(nil, `{"type":"read","key":%d}`, key), Type: "read", Want: "read_ok"}
}

// keyOf returns the key on which a group works.
func (w *linKV) keyOf(group int) *kvKey {
	g := w.groups[group]
	if g == nil {
		g = &kvGroup{}
		w.groups[group] = g
	}
	if g.left == 0 || g.key.indefinite >= maxIndefinite {
		if g.key != nil {
			g.key.used = false
		}
		g.key, g.left = w.nextKey(g.key), 8+w.env.Rand.IntN(8)
		g.key.used = true
	}
	g.left--
	return g.key
}

// nextKey returns the next key of a group. It is often one that was used before, because a
// store may lose what it was told some time ago.
func (w *linKV) nextKey(current *kvKey) *kvKey {
	if len(w.keys) > 1 && (len(w.keys) >= kvKeys || w.env.Rand.IntN(2) == 0) {
		start := w.env.Rand.IntN(len(w.keys))
		for i := range w.keys {
			k := w.keys[(start+i)%len(w.keys)]
			if k != current && !k.used && k.open == 0 && k.indefinite < maxIndefinite {
				return k
			}
		}
	}
	k := &kvKey{number: int64(len(w.keys))}
	w.keys = append(w.keys, k)
	return k
}

// Ended notes what an operation tells about its key.
func (w *linKV) Ended(req *Request, outcome history.Outcome) {
	k := w.keys[req.Key]
	k.open--
	if outcome == history.Indefinite && req.F != "read" {
		k.indefinite++
	}
}

// Final reads a key that was used.
func (w *linKV) Final(string) Request {
	if len(w.keys) == 0 {
		return w.read(0)
	}
	return w.read(int64(w.env.Rand.IntN(len(w.keys))))
}

func (*linKV) Settled([]history.Op) bool { return true }

func (w *linKV) Read(req *Request, body []byte) (jsontext.Value, error) {
	var seen, result jsontext.Value
	switch req.F {
	case "read":
		value, err := required(body, "value")
		if err != nil {
			return nil, err
		}
		seen, result = value, value
	case "write":
		seen = req.Value
	case "cas":
		_, to, _ := bytes.Cut(bytes.Trim(req.Value, "[]"), []byte(","))
		seen = to
	}
	if value, err := strconv.ParseInt(string(seen), 10, 64); err == nil && req.Key < int64(len(w.keys)) {
		k := w.keys[req.Key]
		if value != k.last {
			k.before, k.last = k.last, value
		}
	}
	return result, nil
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
