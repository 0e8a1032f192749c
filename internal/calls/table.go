// Package calls has the table of a node's open calls. It finds the call that a reply is for,
// and the calls whose attempts have timed out.
//
// A table does not read a clock: its methods are given the time, as a duration since an
// origin that the user chooses. A table is not safe for concurrent use.
package calls

import (
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/watch"
)

// A Table holds the open calls. The zero value is empty.
//
// The timeout of an attempt begins when its message has been written, not when it was put
// into a buffer: if the reader of the output pauses for a second, no call must time out
// because of that. So an attempt goes through Sent, Flushing and Written, and then its
// timeout begins.
type Table[O any] struct {
	Stats Stats

	now       time.Duration // the latest time that the table was given
	byID      index[O]      // every attempt of every open call
	open      int
	bytes     int64 // of the open calls
	peers     peers
	unsent    queue[O]
	flushing  queue[O]
	postponed queue[O]
	timeouts  timeouts[O]
}

// Stats are counters of all calls.
type Stats struct {
	Calls, Attempts, Retries, Failures int64
	Late                               int64 // replies that came after their attempt's timeout
	Strays                             int64 // replies that no open call waited for
}

// Open returns how many calls are open.
func (t *Table[O]) Open() int { return t.open }

// Bytes returns how many bytes the open calls take: their bodies, their destinations and the
// error replies to their attempts.
func (t *Table[O]) Bytes() int64 { return t.bytes }

// Peer returns the peer with a name. The table keeps a few thousand peers.
func (t *Table[O]) Peer(name string) *Peer { return t.peers.get(name) }

// Peers returns all peers by name. The caller must not change the map.
func (t *Table[O]) Peers() map[string]*Peer { return t.peers.known.All() }

// Sent notes that an attempt of c with this msg_id was put into the buffer. The first
// attempt opens the call.
func (t *Table[O]) Sent(c *Call[O], id int64) {
	c.begin(id)
	t.byID.put(id, c)
	t.unsent.push(c, unsent)
	t.Stats.Attempts++
	if c.number == 1 {
		t.open++
		t.bytes += c.bytes()
		t.Stats.Calls++
		c.Peer.Calls++
	} else {
		t.Stats.Retries++
		c.Peer.Retries++
	}
}

// Flushing notes that the buffer, with all attempts in it, is being written.
func (t *Table[O]) Flushing() {
	for c := t.unsent.pop(); c != nil; c = t.unsent.pop() {
		t.flushing.push(c, flushing)
	}
}

// Written notes that the buffer has been written at this time. The timeouts of its attempts
// begin.
func (t *Table[O]) Written(now time.Duration) {
	t.now = max(t.now, now)
	for c := t.flushing.pop(); c != nil; c = t.flushing.pop() {
		c.written = now
		if s := c.scheduled(); s != nil {
			t.follow(c, s.Written(now))
		} else {
			t.timeouts.add(c)
		}
	}
}

// A Reply is a reply to an attempt.
type Reply struct {
	ID      int64             // the msg_id of the attempt
	Src     string            // "" if the message has none, which only the official library's mode accepts
	At      time.Duration     // when it was read
	Failure *schedule.Failure // the error, if it is an error reply, else nil
	Err     error             // the same error in the form that users see
}

// RetryIf returns the function that decides whether a reply leads to another attempt, nil if
// the policy has none or does not need it.
func (t *Table[O]) RetryIf(r *Reply) func(body []byte, err error) bool {
	c := t.byID.get(r.ID)
	if c == nil || c.Policy == nil || c.Policy.RetryIf == nil || r.Src != c.Peer.Name && r.Src != "" {
		return nil
	}
	if r.Failure != nil && slices.Contains(c.Policy.RetryOn, int(r.Failure.Code)) {
		return nil
	}
	return c.Policy.RetryIf
}

// Reply notes a reply. It returns the call that the reply is for, nil if there is none, and
// what is to be done for it. Settle, and GiveUp for an error reply, end the call and remove
// it from the table. Send asks for another attempt. Wait means that there is nothing to do.
func (t *Table[O]) Reply(r Reply) (*Call[O], schedule.Decision) {
	wait := schedule.Decision{Action: schedule.Wait}
	c := t.byID.get(r.ID)
	if c == nil || r.Src != c.Peer.Name && r.Src != "" {
		t.Stats.Strays++
		return nil, wait
	}
	if c.scheduled() != nil {
		return c, t.replyScheduled(c, r)
	}
	attempt, written, state := c.with(r.ID)
	if written >= 0 { // otherwise the reply came before Write had returned
		c.Peer.Shared.Estimator.Sample(r.At - written)
	}
	if late := *state&timedOut != 0; late {
		ignored := !schedule.Accepts(c.Policy, late)
		t.late(c, watch.Late{Attempt: attempt, ID: r.ID, Waited: r.At - written, Ignored: ignored})
		if ignored {
			return c, wait
		}
	}
	*state |= answered
	t.drop(c)
	if r.Failure != nil {
		d := schedule.Decision{Action: schedule.GiveUp, Reason: schedule.ErrorNotRetried}
		c.failed(r, attempt, written, d)
		return c, d
	}
	return c, schedule.Decision{Action: schedule.Settle}
}

