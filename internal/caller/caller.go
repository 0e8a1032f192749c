// Package caller makes calls. It adds their attempts to an outbox, matches replies to calls,
// and sends further attempts after timeouts.
package caller

import (
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/outbox"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/watch"
)

// A Caller makes calls. The lock of its outbox guards it. O is the owner of a call: what the
// user of the Caller keeps with it.
type Caller[O any] struct {
	Table  calls.Table[O]
	Budget schedule.Window // of all calls

	set     Settings[O]
	alarm   alarm
	failed  [][]failed[O] // calls that have timed out and whose callbacks are to run, see takeDue
	taken   []failed[O]   // those that runCallbacks has taken; the lock does not guard them
	running bool          // a goroutine runs callbacks
}

// Settings are the arguments of Open.
type Settings[O any] struct {
	Out   *outbox.Outbox
	Start time.Time // times are durations since then

	// Ended is called when a call has ended, except by Reply. If a goroutine waits for the
	// end ([calls.Call].Blocking), Ended must not block. Otherwise it runs the user's
	// callback: in the goroutine that called Cancel, in one that CancelAll waits for, or
	// after a timeout in one that only runs callbacks. The lock is not held.
	Ended func(End[O])
	// Retried is called when another attempt of a call was sent. The lock is not held.
	Retried func(Retry[O])
	// Quiet is called when there may be nothing left to do. The lock may be held.
	Quiet func()
}

// An End says how a call has ended. The call is not in the table any more.
type End[O any] struct {
	Call   *calls.Call[O]
	Action schedule.Action // Settle, or GiveUp
	Reason schedule.Reason // why it gave up
	Cause  error           // why it was cancelled; nil if it was not
	Err    error           // the error reply that ended it, or else the latest one; nil if there was none
	At     time.Duration   // when it gave up
	ID     int64           // the msg_id of the attempt whose reply ended it, if one did
}

// A Retry is an attempt that is not the first.
type Retry[O any] struct {
	watch.Sent
	Call  *calls.Call[O]
	Owner O // of the call, which may have ended
}

// Open makes the Caller ready. The lock is held.
func (c *Caller[O]) Open(s Settings[O]) { c.set = s }

func (c *Caller[O]) now() time.Duration { return time.Since(c.set.Start) }

// Begin sends the first attempt of a call to dest. If the call needs a schedule, that begins
// with s, of which Begin sets Now, Dest and Node. If the deadline has passed, Begin sends
// nothing and returns GiveUp. The lock is held.
func (c *Caller[O]) Begin(call *calls.Call[O], dest string, s schedule.Start) schedule.Decision {
	call.Peer = c.Table.Peer(dest)
	if s.Deadline != 0 || schedule.Needed(call.Policy) {
		s.Now, s.Dest, s.Node = c.now(), &call.Peer.Shared, &c.Budget
		if d := c.Table.Schedule(call, s); d.Action == schedule.GiveUp {
			call.Watched().Decided(1, d.Reason)
			return d
		}
		c.setAlarm()
	}
	c.attempt(call, watch.Sent{})
	return schedule.Decision{Action: schedule.Send}
}

// attempt sends an attempt of a call with a fresh msg_id. Its timeout begins when the message
// has been written. The lock is held.
func (c *Caller[O]) attempt(call *calls.Call[O], s watch.Sent) watch.Sent {
	var remaining time.Duration
	retry := false
	propagate := call.Schedule() != nil && call.Policy != nil && call.Policy.Propagate
	if propagate {
		remaining, retry = call.Schedule().Remaining(c.now()), call.Schedule().Retry()
	}
	s.ID = c.set.Out.Request(call.Peer.Name, call.Fields, propagate, remaining, retry)
	c.Table.Sent(call, s.ID)
	s.Attempt = call.Sent()
	call.Watched().Sent(s)
	return s
}

// retry sends another attempt. The lock is held.
func (c *Caller[O]) retry(call *calls.Call[O]) Retry[O] {
	s := c.attempt(call, watch.Sent{Waited: call.Waiting(c.now()), After: call.LastError()})
	return Retry[O]{s, call, call.Owner}
}

// Reply handles a reply. If the reply ends a call, Reply returns the end and true, and does
// not call Ended. Otherwise no call waits for the reply, or its call goes on. body is the body
// of the reply, for RetryIf of the policy.
func (c *Caller[O]) Reply(r calls.Reply, body []byte) (end End[O], ended bool) {
	out := c.set.Out
	out.Lock()
	c.judge(&r, body)
	call, decision := c.Table.Reply(r)
	var again Retry[O]
	var cause error
	if decision.Action == schedule.Send {
		again, decision, cause = c.retryUnlessVetoed(call)
	}
	if call != nil && call.Schedule() != nil {
		c.setAlarm()
	}
	out.Unlock()
	switch {
	case call == nil:
	case decision.Action == schedule.Settle:
		return End[O]{Call: call, Action: schedule.Settle, ID: r.ID}, true
	case decision.Action == schedule.GiveUp:
		end = c.end(call, decision, r.Err, c.now())
		end.ID, end.Cause = r.ID, cause
		return end, true
	case decision.Action == schedule.Send:
		c.set.Retried(again)
	default:
		call.Watched().Tell()
	}
	return end, false
}

// end returns the end of a call by a decision. err is the error reply that led to it.
func (c *Caller[O]) end(call *calls.Call[O], d schedule.Decision, err error, at time.Duration) End[O] {
	if call.Schedule() != nil {
		err = call.LastError()
	}
	return End[O]{Call: call, Action: d.Action, Reason: d.Reason, Err: err, At: at}
}

// Cancel ends a call and reports whether it was open.
func (c *Caller[O]) Cancel(call *calls.Call[O], cause error) bool {
	c.set.Out.Lock()
	open := c.remove(call)
	c.set.Out.Unlock()
	if open {
		c.cancelled(call, cause)
	}
	return open
}

func (c *Caller[O]) remove(call *calls.Call[O]) bool {
	open := c.Table.Remove(call)
	if open {
		c.Table.Failed(call)
	}
	return open
}

func (c *Caller[O]) cancelled(call *calls.Call[O], cause error) {
	end := c.end(call, schedule.Decision{Action: schedule.GiveUp}, nil, c.now())
	end.Cause = cause
	c.set.Ended(end)
}

// CancelAll ends all open calls. It runs their callbacks on another goroutine, since a
// callback may end its goroutine, and waits for them.
func (c *Caller[O]) CancelAll(cause error) {
	for more := true; more; {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for call := c.removeAny(); call != nil; call = c.removeAny() {
				c.cancelled(call, cause)
			}
			more = false
		}()
		<-done
	}
}

func (c *Caller[O]) removeAny() *calls.Call[O] {
	c.set.Out.Lock()
	defer c.set.Out.Unlock()
	call := c.Table.Any()
	if call == nil {
		c.stopAlarm()
		return nil
	}
	c.remove(call)
	return call
}

// Running reports whether callbacks of failed calls are still to run. The lock is held.
func (c *Caller[O]) Running() bool { return c.running }

// Flushing is called by the outbox when it begins to write all attempts in its buffer. The
// lock is held.
func (c *Caller[O]) Flushing() { c.Table.Flushing() }

// Flushed is called by the outbox when it has written them. The lock is held.
func (c *Caller[O]) Flushed() {
	c.Table.Written(c.now())
	c.setAlarm()
	c.set.Quiet()
}
