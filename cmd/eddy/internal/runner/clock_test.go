package runner

import (
	"testing"
	"testing/synctest"
	"time"
)

// To sleep is no stall. To wake late is one, from the first event on or from when the
// timer expired.
func TestLoopWakesLate(t *testing.T) {
	for _, test := range []struct {
		name                string
		sleep, event, slept time.Duration // event is 0 if there is none
		want                time.Duration
	}{
		{"in time", time.Second, 0, time.Second, 0},
		{"early, for an event", time.Second, 200 * time.Millisecond, 200 * time.Millisecond, 0},
		{"late", time.Second, 0, 1400 * time.Millisecond, 400 * time.Millisecond},
		{"late, for an event", time.Second, 200 * time.Millisecond, 700 * time.Millisecond, 500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			var stood time.Duration
			c := clock{start: time.Now(), stood: func(from, to time.Duration) { stood += to - from }}
			c.look()
			c.sleeps = test.sleep
			time.Sleep(test.slept)
			var event time.Time
			if test.event > 0 {
				event = c.start.Add(test.event)
			}
			c.wake(event)
			if now := c.look(); stood != test.want || now != test.slept {
				t.Errorf("%s: stood still for %v until %v", test.name, stood, now)
			}
		})
	}
}
