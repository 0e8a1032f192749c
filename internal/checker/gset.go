package checker

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/quote"
)

// GSetChecks are the checks of GSet. Doc says what each has found if it fails.
var GSetChecks = []struct{ Name, Doc string }{
	{"lost", "an element that was acknowledged, or that a read returned, is missing in the last final read of a node"},
	{"vanished", "an element is missing in the last final read of a node, although the node returned it in an earlier final read"},
	{"duplicated", "a read returned an element more than once"},
	{"invented", "a read returned an element whose add no client had begun by then"},
	{"failed-but-present", "a read returned an element of which all adds had definitely failed"},
	{"malformed-read", "the result of a read is not an array of integers"},
	{"no-final-read", "a node replied to no read in the final phase (unknown)"},
	{"nothing-checked", "no add was acknowledged (unknown)"},
}

// GSet checks a history of adds and reads. The Value of an operation with F add is the
// element, an integer; a client may add an element again. The Result of an operation
// with F read is a JSON array of integers.
//
// An element is known once an add of it was acknowledged or a read returned it. The last
// final read of every node must return all known elements. Maelstrom is less strict: it
// accepts an element that any node returns last.
//
// Eventual consistency allows that an element is missing in a read although an earlier
// read of the same node returned it: the node may have asked different nodes. So such
// elements only count as missing later in the numbers, unless they are missing in the last
// final read. The numbers stale and stable latency are those of Broadcast.
func GSet(h *history.History, nodes []string, kills Kills) ([]Problem, []Number) {
	g := gsetCheck{h: h, kills: kills, shown: map[string]*shownElements{}, final: map[string][]int{}}
	for i := range h.Len() {
		op := h.At(i)
		g.take(i, &op)
	}
	g.index()
	slices.SortStableFunc(g.reads, func(x, y setRead) int { return cmp.Compare(x.from, y.from) })
	for i := range g.reads {
		g.checkRead(&g.reads[i])
	}
	g.checkFinal(nodes)
	if g.acked() == 0 {
		g.found.unknown("nothing-checked", 0, "none of %d adds was acknowledged", len(g.adds))
	}
	return g.found.problems(), g.numbers()
}

type gsetCheck struct {
	h        *history.History
	kills    Kills
	found    findings
	adds     []setAdd
	elements []setElement // by value
	reads    []setRead    // by the times at which they began
	shown    map[string]*shownElements
	final    map[string][]int // by node, the operations of its final reads
	counted  int              // reads
	repeated int              // elements in a read more than once
	lost     int
}

// A setAdd is an add of an element.
type setAdd struct {
	value int64
	index int // of the operation
	from  time.Duration
}

// A setRead is a read.
type setRead struct {
	index int // of the operation
	from  time.Duration
}

// A setElement is an element that clients added.
type setElement struct {
	value   int64
	first   int           // the operation of its first add
	began   time.Duration // when its first add that did not definitely fail began; math.MaxInt64 if there is none
	failed  int           // the operation of its first add that definitely failed; -1 if there is none
	known   time.Duration // since when; math.MaxInt64 if never
	knownBy int           // the operation that made it known
	acked   bool
	read    bool          // a read returned it
	later   bool          // a node returned it and later did not
	last    bool          // the latest read returned it
	missing time.Duration // when the latest read that did not return it began; -1 if there is none
}

// shownElements are the times since which an incarnation of a node has returned each
// element, by the elements' positions. math.MaxInt64 means never.
type shownElements struct {
	incarnation int
	since       []time.Duration
}

// take adds an operation.
func (g *gsetCheck) take(i int, op *history.Op) {
	switch op.F {
	case "add":
		if value, ok := integer(op.Value); ok && !op.Again {
			g.adds = append(g.adds, setAdd{value, i, op.From})
		}
	case "read":
		if op.Outcome == history.OK {
			g.reads = append(g.reads, setRead{i, op.From})
		}
	}
}

func (g *gsetCheck) op(index int) *history.Op {
	op := g.h.At(index)
	return &op
}

