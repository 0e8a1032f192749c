package checker

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// A registerSearch decides whether the operations on one register are linearizable. It
// goes through the calls and returns in the order of time and keeps all configurations
// that may be the case then: the value of the register, and which of the open operations
// have taken effect (Lowe, Testing for linearizability, 2017). An operation takes effect
// in a configuration only when the return of another one needs it. If no configuration is
// left at a return, no order explains this operation.
//
// The time is linear in the number of operations, and exponential only in the number of
// writes and cas that are open at the same time. Three facts keep it small. A read, or a
// cas that failed, takes effect as soon as it can, because it changes nothing. Operations
// that may or may not have taken effect never return, so they stay open; but of two
// configurations that differ only in these, the one that has used fewer can do all that
// the other can, and the other is dropped. Of equal operations of this kind, the first is
// used first.
type registerSearch struct {
	steps    []step
	values   map[string]int32 // numbers of values; missing is 0
	definite slots            // of operations that return
	optional slots            // of operations that may not have taken effect
	tried    map[registerOp]bool
	work     int
	deadline time.Time
}

// maxOpen is how many operations of one kind may be open at the same time.
const maxOpen = 256

// A bitset is a set of slots.
type bitset [maxOpen / 64]uint64

func (b *bitset) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }
func (b *bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b *bitset) clear(i int)    { b[i/64] &^= 1 << (i % 64) }

// in reports whether b is a subset of other.
func (b *bitset) in(other *bitset) bool {
	for i := range b {
		if b[i]&^other[i] != 0 {
			return false
		}
	}
	return true
}

// slots number open operations.
type slots struct {
	taken bitset
	ops   [maxOpen]registerOp
}

// add returns the slot of an operation, or false if there is none left.
func (s *slots) add(op registerOp) (int, bool) {
	for word := range s.taken {
		if free := bits.TrailingZeros64(^s.taken[word]); free < 64 {
			slot := word*64 + free
			s.taken.set(slot)
			s.ops[slot] = op
			return slot, true
		}
	}
	return 0, false
}

// each calls do with every slot that is taken.
func (s *slots) each(do func(slot int, op *registerOp)) {
	for word, left := range s.taken {
		for ; left != 0; left &= left - 1 {
			slot := word*64 + bits.TrailingZeros64(left)
			do(slot, &s.ops[slot])
		}
	}
}

// A registerOp is an operation with numbered values.
type registerOp struct {
	kind     registerKind
	from, to int32 // from is what a cas or an observation is about
}

type registerKind uint8

const (
	observesEqual registerKind = iota // a read, or error 20
	observesOther                     // a cas that failed because the value was another one
	writes
	swaps // a cas
)

func (o *registerOp) observes() bool { return o.kind <= observesOther }

// apply returns the value after the operation, or false if it cannot take effect.
func (o *registerOp) apply(value int32) (int32, bool) {
	switch o.kind {
	case observesEqual:
		return value, value == o.from
	case observesOther:
		return value, value != o.from
	case swaps:
		return o.to, value == o.from
	}
	return o.to, true
}

// A configuration is what may be the case at one moment.
type configuration struct {
	value int32
	done  bitset // the open operations of definite that have taken effect
	used  bitset // those of optional
}

// configurations are a set without configurations that another one makes unnecessary.
type configurations map[registerState][]bitset

type registerState struct {
	value int32
	done  bitset
}

// add adds a configuration, unless one in the set has used a subset. It reports whether
// it has added it.
func (s configurations) add(c *configuration) bool {
	state := registerState{c.value, c.done}
	all := s[state]
	for i := range all {
		if all[i].in(&c.used) {
			return false
		}
	}
	s[state] = append(slices.DeleteFunc(all, func(b bitset) bool { return c.used.in(&b) }), c.used)
	return true
}

// A registerEvent is the call or the return of a step.
type registerEvent struct {
	at      int64
	step    int
	returns bool
}

// A searchResult is what a search has found.
type searchResult uint8

const (
	undecided searchResult = iota
	linearizable
	illegal
)

