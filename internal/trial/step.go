package trial

import (
	"github.com/eddyrpc/eddy/internal/history"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// tick is how often timeouts are checked.
const tick = 20 * time.Millisecond

// Step does the next thing that is due at a time: it delivers one message, lets clients
// send requests, or does what else is due. It reports whether there may be more
// to do at this time.
//
// Call Step until it returns false, and again at Next or when a node has written
// something. Times never go back; an earlier one counts as the latest.
func (t *Trial) Step(now time.Duration) bool {
	t.advance(now)
	switch {
	case t.done:
		return false
	case t.faultTimers.run(t.now), t.sendTimers.run(t.now), t.deliverNext():
		return true
	case t.inMain && t.sendRequests():
		return true
	case t.now >= t.nextTick:
		t.nextTick = t.now + tick
		t.checkInits()
		t.checkTimeouts()
		t.checkCarrier()
		t.showProgress()
		return true
	}
	return t.endWait()
}

// Next returns when Step must be called again, unless a node writes something before.
func (t *Trial) Next() time.Duration {
	due := min(t.nextTick, t.wait.end)
	if at, ok := t.net.Next(); ok {
		due = min(due, at)
	}
	for _, of := range []*timers{&t.faultTimers, &t.sendTimers} {
		if at, ok := of.next(); ok {
			due = min(due, at)
		}
	}
	if at, ok := t.replay.next(); ok && t.inMain {
		due = min(due, t.mainBegan+at)
	} else if t.replay == nil && t.inMain && len(t.free) > 0 {
		due = min(due, t.nextOp)
	}
	return due
}

// advance sets the time, unless it would go back.
func (t *Trial) advance(to time.Duration) { t.now = max(t.now, to) }

// deliverNext delivers the next message that is due. It returns false if there is none.
func (t *Trial) deliverNext() bool {
	d, ok := t.net.Due(t.now)
	if ok {
		t.deliver(&d)
	}
	return ok
}

func (t *Trial) deliver(d *sim.Delivery) {
	if n := t.byName[d.Dest]; n != nil {
		t.deliverToNode(n, d)
	} else if !t.serve(d) && !t.deliverToPeer(d) {
		t.deliverToClient(d)
	}
}

func (t *Trial) deliverToNode(n *node, d *sim.Delivery) {
	if n.state == exited || n.state == mute {
		t.net.Undeliver(t.now, *d, sim.Down)
		return
	}
	t.line = message.Append(t.line[:0], d.Src, d.Dest, d.Body)
	if !t.processes.Send(n.index, t.line) {
		t.net.Undeliver(t.now, *d, sim.Unread)
		if t.mustRead(n) && t.processes.Queued(n.index) > 0 {
			t.nodeViolation(n, "unread-input", "did not read %d bytes of its input", t.processes.Queued(n.index))
		}
		return
	}
	if d.ID != message.None {
		t.countRequest(n, d)
	}
	if t.cfg.Trace != nil {
		traced := d.Message
		t.cfg.Trace(Traffic{At: t.now, Received: true, Message: &traced})
	}
}

// mustRead reports whether nothing excuses a node that does not read its input.
func (t *Trial) mustRead(n *node) bool {
	return n.state == up && n.pauses == 0 && t.now >= n.readsFrom && !t.ending
}

func (t *Trial) showProgress() {
	if t.cfg.OnProgress == nil {
		return
	}
	p := Progress{At: t.now, OK: t.outcomes[history.OK], Fail: t.outcomes[history.Fail],
		Indefinite: t.outcomes[history.Indefinite], Messages: t.net.Journal().Len()}
	for _, f := range t.net.Faults() {
		p.Faults = append(p.Faults, f.String())
	}
	t.cfg.OnProgress(p)
}