// failed tells hooks of an error reply to an attempt.
func (c *Call[O]) failed(r Reply, attempt int, written time.Duration, d schedule.Decision) {
	f := watch.Failed{Attempt: attempt, ID: r.ID, Err: r.Err, Next: next(d, r.At)}
	if written >= 0 { // otherwise the reply came before Write had returned
		f.Waited = r.At - written
	}
	c.Watched().Failed(f)
}

func (t *Table[O]) late(c *Call[O], l watch.Late) {
	t.Stats.Late++
	c.Peer.Late++
	c.Watched().Late(l)
}

// Due returns a call that is due, and what is to be done for it: Send, or GiveUp, which
// removes it from the table, or nothing for a call whose hooks are to be told something. It
// returns nil if no call is due. room says whether there is room for another attempt. If there
// is none, Due postpones calls that are to send: a call must not wait for room to fail.
func (t *Table[O]) Due(now time.Duration, room bool) (*Call[O], schedule.Decision) {
	t.now = max(t.now, now)
	for {
		timer := t.timeouts.timers.first()
		if timer == nil || timer.due > now {
			break
		}
		c := timer.call
		var decision schedule.Decision
		if c.scheduled() != nil {
			decision = t.dueScheduled(c, now)
		} else {
			t.timeouts.latest = timer.queue
			decision = t.timeOut(c)
		}
		switch {
		case decision.Action == schedule.Send && !room:
			t.Postpone(c)
			decision = schedule.Decision{Action: schedule.Wait}
		case decision.Action == schedule.Send, decision.Action == schedule.GiveUp:
			return c, decision
		}
		if c.Watched() != nil {
			return c, decision
		}
	}
	// These come after the timers, because a timer may be a deadline.
	if c := t.postponed.first; c != nil && room {
		t.postponed.remove(c)
		return c, schedule.Decision{Action: schedule.Send}
	}
	return nil, schedule.Decision{Action: schedule.Wait}
}

// timeOut returns what is to be done for a call without a schedule whose latest attempt has
// timed out.
func (t *Table[O]) timeOut(c *Call[O]) schedule.Decision {
	c.state |= timedOut
	d := schedule.Decision{Action: schedule.GiveUp, Reason: schedule.AttemptsUsedUp}
	if action := schedule.AfterTimeout(c.Policy, c.Sent()); action == schedule.Send {
		d = schedule.Decision{Action: action}
	}
	if w := c.Watched(); w != nil {
		w.Failed(watch.Failed{Attempt: c.Sent(), ID: c.id, Waited: t.now - c.written, Next: next(d, t.now)})
	}
	if d.Action == schedule.Send {
		t.timeouts.remove(c)
	} else {
		t.drop(c)
	}
	return d
}

// Postpone makes a call that is to send another attempt wait for room.
func (t *Table[O]) Postpone(c *Call[O]) { t.postponed.push(c, postponed) }

// granularity is what Next rounds up to, so that many calls share one alarm of the user. No
// timeout comes early.
const granularity = time.Millisecond / 4

// Next returns when the next call is due, false if no call waits. room says whether there is
// room for another attempt.
func (t *Table[O]) Next(room bool) (time.Duration, bool) {
	if room && t.postponed.first != nil {
		return 0, true
	}
	timer := t.timeouts.timers.first()
	if timer == nil {
		return 0, false
	}
	return plus(timer.due, granularity-1) / granularity * granularity, true
}

// IsOpen reports whether a call is open.
func (t *Table[O]) IsOpen(c *Call[O]) bool { return c.Sent() > 0 && t.byID.get(c.id) == c }

// Remove removes a call from the table and reports whether it was open.
func (t *Table[O]) Remove(c *Call[O]) bool {
	open := t.IsOpen(c)
	if open {
		t.drop(c)
	}
	return open
}

// Failed counts a call that ended without a reply.
func (t *Table[O]) Failed(c *Call[O]) {
	t.Stats.Failures++
	c.Peer.Failures++
}

// drop removes an open call.
func (t *Table[O]) drop(c *Call[O]) {
	if s := c.scheduled(); s != nil {
		s.end(t)
	}
	t.unqueue(c)
	t.byID.remove(c.id)
	for _, a := range c.earlier() {
		t.byID.remove(a.id)
	}
	t.open--
	t.bytes -= c.bytes()
	c.Fields = ""
}

// unqueue removes a call from the queue that it is in, if any.
func (t *Table[O]) unqueue(c *Call[O]) {
	switch c.where {
	case unsent:
		t.unsent.remove(c)
	case flushing:
		t.flushing.remove(c)
	case postponed:
		t.postponed.remove(c)
	case waiting:
		t.timeouts.remove(c)
	}
}

// Any returns one of the open calls, nil if there is none.
func (t *Table[O]) Any() *Call[O] { return t.byID.any() }
