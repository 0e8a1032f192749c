package caller

import (
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/schedule"
)

// An alarm is the one timer for the timeouts of all calls.
type alarm struct {
	timer *time.Timer   // nil before the first timeout
	at    time.Duration // when it goes off, 0 if it is not set
}

// setAlarm sets the alarm to the next timeout, unless it goes off earlier. The lock is held.
func (c *Caller[O]) setAlarm() {
	next, ok := c.Table.Next(!c.set.Out.Full())
	if !ok || c.alarm.at != 0 && next >= c.alarm.at {
		return
	}
	c.alarm.at = max(next, 1)
	if c.alarm.timer == nil {
		c.alarm.timer = time.AfterFunc(next-c.now(), c.serveTimeouts)
	} else {
		c.alarm.timer.Reset(next - c.now())
	}
}

// stopAlarm stops the alarm, since no call is open. The lock is held.
func (c *Caller[O]) stopAlarm() {
	c.alarm.at = 0
	if c.alarm.timer != nil {
		c.alarm.timer.Stop()
	}
}

// serveTimeouts sends the next attempts of the calls that have timed out, and ends those that
// have no further one.
func (c *Caller[O]) serveTimeouts() {
	c.set.Out.Begin()
	defer func() {
		c.set.Out.EndSoon() // a blocked output must not delay timeouts
		c.set.Quiet()
	}()
	var some [64]due[O]
	for more := true; more; {
		var count int
		count, more = c.takeDue(some[:])
		for i := range some[:count] {
			switch d := &some[i]; {
			case d.end.Call != nil:
				c.set.Ended(d.end)
			case d.retry.Attempt > 0:
				c.set.Retried(d.retry)
			default:
				d.retry.Call.Watched().Tell()
			}
		}
		clear(some[:count])
	}
}

// A due is a call that was due: another attempt of it was sent, or it has failed, or its hooks
// are to be told something.
type due[O any] struct {
	retry Retry[O] // its Attempt is 0 if none was sent
	end   End[O]   // its Call is nil if the call has not failed
}

// takeDue sends the next attempts of at most len(some) calls that are due, and removes those
// that have failed. It stores them in some, except failed calls with a callback: since a
// callback may block, runCallbacks runs it. more tells whether more calls may be due.
func (c *Caller[O]) takeDue(some []due[O]) (count int, more bool) {
	c.set.Out.Lock()
	defer c.set.Out.Unlock()
	now := c.now()
	var over []failed[O] // a slice of their own: one of all failed calls would be copied when it grows
	defer func() { c.fail(over) }()
	for range some {
		call, decision := c.Table.Due(now, !c.set.Out.Full())
		if call == nil {
			c.alarm.at = 0
			c.setAlarm()
			return count, false
		}
		var cause error
		again := Retry[O]{Call: call}
		if decision.Action == schedule.Send {
			again, decision, cause = c.retryUnlessVetoed(call)
		}
		if decision.Action != schedule.GiveUp {
			some[count].retry = again
			count++
			continue
		}
		c.Table.Failed(call)
		if call.Blocking {
			some[count].end = c.end(call, decision, nil, now)
			some[count].end.Cause = cause
			count++
			continue
		}
		if over == nil {
			over = make([]failed[O], 0, len(some))
		}
		over = append(over, failed[O]{call, decision.Reason, cause, now})
	}
	return count, true
}

// fail makes runCallbacks run the callbacks of some failed calls. The lock is held.
func (c *Caller[O]) fail(some []failed[O]) {
	if len(some) == 0 {
		return
	}
	c.failed = append(c.failed, some)
	if !c.running {
		c.running = true
		go c.runCallbacks()
	}
}

// runCallbacks runs the callbacks of the failed calls in their order, until there is none
// left. If a callback ends the goroutine, another goroutine continues.
func (c *Caller[O]) runCallbacks() {
	returned := false
	defer func() {
		c.set.Out.End()
		c.set.Quiet()
		if !returned {
			go c.runCallbacks()
		}
	}()
	c.set.Out.Begin()
	for c.takeFailed() {
		f := c.taken[0]
		c.taken[0] = failed[O]{}
		c.taken = c.taken[1:]
		end := c.end(f.call, schedule.Decision{Action: schedule.GiveUp, Reason: f.reason}, nil, f.at)
		end.Cause = f.cause
		c.set.Ended(end)
	}
	returned = true
}

// A failed call has timed out, and its callback is to run.
type failed[O any] struct {
	call   *calls.Call[O]
	reason schedule.Reason
	cause  error // of a veto
	at     time.Duration
}

// takeFailed takes the failed calls that came first, once the callbacks of those that it took
// before have begun. It returns false if there is none.
func (c *Caller[O]) takeFailed() bool {
	if len(c.taken) > 0 {
		return true
	}
	c.set.Out.Lock()
	defer c.set.Out.Unlock()
	c.running = len(c.failed) > 0
	if c.running {
		c.taken, c.failed[0] = c.failed[0], nil
		c.failed = c.failed[1:]
	}
	return c.running
}
