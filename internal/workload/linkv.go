package workload

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
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
// on another one. There are 100 keys, to which groups come back.
//
// In the final phase clients read every key with an acknowledged write, until some node
// answers. If no node does so, the verdict is unknown (`no-final-read`).
type linKV struct {
	env   Env
	n     int64 // the number of the latest operation
	keys  map[int64]*kvKey
	final finalReads
}

// A kvKey is what clients know of a key.
type kvKey struct {
	number     int64
	last       int64 // the value that it had at the latest reply
	before     int64 // an older value
	indefinite int   // operations that may or may not have taken effect
}

func newLinKV(env Env) Workload {
	return &linKV{env: env, keys: map[int64]*kvKey{}, final: newFinalReads(env.Nodes)}
}

const (
	// kvGroupSize is how many clients work on one key at the same time: the search
	// for an order takes exponential time in the number of open operations.
	kvGroupSize = 5

	// maxIndefinite is how many operations on a key may be indefinite, because they
	// stay open for ever. Then the key is not used any more.
	maxIndefinite = 8

	// kvKeys is how many keys are used, unless many operations are indefinite or
	// there are more groups.
	kvKeys = 100

	// kvStay is how many operations of all clients there are until each group goes to
	// its next key.
	kvStay = 80

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
	k := w.keyOf(int64(client / kvGroupSize))
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

// keyOf returns the key on which a group works. It depends on the number of the operation
// and not on what others do, except that a key is left when too many operations on it are
// indefinite. Two groups work on different keys.
func (w *linKV) keyOf(group int64) *kvKey {
	number := group/kvKeys*kvKeys + (7*group+13*(w.n/kvStay))%kvKeys
	for {
		k := w.keys[number]
		if k == nil {
			k = &kvKey{number: number}
			w.keys[number] = k
		}
		if k.indefinite < maxIndefinite {
			return k
		}
		number += 1 << 20
	}
}

// Ended notes that an operation on a key is indefinite.
func (w *linKV) Ended(req *Request, outcome history.Outcome) {
	if k := w.keys[req.Key]; k != nil && outcome == history.Indefinite && req.F != "read" {
		k.indefinite++
	}
}

// Final reads a key that was used.
func (w *linKV) Final(string) Request {
	keys := slices.Sorted(maps.Keys(w.keys))
	if len(keys) == 0 {
		return w.read(0)
	}
	return w.read(keys[w.env.Rand.IntN(len(keys))])
}

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
func (w *linKV) Progressed() bool              { return w.final.progressed }

func (w *linKV) Read(req *Request, body []byte) (jsontext.Value, error) {
	var seen, result jsontext.Value
	switch req.F {
	case "read":
		value, err := only(req, body, "value")
		if err != nil {
			return nil, err
		}
		seen, result = value, value
	case "write":
		w.final.add(req.Key)
		seen = req.Value
	case "cas":
		w.final.add(req.Key)
		_, to, _ := bytes.Cut(bytes.Trim(req.Value, "[]"), []byte(","))
		seen = to
	}
	if value, err := strconv.ParseInt(string(seen), 10, 64); err == nil {
		if k := w.keys[req.Key]; k != nil && value != k.last {
			k.before, k.last = k.last, value
		}
	}
	if req.F != "read" {
		return nil, closed(req, body)
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
