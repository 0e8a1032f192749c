// Package calls is the table of a node's open calls: it finds the call that a
// reply is for, and the calls whose attempt has waited long enough.
//
// A table is told the time and never asks for it; times are durations since an
// origin of the owner's choice. It is not safe for concurrent use.
package calls

import (
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// A Call is what somebody asked for; each of its attempts is one message sent
// for it. O is what the owner of the table wants to know when the call is over.
type Call[O any] struct {
	Letter Letter
	Policy *retry.Policy // nil is the default
	Owner  O

	latest     Attempt
	due        tick
	next, prev *Call[O] // in the list that it stands in
}

// An Attempt is one message of a call.
type Attempt struct {
	ID      int64         // its msg_id
	Written time.Duration // when the message had been written out; -1 before

	state   state
	guided  bool     // its call has a Guide; here, for it fits in between
	in      list     // where its call stands; likewise
	number  int32    // from 1 on
	earlier *Attempt // one attempt is the rule, and costs no more than its call
}

type state uint8

const (
	silent   state = 1 << iota // its timeout has passed
	answered                   // its reply settled the call, or was an error that the policy retries
	told                       // its Guide has been told of its reply
)

func (a *Attempt) is(s state) bool { return a.state&s != 0 }

// Silent reports whether its timeout has passed.
func (a *Attempt) Silent() bool { return a.is(silent) }

// Answered reports whether its reply counted.
func (a *Attempt) Answered() bool { return a.is(answered) }

// Sent is how many attempts were sent so far.
func (c *Call[O]) Sent() int { return int(c.latest.number) }

// Attempt is attempt number n, from 1 to Sent.
func (c *Call[O]) Attempt(n int) *Attempt {
	a := &c.latest
	for int(a.number) > n {
		a = a.earlier
	}
	return a
}

// attemptWith is the attempt whose message had this id; there must be one.
func (c *Call[O]) attemptWith(id int64) *Attempt {
	a := &c.latest
	for a.ID != id {
		a = a.earlier
	}
	return a
}

// add makes a new attempt the latest.
func (t *Table[O]) add(c *Call[O], id int64) {
	next := Attempt{ID: id, Written: -1, number: c.latest.number + 1, guided: c.latest.guided}
	if next.number > 1 {
		next.earlier = t.keep(c.latest)
	}
	c.latest = next
}

// keep returns a copy. Retries come by the hundred, so memory is made for some at once
// (bench, silence); they are over at much the same time too. It is made for first
// attempts and for second ones apart: whoever keeps one keeps all that were made with
// it, and what came before those, which must not go on and on into the past.
func (t *Table[O]) keep(a Attempt) *Attempt {
	if int(a.number) > len(t.rooms) {
		kept := new(Attempt)
		*kept = a
		return kept
	}
	room := &t.rooms[a.number-1]
	if len(*room) == 0 {
		*room = make([]Attempt, 8)
	}
	kept := &(*room)[0]
	*room = (*room)[1:]
	*kept = a
	return kept
}

// A Table holds the open calls. The zero value is an empty one.
//
// An attempt's timeout is counted from when its message was written out, not
// from when it was put into a buffer: a reader of ours that stalls for a second
// must not make every call time out. So an attempt goes Sent, Flushing,
// Written, and only then does its time begin.
type Table[O any] struct {
	byID    index[O] // every attempt of every open call
	open    int
	waiting wheel[O]
	guides  guides[O]
	rooms   [2][]Attempt // for attempts that are not their call's latest any more, by their number
}

// Open is how many calls are open.
func (t *Table[O]) Open() int { return t.open }

// Sent notes that an attempt of c with this msg_id was put into the buffer. A
// call's first attempt opens it.
func (t *Table[O]) Sent(c *Call[O], id int64) {
	if c.Sent() == 0 {
		t.open++
	}
	t.add(c, id)
	t.byID.put(id, c)
	t.waiting.lists.push(unsent, c)
}

// Flushing notes that the buffer, with every attempt in it, is being written.
func (t *Table[O]) Flushing() {
	l := &t.waiting.lists
	for c := l.pop(unsent); c != nil; c = l.pop(unsent) {
		l.push(flushing, c)
	}
}

// Written notes that what was being written has been, at this time. The
// timeouts of those attempts begin.
func (t *Table[O]) Written(now time.Duration) {
	l := &t.waiting.lists
	for c := l.pop(flushing); c != nil; c = l.pop(flushing) {
		c.latest.Written = now
		if c.latest.guided {
			t.written(c, now)
			continue
		}
		t.waiting.add(c, now, c.Policy.AttemptTimeout(c.Sent()))
	}
}

// An Arrival is what a reply turned out to be.
type Arrival uint8

const (
	Stray   Arrival = iota // no open call asked for it
	InTime                 // it settles its call
	Late                   // so it does, though its attempt had timed out
	TooLate                // its attempt had timed out, and the policy ignores that
	Guided                 // its call has a Guide: Answer tells
)

// arrival is what a reply to the attempt now is.
func (a *Attempt) arrival(p *retry.Policy) Arrival {
	switch {
	case !a.Silent():
		return InTime
	case schedule.Accepts(p, true):
		return Late
	}
	return TooLate
}

// Settle takes the call that a reply from src to the message id settles out of
// the table. Without such a call c is nil; a is the attempt that the reply answers
// also if that is too late. A call with a Guide is returned as it is.
func (t *Table[O]) Settle(id int64, src string) (c *Call[O], a *Attempt, arrival Arrival) {
	c = t.byID.get(id)
	if c == nil || c.Letter.Dest() != src {
		return nil, nil, Stray
	}
	if c.latest.guided {
		return c, nil, Guided
	}
	a = c.attemptWith(id)
	if arrival = a.arrival(c.Policy); arrival == TooLate {
		return nil, a, TooLate
	}
	a.state |= answered
	t.drop(c)
	return c, a, arrival
}

// Asked is whom the message with this id has asked, "" if no reply is waited for.
func (t *Table[O]) Asked(id int64) string {
	if c := t.byID.get(id); c != nil {
		return c.Letter.Dest()
	}
	return ""
}

// Silent returns a call whose latest attempt has timed out by now, the one with
// the earliest deadline first, and what comes next, SendAgain or GiveUp; nil if
// there is none. One with a Guide may also have paused for long enough, or its
// deadline has come. A call that gives up is out of the table. Without room for another
// attempt only those that give up are returned, and the others are kept until there
// is: a call must not wait for room in order to fail.
func (t *Table[O]) Silent(now time.Duration, room bool) (*Call[O], schedule.Action, *Guide[O]) {
	for {
		c, step, g := t.silent(now, room)
		if c == nil || step == schedule.GiveUp || room {
			return c, step, g
		}
		t.Postpone(c)
	}
}

func (t *Table[O]) silent(now time.Duration, room bool) (*Call[O], schedule.Action, *Guide[O]) {
	if g, step := t.dueGuide(now); g != nil {
		return g.call, step, g
	}
	if room {
		if c := t.waiting.lists.pop(again); c != nil {
			return c, schedule.Send, t.Guide(c)
		}
	}
	c := t.waiting.expired(now)
	if c == nil {
		return nil, schedule.Wait, nil
	}
	c.latest.state |= silent
	step := schedule.AfterTimeout(c.Policy, c.Sent())
	if step == schedule.GiveUp {
		t.drop(c)
	}
	return c, step, nil
}

// Postpone keeps a call that is to send another attempt until Silent is told that
// there is room.
func (t *Table[O]) Postpone(c *Call[O]) { t.waiting.lists.push(again, c) }

// Next is when Silent is worth asking next. It may be too early, never too
// late; false means that no attempt is waiting.
func (t *Table[O]) Next(room bool) (time.Duration, bool) {
	if room && t.waiting.lists.any(again) {
		return 0, true
	}
	at, ok := t.waiting.next()
	if h := t.guides.heap; len(h) > 0 && h[0].due < schedule.Never && (!ok || h[0].due < at) {
		return h[0].due, true
	}
	return at, ok
}

// Remove takes a call out of the table, wherever it stands, and reports whether
// it was open.
func (t *Table[O]) Remove(c *Call[O]) bool {
	if c.Sent() == 0 || t.byID.get(c.latest.ID) != c {
		return false
	}
	t.drop(c)
	return true
}

// drop is Remove for a call that is known to be open. It does not look at its place in
// the index, which with a million calls would have to be waited for (BenchmarkTable,
// expire/1000000-mixed).
func (t *Table[O]) drop(c *Call[O]) {
	if c.latest.guided {
		t.forget(c)
	}
	t.waiting.lists.remove(c)
	for a := &c.latest; a != nil; a = a.earlier {
		t.byID.remove(a.ID)
	}
	t.open--
}

// Any is some open call, nil if there is none.
func (t *Table[O]) Any() *Call[O] { return t.byID.any() }
