package checker

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/quote"
)

// BroadcastChecks are the checks of Broadcast. Doc says what each has found if it
// fails.
var BroadcastChecks = []struct{ Name, Doc string }{
	{"lost", "an element that was acknowledged, or that a read returned, is missing in the last final read of a node"},
	{"duplicated", "a read returned an element more than once"},
	{"invented", "a read returned an element that no client had broadcast by then"},
	{"failed-but-present", "a read returned an element of which all broadcasts had definitely failed"},
	{"malformed-read", "the result of a read is not an array of integers"},
	{"no-final-read", "a node replied to no read in the final phase (unknown)"},
	{"nothing-checked", "no broadcast was acknowledged (unknown)"},
}

// Broadcast checks a history of broadcasts and reads. The Value of an operation
// with F broadcast is the element, an integer; a client may broadcast an element again.
// The Result of an operation with F read is a JSON array of integers.
//
// An element is known once a broadcast of it was acknowledged or a read returned it,
// even if its broadcasts timed out or got an indefinite error. The last final read of
// every node must return all known elements. Maelstrom is less strict: it accepts an
// element that any node returns last, so that a node that never learns anything may
// pass.
//
// The numbers are those of Jepsen's set-full checker. An element is stale if a read
// that began after it was known, on any node, did not return it, but a later one
// did. Its stable latency is the time from when it was known to the beginning of the
// last read that did not return it, or 0 if there is none.
func Broadcast(h *history.History, nodes []string) ([]Problem, []Number) {
	b := broadcastCheck{elements: map[int64]*element{}}
	for op := range h.All() {
		b.add(op)
	}
	slices.SortStableFunc(b.reads, func(x, y *readSet) int { return cmp.Compare(x.op.From, y.op.From) })
	for _, read := range b.reads {
		b.checkRead(read)
	}
	b.checkFinal(nodes)
	if b.acked() == 0 {
		b.found.unknown("nothing-checked", 0, "none of %d broadcasts was acknowledged", b.asked)
	}
	return b.found.problems(), b.numbers()
}

type broadcastCheck struct {
	found    findings
	elements map[int64]*element
	reads    []*readSet
	asked    int // broadcasts
	lost     int
	repeated int // elements in a read more than once
}

// An element is a value that clients broadcast, once or more often.
type element struct {
	value  int64
	op     *history.Op   // its first broadcast that was acknowledged, or else its first
	began  time.Duration // when its first broadcast that did not definitely fail began; math.MaxInt64 if there is none
	failed *history.Op   // its first broadcast that definitely failed; nil if there is none
	known  time.Duration // since when; math.MaxInt64 if never
	read   *history.Op   // the read that made it known; nil if its acknowledgement did
}

// howKnown says how the element became known.
func (e *element) howKnown() string {
	if e.read != nil {
		return fmt.Sprintf("read by %s from %s", e.read.Client, e.read.Node)
	}
	return fmt.Sprintf("acknowledged to %s by %s", e.op.Client, e.op.Node)
}

func (e *element) acked() bool { return e.op.Outcome == history.OK }

// first returns when the first broadcast of the element began.
func (e *element) first() time.Duration {
	if e.failed != nil {
		return min(e.began, e.failed.From)
	}
	return e.began
}

// add adds a broadcast of the element.
func (e *element) add(op *history.Op) {
	switch {
	case op.Outcome != history.Fail:
		e.began = min(e.began, op.From)
	case e.failed == nil:
		e.failed = op
	}
	if op.Outcome == history.OK && op.To < e.known {
		e.op, e.known = op, op.To
	}
}

// A readSet is the result of one read.
type readSet struct {
	op     *history.Op
	values []int64 // sorted, each once
}

func (r *readSet) has(value int64) bool {
	_, found := slices.BinarySearch(r.values, value)
	return found
}

// add adds an operation.
func (b *broadcastCheck) add(op *history.Op) {
	switch {
	case op.F == "broadcast" && op.Again: // says no more than the operation
	case op.F == "broadcast":
		value, err := strconv.ParseInt(string(op.Value), 10, 64)
		if err != nil {
			return
		}
		b.asked++
		e := b.elements[value]
		if e == nil {
			e = &element{value: value, op: op, began: math.MaxInt64, known: math.MaxInt64}
			b.elements[value] = e
		}
		e.add(op)
	case op.F == "read" && op.Outcome == history.OK:
		read := &readSet{op: op}
		var ok bool
		if read.values, ok = integers(op.Result); !ok {
			b.found.add("malformed-read", op.To, -1, "%v: the result is not an array of integers: %s", op, quote.Excerpt(op.Result))
			return
		}
		slices.Sort(read.values)
		b.reads = append(b.reads, read)
	}
}

