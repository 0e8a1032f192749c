package caller

import (
	"errors"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/watch"
)

// retryUnlessVetoed sends another attempt and returns Send. If a hook vetoes the attempt, it
// removes the call and returns GiveUp and the hook's error. It returns Wait if the call waits for
// room in the outbox or has ended meanwhile. The lock is held, but not while the hook runs.
func (c *Caller[O]) retryUnlessVetoed(call *calls.Call[O]) (Retry[O], schedule.Decision, error) {
	wait := schedule.Decision{Action: schedule.Wait}
	if c.set.Out.Full() {
		c.Table.Postpone(call)
		return Retry[O]{Call: call}, wait, nil
	}
	if w := call.Watched(); w.HasVeto() {
		c.set.Out.Unlock()
		err := w.Veto(call.Sent() + 1)
		c.set.Out.Lock()
		switch {
		case !c.Table.IsOpen(call): // a reply has come, or its context has ended
			return Retry[O]{Call: call}, wait, nil
		case err != nil:
			c.Table.Remove(call)
			return Retry[O]{}, schedule.Decision{Action: schedule.GiveUp, Reason: schedule.Vetoed}, err
		}
	}
	return c.retry(call), schedule.Decision{Action: schedule.Send}, nil
}

// TellBegin tells the hooks of a call that it has begun, or, if err is not nil, that it could
// not. The lock is not held.
func (c *Caller[O]) TellBegin(call *calls.Call[O], err error) {
	if err != nil {
		c.TellEnd(End[O]{Call: call}, nil, err)
	}
	call.Watched().Tell()
}

// TellEnd tells the hooks of a call, if it has any, that it has ended. err is what its caller
// gets. The lock is not held.
func (c *Caller[O]) TellEnd(end End[O], reply []byte, err error) {
	w := end.Call.Watched()
	if w == nil {
		return
	}
	e := watch.CallEnd{Reply: reply, Err: err}
	var call interface{ Definite() bool }
	e.Definite = errors.As(err, &call) && call.Definite()
	if end.At == 0 {
		end.At = c.now()
	}
	for i, o := range end.Call.Outcomes(end.At) {
		a := watch.Attempt{ID: o.ID, Waited: o.Waited, TimedOut: o.TimedOut, Answered: o.Answered}
		if o.Written >= 0 {
			a.Written = c.set.Start.Add(o.Written)
		}
		if reply != nil && o.ID == end.ID {
			e.Answered = i + 1
		}
		e.Attempts = append(e.Attempts, a)
	}
	w.End(e)
}
