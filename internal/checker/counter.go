package checker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/quote"
)

// CounterChecks are the checks of Counter. Doc says what each has found if it fails.
var CounterChecks = []struct{ Name, Doc string }{
	{"wrong-final-value", "the last final read of a node is not the sum of the acknowledged adds and of any of the adds that may or may not have taken effect"},
	{"diverged", "the last final reads of two nodes are possible, but differ"},
	{"unexplained", "a read returned a value that is not the sum of any of the adds that had begun by then"},
	{"failed-but-counted", "a read returned a value that is only explained if an add that had definitely failed took effect"},
	{"went-back", "a node returned a smaller value than before, in the same incarnation, although the counter only grows (g-counter)"},
	{"malformed-read", "the result of a read is not an integer"},
	{"no-final-read", "a node replied to no read in the final phase (unknown)"},
	{"nothing-checked", "no add of another number than 0 was acknowledged (unknown)"},
}

// A CounterConfig describes the counter under test.
type CounterConfig struct {
	Nodes []string

	// Grows reports that the counter must not go back at a node, as one does to
	// which no negative number is added.
	Grows bool

	// Kills separate the incarnations of the nodes.
	Kills Kills

	// Copies says how many more times than once the request of an add was
	// delivered to its node, because the network duplicated it. Each copy may
	// take effect.
	Copies map[Request]int
}

// Counter checks a history of adds and reads. The Value of an operation with F add is
// the number that is added. The Result of an operation with F read is the value.
//
// An add that was acknowledged has taken effect once. An add that definitely failed has
// not. Every other add has taken effect once or not at all. The last final read of every
// node must return the sum of all adds that have taken effect, the same at all nodes. Any
// other read must return the sum of some of the adds that had begun before its reply: an
// add may become visible late, but not before it began.
func Counter(h *history.History, c CounterConfig) ([]Problem, []Number) {
	k := counterCheck{CounterConfig: c, h: h, last: map[string]*valueRead{}}
	for i := range h.Len() {
		op := h.At(i)
		k.take(i, &op)
	}
	slices.SortStableFunc(k.adds, func(x, y counterAdd) int { return cmp.Compare(x.from, y.from) })
	slices.SortStableFunc(k.reads, func(x, y *valueRead) int { return cmp.Compare(x.to, y.to) })
	k.checkFinal()
	k.checkReads()
	if c.Grows {
		k.checkGrowth()
	}
	if !slices.ContainsFunc(k.adds, func(a counterAdd) bool { return a.outcome == history.OK && a.delta != 0 }) {
		k.found.unknown("nothing-checked", 0, "none of %d adds was acknowledged and added another number than 0", len(k.adds))
	}
	return k.found.problems(), k.numbers()
}

type counterCheck struct {
	CounterConfig
	h     *history.History
	found findings
	adds  []counterAdd // by the times at which they began
	reads []*valueRead // by the times of their replies
	last  map[string]*valueRead

	acked, failed int
	sum           int64 // of the acknowledged adds
	possible      *Sums // what final reads may return
}

// A counterAdd is an add.
type counterAdd struct {
	index   int // of the operation
	delta   int64
	copies  int // how many times its request was delivered, in addition to the first
	from    time.Duration
	outcome history.Outcome
}

// A valueRead is a read with its value.
type valueRead struct {
	index    int
	node     string
	value    int64
	from, to time.Duration
	final    bool
}

// take adds an operation.
func (k *counterCheck) take(i int, op *history.Op) {
	switch op.F {
	case "add":
		delta, ok := integer(op.Value)
		if !ok || op.Again {
			return
		}
		k.adds = append(k.adds, counterAdd{i, delta, k.Copies[requestOf(op)], op.From, op.Outcome})
		switch op.Outcome {
		case history.OK:
			k.acked++
			k.sum += delta
		case history.Fail:
			k.failed++
		}
	case "read":
		if op.Outcome != history.OK {
			return
		}
		value, ok := integer(op.Result)
		if !ok {
			k.found.add("malformed-read", op.To, -1, "%v: the result is not an integer: %s", op, quote.Excerpt(op.Result))
			return
		}
		read := &valueRead{index: i, node: op.Node, value: value, from: op.From, to: op.To, final: op.Final}
		k.reads = append(k.reads, read)
		if last := k.last[op.Node]; read.final && (last == nil || read.from >= last.from) {
			k.last[op.Node] = read
		}
	}
}

// op returns the operation of an index, for a text.
func (k *counterCheck) op(index int) *history.Op {
	op := k.h.At(index)
	return &op
}

