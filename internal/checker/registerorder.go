package checker

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// maxOrderWork is how many configurations registerOrder looks at.
const maxOrderWork = 100_000

// registerOrder returns an order of steps on one register that explains all that have ended,
// and the value after it. Others are in it if they are needed. It returns nil if there is
// none, or if the search takes too long. The search is that of Wing and Gong, Testing and
// verifying concurrent objects, 1993, with Lowe's memory of configurations.
func registerOrder(steps []step) (order []*step, then string) {
	sorted := slices.Clone(steps)
	slices.SortStableFunc(sorted, func(a, b step) int { return cmp.Compare(a.op.From, b.op.From) })
	o := orderSearch{steps: sorted, done: make([]byte, len(sorted)), seen: map[string]bool{}}
	r := registerSearch{values: map[string]int32{missing: 0}}
	for i := range sorted {
		o.ops = append(o.ops, r.op(&sorted[i]))
	}
	if !o.search(0) {
		return nil, missing
	}
	then = missing
	for _, i := range o.order {
		s := &sorted[i]
		order = append(order, s)
		if s.changes() {
			then = s.value
		}
	}
	return order, then
}

// An orderSearch goes through the orders depth first.
type orderSearch struct {
	steps []step // by their beginnings
	ops   []registerOp
	done  []byte // by step: 1 if it is in the order
	order []int
	seen  map[string]bool // configurations that lead to no order
	work  int
}

// search reports whether the order can be continued at a value.
func (o *orderSearch) search(value int32) bool {
	end, left := o.nextEnd()
	if left == 0 {
		return true
	}
	key := string(o.done) + strconv.Itoa(int(value))
	if o.work++; o.seen[key] || o.work > maxOrderWork {
		return false
	}
	o.seen[key] = true
	for _, i := range o.candidates(end, value) {
		next, ok := o.ops[i].apply(value)
		if !ok {
			continue
		}
		o.done[i] = 1
		o.order = append(o.order, i)
		if o.search(next) {
			return true
		}
		o.done[i] = 0
		o.order = o.order[:len(o.order)-1]
		if o.ops[i].observes() {
			return false // it changes nothing, so another place of it is no better
		}
	}
	return false
}

// nextEnd returns when the next step that is not in the order ended, and how many there are.
func (o *orderSearch) nextEnd() (end time.Duration, left int) {
	for i := range o.steps {
		if s := &o.steps[i]; o.done[i] == 0 && s.finished {
			if left == 0 || s.op.To < end {
				end = s.op.To
			}
			left++
		}
	}
	return end, left
}

// candidates returns the steps that may come next: those that began before any that is left
// ended. Observations that hold come first, and steps that may not have happened come last.
func (o *orderSearch) candidates(end time.Duration, value int32) (all []int) {
	rank := func(i int) int {
		_, holds := o.ops[i].apply(value)
		switch {
		case o.ops[i].observes() && holds:
			return 0
		case o.steps[i].finished:
			return 1
		}
		return 2
	}
	for i := range o.steps {
		if o.steps[i].op.From > end {
			break
		}
		if o.done[i] == 0 {
			all = append(all, i)
		}
	}
	slices.SortStableFunc(all, func(a, b int) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(o.steps[a].op.To, o.steps[b].op.To))
	})
	return all
}
