package checker

import (
	"fmt"
	"slices"

	"github.com/eddyrpc/eddy/internal/history"
)

// checkFinal checks the last final read of every node.
func (k *counterCheck) checkFinal() {
	optional, failed := map[int64]int{}, map[int64]int{}
	for i := range k.adds {
		a := &k.adds[i]
		switch a.outcome {
		case history.OK:
			optional[a.delta] += a.copies
		case history.Fail:
			failed[a.delta] += 1 + a.copies
		default:
			optional[a.delta] += 1 + a.copies
		}
	}
	k.possible = NewSums(k.sum)
	for delta, count := range optional {
		k.possible.Add(delta, count)
	}
	wrong, first := false, (*valueRead)(nil)
	for _, node := range k.Nodes {
		read := k.last[node]
		switch {
		case read == nil:
			k.found.unknown("no-final-read", 0, "%s replied to no read in the final phase", node)
		case !k.possible.Has(read.value):
			wrong = true
			k.wrongFinal(read, failed)
		case first == nil:
			first = read
		case read.value != first.value && !wrong:
			wrong = true
			k.diverged(first, read)
		}
	}
}

// wrongFinal adds a problem for a final read that is not possible.
func (k *counterCheck) wrongFinal(read *valueRead, failed map[int64]int) {
	withFailed := &Sums{ranges: slices.Clone(k.possible.ranges)}
	for delta, count := range failed {
		withFailed.Add(delta, count)
	}
	check, why, add := "wrong-final-value", k.onlyOwn(read), -1
	switch {
	case why != "":
	case withFailed.Has(read.value):
		check = "failed-but-counted"
		why, add = k.ifFailed(len(k.adds))
	default:
		why = k.withoutNode(read)
	}
	op := k.op(read.index)
	if k.found.add(check, op.To, -1, "%v: it is the last read of %s and returned %d, but the sum of the %s is %d%s%s",
		op, read.node, read.value, plural(k.acked, "acknowledged add"), k.sum, k.others(read.value), why) {
		if add >= 0 {
			k.found.addRequests(k.op(k.adds[add].index))
		}
		k.addExamples(read)
	}
}

// others says what the adds without a definite outcome contribute to a final read.
func (k *counterCheck) others(value int64) string {
	count := len(k.adds) - k.acked - k.failed
	if count == 0 {
		return ""
	}
	return fmt.Sprintf(", and no set of the %s that may or may not have taken effect explains the difference%s", plural(count, "add"), nearest(k.possible, value))
}

// onlyOwn says so if a final read may lack the adds of all other nodes.
func (k *counterCheck) onlyOwn(read *valueRead) string {
	own := k.ackedBy()[read.node]
	if own == k.sum || !k.possible.Has(read.value+k.sum-own) {
		return ""
	}
	return fmt.Sprintf("; a possible reason: %s knows only the adds that it acknowledged itself, whose sum is %d", read.node, own)
}

// withoutNode says so if a final read may lack the adds of one node.
func (k *counterCheck) withoutNode(read *valueRead) string {
	acked := k.ackedBy()
	for _, node := range k.Nodes {
		if sum := acked[node]; sum != 0 && k.possible.Has(read.value+sum) {
			return fmt.Sprintf("; a possible reason: it lacks the adds that %s acknowledged, whose sum is %d", node, sum)
		}
	}
	return ""
}

// ackedBy returns the sum of the adds that each node acknowledged.
func (k *counterCheck) ackedBy() map[string]int64 {
	acked := map[string]int64{}
	for i := range k.adds {
		if a := &k.adds[i]; a.outcome == history.OK {
			acked[k.op(a.index).Node] += a.delta
		}
	}
	return acked
}

// maxExamples is how many adds a problem names.
const maxExamples = 3

// addExamples adds the requests of a few acknowledged adds to the problem that was added
// last: those of other nodes than that of the read, if there are any.
func (k *counterCheck) addExamples(read *valueRead) {
	var own, others []*history.Op
	for i := 0; i < len(k.adds) && len(others) < maxExamples; i++ {
		a := &k.adds[i]
		if a.outcome != history.OK || a.delta == 0 {
			continue
		}
		if op := k.op(a.index); op.Node != read.node {
			others = append(others, op)
		} else if len(own) < maxExamples {
			own = append(own, op)
		}
	}
	if len(others) == 0 {
		others = own
	}
	k.found.addRequests(others...)
}

// diverged adds a problem for two final reads that differ.
func (k *counterCheck) diverged(first, second *valueRead) {
	one, other := k.op(first.index), k.op(second.index)
	text := ""
	if last := len(k.adds) - 1; last >= 0 {
		text = fmt.Sprintf(", although the latest add began at %s", seconds(k.adds[last].from))
	}
	k.found.add("diverged", max(one.To, other.To), -1, "the last reads of two nodes differ%s: %s returned %d (%v), %s returned %d (%v)",
		text, first.node, first.value, one, second.node, second.value, other)
}
