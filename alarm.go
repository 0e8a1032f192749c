package eddy

import "time"

// An alarm wakes the node when an attempt's timeout comes: one timer for all
// calls. mu of the node guards it.
type alarm struct {
	timer *time.Timer
	at    time.Duration // what it is set to, 0 if it is not
}

// setAlarm sets the alarm to the next timeout, if that is earlier. mu is held.
func (n *Node) setAlarm() {
	next, ok := n.calls.Next()
	if ok && (n.alarm.at == 0 || next < n.alarm.at) {
		n.alarm.at = max(next, 1)
		n.alarm.timer.Reset(next - n.now())
	}
}

// keepTime looks for timeouts whenever the alarm goes off.
func (n *Node) keepTime() {
	defer func() {
		if n.ctx.Err() == nil { // a callback ended the goroutine
			n.alarm.timer.Reset(0)
			go n.keepTime()
		}
	}()
	for {
		select {
		case <-n.alarm.timer.C:
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
