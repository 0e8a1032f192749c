// Package plan tells what a retry policy will do before it is used: it runs the
// policy's own code, package retry, for a great many calls in virtual time
// against a model of the network and of the callee.
//
// It is pure: no clock, no input or output, no goroutine. The same model, policy
// and seed give the same result; and what chance does to attempt number n of a
// call depends on the seed, the call and n alone, so that two policies meet the
// same draws.
package plan

import (
	"fmt"
	"math"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// A Model is what a policy is run against: calls that begin at random (a Poisson
// process), a chain of hops, and at its end the leaf that serves them. Every hop
// but the last leads to a relay that makes a call of its own, with the same
// policy, for each request it gets; relays are never busy. The zero value is one
// hop without loss or latency, to a leaf that is never busy, and no calls.
type Model struct {
	Calls    int           // at most so many calls; 0 is as many as Duration has
	Duration time.Duration // calls begin until then; 0 is as long as Calls take
	Rate     float64       // calls a second; 0 means DefaultRate

	Loss    float64  // of messages each way, 0 to 1
	Latency sim.Dist // of a round trip; half of it is the request's
	Hops    int      // 0 means 1

	// Capacity is how many requests the leaf serves a second, one after the other
	// and each in the same time; 0 is any number at once.
	Capacity float64
	// Queue is how many requests may wait at the leaf. One more is answered with
	// error 11 at once. 0 is any number. It is of no account without a Capacity.
	Queue int
	// Outage is when the leaf stops serving. What arrives meanwhile waits.
	Outage Window

	Seed uint64
}

// A Window is from a time on, for some time.
type Window struct{ From, For time.Duration }

func (w Window) end() time.Duration { return w.From + w.For }

// holds reports whether a time is in the window.
func (w Window) holds(at time.Duration) bool { return at >= w.From && at < w.end() }

// Bounds of a model.
const (
	DefaultRate = 1000
	MaxCalls    = 1_000_000_000
	MaxHops     = 10
	MaxOpen     = 5_000_000 // calls and messages under way at the same time, in some 1.5 GB
	maxDuration = 1000 * time.Hour
	maxPatience = 10_000 * time.Hour // so that no sum of times overflows
)

// Validate names the first impossible value, by the flag that sets it.
func (m *Model) Validate() error {
	switch {
	case m.Calls < 0 || m.Calls > MaxCalls:
		return fmt.Errorf("--calls %d: want 1 to %d", m.Calls, MaxCalls)
	case m.Duration < 0 || m.Duration > maxDuration:
		return fmt.Errorf("--duration %v: want more than 0s, and 1000h at most", m.Duration)
	case !(m.Rate >= 0 && m.Rate <= 1e9):
		return fmt.Errorf("--rate %v: want calls a second, more than 0", m.Rate)
	case !(m.Loss >= 0 && m.Loss <= 1):
		return fmt.Errorf("--loss %v: want a share from 0 to 1", m.Loss)
	case m.Hops < 0 || m.Hops > MaxHops:
		return fmt.Errorf("--hops %d: want 1 to %d", m.Hops, MaxHops)
	case !(m.Capacity >= 0 && m.Capacity <= 1e9):
		return fmt.Errorf("--capacity %v: want requests a second", m.Capacity)
	case m.Queue < 0:
		return fmt.Errorf("--queue %d: want a number of requests", m.Queue)
	case m.Queue > 0 && m.Capacity == 0:
		return fmt.Errorf("--queue %d: nobody waits without --capacity", m.Queue)
	case m.Outage.From < 0 || m.Outage.For < 0 || m.Outage.From > maxDuration || m.Outage.For > maxDuration:
		return fmt.Errorf("--outage %v:%v: want a time and how long, 1000h at most", m.Outage.From, m.Outage.For)
	case m.calls() > MaxCalls:
		return fmt.Errorf("--duration %v at --rate %v: more than %d calls", m.Duration, m.rate(), MaxCalls)
	case m.calls()/m.rate() > maxDuration.Seconds():
		return fmt.Errorf("--rate %v: %d calls would take more than 1000h; say --duration, or fewer --calls", m.rate(), m.Calls)
	}
	return nil
}

// ValidatePolicy says what of a policy that can be is too much for a model.
func ValidatePolicy(p *retry.Policy) error {
	if patience := schedule.MaxDuration(p); patience > maxPatience {
		return fmt.Errorf("a call can take %v, more than the %v that are simulated at most; set a deadline", patience, maxPatience)
	}
	return nil
}

func (m *Model) rate() float64 {
	if m.Rate == 0 {
		return DefaultRate
	}
	return m.Rate
}

func (m *Model) hops() int { return max(m.Hops, 1) }

// calls is about how many calls there will be.
func (m *Model) calls() float64 {
	calls := math.Inf(1)
	if m.Duration > 0 {
		calls = m.Duration.Seconds() * m.rate()
	}
	if m.Calls > 0 || m.Duration == 0 {
		calls = min(calls, float64(m.Calls))
	}
	return calls
}

// Expected is about how many calls there will be.
func (m *Model) Expected() int { return int(m.calls()) }

// span is about how long calls begin.
func (m *Model) span() time.Duration {
	return time.Duration(m.calls() / m.rate() * float64(time.Second))
}
