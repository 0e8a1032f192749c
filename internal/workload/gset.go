package workload

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/spread"
)

// gSet is the workload in which clients add integers to a set that only grows, and read
// it. In the end all nodes must have all elements.
//
//	{"type":"add","element":17}
//	{"type":"add_ok"}
//	{"type":"read"}
//	{"type":"read_ok","value":[3,17]}
//
// The elements are integers that become larger. A client sends one add in eight again, as
// one does that got no reply, perhaps to another node. The element must be in the set once.
//
// After all faults, clients read every node until all nodes return all elements that were
// acknowledged or that any read returned, for at most 10 s. Then they read once more. An
// element that a client has read must not disappear, even if its add was never
// acknowledged.
//
// An add that gets no reply, or an indefinite error, may or may not have taken effect. One
// that gets a definite error must not have. Every request must get a reply (`no-reply`),
// except during a fault and until 2 s after it.
//
// The report shows how long it took until elements were known everywhere (`stable
// latency`), and the numbers of stale elements, of elements that no read returned (`never
// read`), and of elements that a node returned and did not return later, in the same
// incarnation (`missing later`). Eventual consistency allows this before the final phase: a
// node may ask different nodes for each read.
type gSet struct {
	env      Env
	count    int64          // the number of the latest request
	asked    map[int64]bool // the elements that were added
	known    map[int64]bool // elements that were acknowledged or read
	complete map[int64]bool // the elements that all nodes returned in the last round of reads; nil if some were missing
}

func newGSet(env Env) Workload {
	return &gSet{env: env, asked: map[int64]bool{}, known: map[int64]bool{}}
}

const (
	// addAgain is how rarely a client tries to add an element again. About half of the
	// integers that it tries are elements.
	addAgain = 4

	// recentElements is from how many of the latest integers it takes the element.
	recentElements = 16
)

func (*gSet) Setup() []Request { return nil }

// Next returns an add or a read at random.
func (w *gSet) Next(string) Request {
	w.count = w.env.number(w.count)
	if w.env.Rand.IntN(2) == 0 {
		return readRequest()
	}
	element := w.count - 1
	if w.env.Rand.IntN(addAgain) == 0 {
		if earlier := element - 1 - w.env.Rand.Int64N(recentElements); w.asked[earlier] {
			element = earlier
		}
	}
	w.asked[element] = true
	return w.add(element)
}

func (*gSet) add(element int64) Request {
	return Request{
		F: "add", Value: strconv.AppendInt(nil, element, 10), Key: element,
		Body: fmt.Appendf(nil, `{"type":"add","element":%d}`, element),
		Type: "add", Want: "add_ok",
	}
}

// readRequest is the request of a read without a key.
func readRequest() Request {
	return Request{F: "read", Body: []byte(`{"type":"read"}`), Type: "read", Want: "read_ok"}
}

func (*gSet) Final(string) Request { return readRequest() }

func (w *gSet) Read(req *Request, body []byte) (jsontext.Value, error) {
	if req.F == "add" {
		w.known[req.Key] = true
		return nil, closed(req, body)
	}
	value, err := only(req, body, "value")
	if err != nil {
		return nil, err
	}
	values, err := elements(value)
	if err != nil || value.Kind() != '[' {
		return nil, fmt.Errorf("its value is not an array of integers")
	}
	for _, v := range values {
		if w.asked[v] {
			w.known[v] = true
		}
	}
	return value, nil
}

// Settled reports whether every node knew all known elements in two successive rounds of
// reads. It also returns true if an element is missing that all nodes returned in the
// round before, because no delay explains this.
func (w *gSet) Settled(ops []history.Op) bool {
	all := true
	for i := range ops {
		values, err := elements(ops[i].Result)
		if ops[i].Outcome != history.OK || err != nil {
			return false
		}
		slices.Sort(values)
		if !hasAll(values, w.complete) {
			return true
		}
		all = all && hasAll(values, w.known)
	}
	switch {
	case !all:
		return false
	case len(w.complete) == len(w.known) && w.complete != nil:
		return true
	}
	w.complete = maps.Clone(w.known)
	return false
}

// hasAll reports whether sorted values contain all elements of a set.
func hasAll(values []int64, set map[int64]bool) bool {
	for v := range set {
		if _, found := slices.BinarySearch(values, v); !found {
			return false
		}
	}
	return true
}

func (w *gSet) Check(r Record) ([]checker.Problem, []checker.Number) {
	problems, numbers := checker.GSet(r.History, w.env.Nodes, checker.KillsOf(r.Journal))
	checker.FollowElements(problems, r.Journal, spread.Request{Type: "add", Member: "element"}, w.env.Nodes)
	return append(problems, missingReplies(r, checker.FaultPeriodsOf(r.Journal).Overlap)...), numbers
}

func (*gSet) ExpectsError(*history.Op) bool { return false }