// checkReads checks that each read but the last ones is the sum of adds that had begun.
func (k *counterCheck) checkReads() {
	possible, withFailed, begun, failed := NewSums(0), NewSums(0), 0, 0
	for _, read := range k.reads {
		for ; begun < len(k.adds) && k.adds[begun].from <= read.to; begun++ {
			a := &k.adds[begun]
			withFailed.Add(a.delta, 1+a.copies)
			if a.outcome == history.Fail {
				failed++
			} else {
				possible.Add(a.delta, 1+a.copies)
			}
		}
		if k.last[read.node] == read || possible.Has(read.value) {
			continue
		}
		check, why, add := "unexplained", "", -1
		if withFailed.Has(read.value) {
			check = "failed-but-counted"
			why, add = k.ifFailed(begun)
		} else if begun > 0 {
			why, add = "; the latest add was "+k.named(begun-1), begun-1
		}
		op := k.op(read.index)
		if k.found.add(check, op.To, -1, "%v: it returned %d, %s%s%s",
			op, read.value, notASum(begun-failed, failed), nearest(possible, read.value), why) && add >= 0 {
			k.found.addRequests(k.op(k.adds[add].index))
		}
	}
}

// notASum says that a value is not the sum of any of some adds.
func notASum(count, failed int) string {
	except := ""
	if failed > 0 {
		except = fmt.Sprintf(", not counting %s that definitely failed", plural(failed, "add"))
	}
	if count == 0 {
		return "although no add had begun by then" + except
	}
	return fmt.Sprintf("and no set of the %s that had begun by then has this sum%s", plural(count, "add"), except)
}

// plural returns a number with a noun.
func plural(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}

// nearest says which sums are nearest to a value.
func nearest(possible *Sums, value int64) string {
	below, above := possible.nearest(value)
	if below == above {
		return fmt.Sprintf("; the nearest sum is %d", below)
	}
	return fmt.Sprintf("; the nearest sums are %d and %d", below, above)
}

// named names an add.
func (k *counterCheck) named(add int) string {
	a := &k.adds[add]
	op := k.op(a.index)
	return fmt.Sprintf("%+d by %s to %s (msg_id %d, from %s)", a.delta, op.Client, op.Node, op.MsgID, seconds(a.from))
}

// ifFailed says that failed adds explain a value. It also returns the latest of them
// among the first adds.
func (k *counterCheck) ifFailed(begun int) (why string, add int) {
	for add = begun - 1; k.adds[add].outcome != history.Fail || k.adds[add].delta == 0; add-- {
	}
	return fmt.Sprintf("; adds that definitely failed explain it if they took effect, such as %s: %s", k.named(add), k.op(k.adds[add].index).Error), add
}

// checkGrowth checks that reads of one incarnation of a node, one after another, do not
// go back.
func (k *counterCheck) checkGrowth() {
	type highest struct {
		read        *valueRead
		incarnation int
	}
	most := map[string]highest{}
	byStart := slices.Clone(k.reads)
	slices.SortStableFunc(byStart, func(x, y *valueRead) int { return cmp.Compare(x.from, y.from) })
	ended := k.reads
	for _, read := range byStart {
		for ; len(ended) > 0 && ended[0].to < read.from; ended = ended[1:] {
			e := ended[0]
			number, ok := k.Kills.incarnation(e.node, e.from, e.to)
			if m := most[e.node]; ok && (m.read == nil || m.incarnation < number || m.incarnation == number && m.read.value <= e.value) {
				most[e.node] = highest{e, number}
			}
		}
		m := most[read.node]
		number, ok := k.Kills.incarnation(read.node, read.from, read.to)
		if m.read == nil || !ok || number != m.incarnation || read.value >= m.read.value {
			continue
		}
		op, before := k.op(read.index), k.op(m.read.index)
		if k.found.add("went-back", op.To, -1, "%v: it returned %d, but %s had returned %d to %s (msg_id %d) at %s, in the same incarnation",
			op, read.value, read.node, m.read.value, before.Client, before.MsgID, seconds(before.To)) {
			k.found.addRequests(before)
		}
	}
}

func (k *counterCheck) numbers() []Number {
	numbers := []Number{
		{"adds", len(k.adds)},
		{"acknowledged", k.acked},
		{"definitely failed", k.failed},
		{"reads", len(k.reads)},
		{"sum of acknowledged adds", k.sum},
	}
	low, high := k.possible.ranges[0].low, k.possible.ranges[len(k.possible.ranges)-1].high
	if low < high {
		numbers = append(numbers, Number{"possible final values", fmt.Sprintf("%d to %d", low, high)})
	}
	return numbers
}
