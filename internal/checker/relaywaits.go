package checker

import (
	"slices"
	"time"
)

// least returns how long a relay waits at least after attempt n of a call.
func (c *relayCall) least(n int) time.Duration {
	if c.policy == nil {
		return c.timeout
	}
	least, _ := c.policy.Wait(n, c.maxAttempts)
	return least
}

// most returns how long a relay waits at most after attempt n, with the pause before the next.
func (r *relayCheck) most(c *relayCall, n int) time.Duration {
	if c.policy == nil {
		return c.timeout + r.config.Backoff
	}
	_, most := c.policy.Wait(n, c.maxAttempts)
	return most + r.config.Backoff
}

// longest returns how long a call may take.
func (r *relayCheck) longest(c *relayCall) (sum time.Duration) {
	if c.policy == nil {
		return time.Duration(c.maxAttempts) * r.most(c, 1)
	}
	for n := 1; n <= c.maxAttempts; n++ {
		sum += r.most(c, n)
		if d := c.policy.Deadline; d > 0 && sum > d {
			return d
		}
	}
	return sum
}

// number returns which attempt has an id, 0 if none has.
func (c *relayCall) number(id int64) int {
	return slices.IndexFunc(c.attempts, func(a relayAttempt) bool { return a.id == id }) + 1
}