// checkRead checks a single read.
func (b *broadcastCheck) checkRead(read *readSet) {
	op := read.op
	for i, v := range read.values {
		if i > 0 && read.values[i-1] == v {
			if i == 1 || read.values[i-2] != v {
				b.repeated++
				b.found.add("duplicated", op.To, -1, "%v: it returned %d more than once", op, v)
			}
			continue
		}
		switch e := b.elements[v]; {
		case e == nil:
			b.found.add("invented", op.To, -1, "%v: it returned %d, which no client broadcast", op, v)
		case e.began > op.To && e.failed != nil && e.failed.From <= op.To:
			b.found.add("failed-but-present", op.To, -1, "%v: it returned %d, whose broadcast by %s definitely failed at %s: %s",
				op, v, e.failed.Client, seconds(e.failed.To), e.failed.Error)
		case e.began > op.To:
			b.found.add("invented", op.To, -1, "%v: it returned %d, which was not broadcast before %s", op, v, seconds(e.first()))
		default:
			if op.To < e.known {
				e.known, e.read = op.To, op
			}
		}
	}
	read.values = slices.Compact(read.values)
}

// checkFinal checks that the last final read of every node has all elements that
// were known.
func (b *broadcastCheck) checkFinal(nodes []string) {
	last := map[string]*readSet{}
	for _, read := range b.reads {
		if read.op.Final {
			last[read.op.Node] = read
		}
	}
	lost := map[int64]bool{}
	for _, node := range nodes {
		read := last[node]
		if read == nil {
			b.found.unknown("no-final-read", 0, "%s replied to no read in the final phase", node)
			continue
		}
		for _, e := range b.sorted() {
			if e.known <= read.op.From && !read.has(e.value) {
				lost[e.value] = true
				if b.found.add("lost", read.op.To, -1, "%d, %s at %s, is missing in the last read of %s (msg_id %d of %s, at %s)",
					e.value, e.howKnown(), seconds(e.known), node, read.op.MsgID, read.op.Client, seconds(read.op.From)) {
					b.found.addRequests(read.op, e.op)
					b.found.missing(e.value, node)
				}
			}
		}
	}
	b.lost = len(lost)
}

// acked returns the number of elements of which a broadcast was acknowledged.
func (b *broadcastCheck) acked() (count int) {
	for _, e := range b.elements {
		if e.acked() {
			count++
		}
	}
	return count
}

func (b *broadcastCheck) sorted() []*element {
	var all []*element
	for _, e := range b.elements {
		all = append(all, e)
	}
	slices.SortFunc(all, func(x, y *element) int { return cmp.Compare(x.value, y.value) })
	return all
}

func (b *broadcastCheck) numbers() []Number {
	latencies := b.stableLatencies()
	stale := 0
	for _, latency := range latencies {
		if latency > 0 {
			stale++
		}
	}
	return []Number{
		{"broadcasts", b.asked},
		{"elements", len(b.elements)},
		{"acknowledged", b.acked()},
		{"reads", len(b.reads)},
		{"lost", b.lost},
		{"duplicated", b.repeated},
		{"stale", stale},
		{"stable latency", QuantilesOf(latencies)},
	}
}

// stableLatencies returns the stable latencies of all elements in the last read. It
// iterates over the reads from the last to the first and keeps the elements that
// were in all of them.
func (b *broadcastCheck) stableLatencies() (latencies []time.Duration) {
	if len(b.reads) == 0 {
		return nil
	}
	var left []*element // sorted by value
	for _, e := range b.sorted() {
		if e.known < math.MaxInt64 {
			left = append(left, e)
		}
	}
	for i, read := range slices.Backward(b.reads) {
		still, values := left[:0], read.values
		for _, e := range left {
			for len(values) > 0 && values[0] < e.value {
				values = values[1:]
			}
			has := len(values) > 0 && values[0] == e.value
			isLast := i == len(b.reads)-1
			switch {
			case !has && isLast: // it never became stable
			case read.op.From <= e.known:
				latencies = append(latencies, 0)
			case !has:
				latencies = append(latencies, read.op.From-e.known)
			default:
				still = append(still, e)
			}
		}
		left = still
	}
	return append(latencies, make([]time.Duration, len(left))...)
}

// integers parses a JSON array of integers.
func integers(v jsontext.Value) (all []int64, ok bool) {
	if v.Kind() != '[' {
		return nil, false
	}
	rest := bytes.TrimSpace(v)
	if rest[len(rest)-1] != ']' {
		return nil, false
	}
	rest = rest[1 : len(rest)-1]
	for len(rest) > 0 {
		item, more, _ := bytes.Cut(rest, comma)
		n, ok := canonical.Int(bytes.TrimSpace(item))
		if !ok {
			return nil, len(all) == 0 && len(bytes.TrimSpace(rest)) == 0
		}
		all = append(all, n)
		rest = more
	}
	return all, true
}

var comma = []byte{','}