// index makes the elements of the adds.
func (g *gsetCheck) index() {
	slices.SortStableFunc(g.adds, func(x, y setAdd) int { return cmp.Or(cmp.Compare(x.value, y.value), cmp.Compare(x.from, y.from)) })
	for _, add := range g.adds {
		last := len(g.elements) - 1
		if last < 0 || g.elements[last].value != add.value {
			g.elements = append(g.elements, setElement{value: add.value, first: add.index, began: math.MaxInt64,
				failed: -1, known: math.MaxInt64, missing: -1})
			last++
		}
		e, op := &g.elements[last], g.op(add.index)
		switch {
		case op.Outcome == history.Fail && e.failed < 0:
			e.failed = add.index
		case op.Outcome != history.Fail:
			e.began = min(e.began, op.From)
		}
		if op.Outcome == history.OK {
			e.acked = true
			if op.To < e.known {
				e.known, e.knownBy = op.To, add.index
			}
		}
	}
}

// checkRead checks a single read and compares it with the elements.
func (g *gsetCheck) checkRead(read *setRead) {
	op := g.op(read.index)
	values, ok := integers(op.Result)
	if !ok {
		g.found.add("malformed-read", op.To, -1, "%v: the result is not an array of integers: %s", op, quote.Excerpt(op.Result))
		return
	}
	slices.Sort(values)
	for i := 1; i < len(values); i++ {
		if v := values[i]; values[i-1] == v && (i == 1 || values[i-2] != v) {
			g.repeated++
			g.found.add("duplicated", op.To, -1, "%v: it returned %d more than once", op, v)
		}
	}
	values = slices.Compact(values)
	g.counted++
	if op.Final {
		g.final[op.Node] = append(g.final[op.Node], read.index)
	}
	shown := g.shownAt(op)
	for i := range g.elements {
		e := &g.elements[i]
		for len(values) > 0 && values[0] < e.value {
			g.invented(op, values[0])
			values = values[1:]
		}
		if len(values) > 0 && values[0] == e.value {
			values = values[1:]
			g.present(e, op, read.index)
			if shown != nil {
				shown.since[i] = min(shown.since[i], op.To)
			}
		} else {
			e.last, e.missing = false, op.From
			e.later = e.later || shown != nil && shown.since[i] <= op.From
		}
	}
	for _, v := range values {
		g.invented(op, v)
	}
}

// shownAt returns what the incarnation that replied to a read has returned before. It
// returns nil if the incarnation is not certain.
func (g *gsetCheck) shownAt(op *history.Op) *shownElements {
	number, ok := g.kills.incarnation(op.Node, op.From, op.To)
	if !ok {
		return nil
	}
	shown := g.shown[op.Node]
	if shown == nil || shown.incarnation != number {
		shown = &shownElements{number, slices.Repeat([]time.Duration{math.MaxInt64}, len(g.elements))}
		g.shown[op.Node] = shown
	}
	return shown
}

// invented adds a problem for an element that no client added.
func (g *gsetCheck) invented(op *history.Op, value int64) {
	g.found.add("invented", op.To, -1, "%v: it returned %d, which no client added", op, value)
}

// present handles an element that a read returned.
func (g *gsetCheck) present(e *setElement, op *history.Op, index int) {
	e.read, e.last = true, true
	if e.began > op.To {
		g.notAdded(e, op)
		return
	}
	if op.To < e.known {
		e.known, e.knownBy = op.To, index
	}
}

// notAdded adds a problem for an element in a read when no add of it had begun that can
// have taken effect.
func (g *gsetCheck) notAdded(e *setElement, op *history.Op) {
	if e.failed >= 0 {
		if failed := g.op(e.failed); failed.From <= op.To {
			g.found.add("failed-but-present", op.To, -1, "%v: it returned %d, although %v definitely failed: %s", op, e.value, failed, failed.Error)
			return
		}
	}
	first := g.op(e.first)
	if g.found.add("invented", op.To, -1, "%v: it returned %d, but the first add of it began at %s, by %s to %s (msg_id %d)",
		op, e.value, seconds(first.From), first.Client, first.Node, first.MsgID) {
		g.found.addRequests(first)
	}
}
