package runner

import (
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
)

// A clock is the clock of a runner. It notices when the runner stood still. The
// stallMonitor does not see this: it is another goroutine, and may have run meanwhile.
type clock struct {
	start  time.Time
	looked time.Duration                // when the runner last looked at the clock, or should have
	sleeps time.Duration                // how long the runner sleeps, or 0
	stood  func(from, to time.Duration) // is called when the runner stood still
}

// look returns the time since the start.
func (c *clock) look() time.Duration {
	now := time.Since(c.start)
	if now-c.looked > trial.MinStall {
		c.stood(c.looked, now)
	}
	c.looked = now
	return now
}

// wake is called after a sleep, with the time of the first event, or the zero time. The
// runner should have woken at the event, and at the latest when its timer expired.
func (c *clock) wake(event time.Time) {
	if c.sleeps == 0 {
		return
	}
	due := c.looked + c.sleeps
	if !event.IsZero() {
		due = min(due, max(c.looked, event.Sub(c.start)))
	}
	c.looked = min(due, time.Since(c.start))
	c.sleeps = 0
}
