package eddy

import "time"

// An alarm wakes the node when an attempt's timeout comes: one timer for all
// calls. mu of the node guards it.
type alarm struct {
	timer *time.Timer   // nil before the first
	at    time.Duration // what it is set to, 0 if it is not
}

// setAlarm sets the alarm to the next timeout, if that is earlier. mu is held.
func (n *Node) setAlarm() {
	a := &n.alarm
	next, ok := n.calls.Next(!n.full())
	if !ok || a.at != 0 && next >= a.at {
		return
	}
	a.at = max(next, 1)
	if a.timer == nil {
		a.timer = time.NewTimer(next - n.now())
		go n.keepTime(a.timer)
		return
	}
	a.timer.Reset(next - n.now())
}

// keepTime looks for timeouts whenever the alarm goes off.
func (n *Node) keepTime(timer *time.Timer) {
	defer func() {
		if n.ctx.Err() != nil {
			timer.Stop()
			return
		}
		timer.Reset(0) // a callback ended the goroutine
		go n.keepTime(timer)
	}()
	for {
		select {
		case <-timer.C:
			n.timeouts()
			n.mu.Lock()
			n.alarm.at = 0
			n.setAlarm()
			n.mu.Unlock()
		case <-n.ctx.Done():
			return
		}
	}
}