// searchRegister decides whether steps on one register are linearizable. If they are not,
// it returns the step with the earliest return that no order explains. minWork is how
// much work it does even after the deadline.
func searchRegister(steps []step, deadline time.Time, minWork int) (searchResult, *step) {
	r := &registerSearch{steps: steps, values: map[string]int32{missing: 0}, tried: map[registerOp]bool{}, deadline: deadline, work: -minWork}
	slot := make([]int, len(steps))
	now := configurations{{}: {{}}}
	for _, e := range r.events() {
		s := &steps[e.step]
		if e.returns {
			var decided bool
			if now, decided = r.returned(now, slot[e.step]); !decided {
				return undecided, nil
			}
			if len(now) == 0 {
				return illegal, s
			}
			continue
		}
		op, ok := r.op(s), false
		if !s.finished {
			if _, ok = r.optional.add(op); !ok {
				return undecided, nil
			}
			continue
		}
		if slot[e.step], ok = r.definite.add(op); !ok {
			return undecided, nil
		}
		if op.observes() {
			now = r.observed(now)
		}
	}
	return linearizable, nil
}

// events returns the calls and returns in their order. At the same time calls come
// first: a step that begins at the moment when another ends is concurrent to it, because
// clocks have a limited resolution.
func (r *registerSearch) events() []registerEvent {
	events := make([]registerEvent, 0, 2*len(r.steps))
	for i := range r.steps {
		s := &r.steps[i]
		if !s.finished && (s.reads() || s.failed) {
			continue
		}
		events = append(events, registerEvent{int64(s.op.From), i, false})
		if s.finished {
			events = append(events, registerEvent{int64(s.op.To), i, true})
		}
	}
	slices.SortStableFunc(events, func(a, b registerEvent) int {
		if order := cmp.Compare(a.at, b.at); order != 0 || a.returns == b.returns {
			return order
		}
		if a.returns {
			return 1
		}
		return -1
	})
	return events
}

// number returns the number of a value.
func (r *registerSearch) number(value string) int32 {
	n, known := r.values[value]
	if !known {
		n = int32(len(r.values))
		r.values[value] = n
	}
	return n
}

func (r *registerSearch) op(s *step) registerOp {
	switch {
	case s.reads():
		return registerOp{kind: observesEqual, from: r.number(s.value)}
	case s.failed:
		return registerOp{kind: observesOther, from: r.number(s.from)}
	case s.op.F == "cas":
		return registerOp{kind: swaps, from: r.number(s.from), to: r.number(s.value)}
	}
	return registerOp{kind: writes, to: r.number(s.value)}
}

// observe lets every observation take effect that can.
func (r *registerSearch) observe(c *configuration) {
	r.definite.each(func(slot int, op *registerOp) {
		if op.observes() && !c.done.has(slot) {
			if _, ok := op.apply(c.value); ok {
				c.done.set(slot)
			}
		}
	})
}

// observed returns the configurations after the call of an observation.
func (r *registerSearch) observed(now configurations) configurations {
	next := make(configurations, len(now))
	for state, all := range now {
		for _, used := range all {
			c := configuration{state.value, state.done, used}
			r.observe(&c)
			next.add(&c)
		}
	}
	return next
}

// returned returns the configurations after the return of the operation in a slot. It
// returns false if the search took too long.
func (r *registerSearch) returned(now configurations, slot int) (next configurations, decided bool) {
	next = make(configurations, len(now))
	seen := configurations{}
	var open []configuration
	reached := func(c configuration) {
		if c.done.has(slot) {
			c.done.clear(slot)
			next.add(&c)
		} else if seen.add(&c) {
			open = append(open, c)
		}
	}
	for state, all := range now {
		for _, used := range all {
			reached(configuration{state.value, state.done, used})
		}
	}
	for len(open) > 0 {
		if r.work++; r.work > 0 && r.work%256 == 0 && time.Now().After(r.deadline) {
			return nil, false
		}
		c := open[len(open)-1]
		open = open[:len(open)-1]
		r.successors(c, reached)
	}
	r.definite.taken.clear(slot)
	return next, true
}

// successors calls reached with the configurations that one more write or cas leads to.
func (r *registerSearch) successors(c configuration, reached func(configuration)) {
	r.definite.each(func(slot int, op *registerOp) {
		if op.observes() || c.done.has(slot) {
			return
		}
		if value, ok := op.apply(c.value); ok {
			next := c
			next.value = value
			next.done.set(slot)
			r.observe(&next)
			reached(next)
		}
	})
	clear(r.tried)
	r.optional.each(func(slot int, op *registerOp) {
		value, ok := op.apply(c.value)
		if !ok || value == c.value || c.used.has(slot) || r.tried[*op] {
			return
		}
		r.tried[*op] = true
		next := c
		next.value = value
		next.used.set(slot)
		r.observe(&next)
		reached(next)
	})
}
