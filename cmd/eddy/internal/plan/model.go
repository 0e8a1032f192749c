// Package plan shows what a retry policy will do before it is used. It runs the code
// that a node runs, package schedule, for many calls in virtual time, against a model
// of the network and of the callee.
//
// The package is pure: it has no clock, no input or output, no goroutine. The same
// model, policy and seed give the same result. The random numbers for attempt n of a
// call depend only on the seed, the call and n, so all policies get the same ones.
package plan

import (
	"fmt"
	"math"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// A Model is what a policy is run against. Calls begin at random times (a Poisson
// process) and go along a chain of hops. Each hop but the last leads to a relay, which
// makes a call by the same policy for each request that it gets, and is never busy. The
// last hop leads to the leaf. The zero value has no calls, one hop, no loss, no latency
// and a leaf that is never busy.
type Model struct {
	Calls    int           // the number of calls at most; 0 means as many as begin within Duration
	Duration time.Duration // calls begin until then; 0 means as long as Calls take
	Rate     float64       // calls per second; 0 means DefaultRate

	Loss    float64  // the share of messages that are lost each way, from 0 to 1
	Latency sim.Dist // of a round trip; the request takes half of it
	Hops    int      // 0 means 1

	// Capacity is how many requests the leaf serves per second, one after the other
	// and each in the same time. 0 means any number at the same time.
	Capacity float64
	// Queue is how many requests may wait at the leaf. It answers one more with error
	// 11 at once. 0 means any number. Queue requires a Capacity.
	Queue int
	// Outage is when the leaf does not serve. Requests that arrive meanwhile wait.
	Outage Window

	Seed uint64
}

// A Window begins at From and lasts For.
type Window struct{ From, For time.Duration }

func (w Window) end() time.Duration { return w.From + w.For }

// holds reports whether a time is within the window.
func (w Window) holds(at time.Duration) bool { return at >= w.From && at < w.end() }

// The bounds of a model.
const (
	DefaultRate     = 1000
	MaxCalls        = 1_000_000_000
	MaxHops         = 10
	MaxOpen         = 5_000_000 // calls and messages at the same time, in about 1.5 GB
	maxDuration     = 1000 * time.Hour
	maxCallDuration = 10_000 * time.Hour // so that no sum of times overflows
)

// Validate returns an error that names the flag of the first invalid value.
func (m *Model) Validate() error {
	switch {
	case m.Calls < 0 || m.Calls > MaxCalls:
		return fmt.Errorf("--calls %d: must be from 1 to %d", m.Calls, MaxCalls)
	case m.Duration < 0 || m.Duration > maxDuration:
		return fmt.Errorf("--duration %v: must be more than 0s and at most 1000h", m.Duration)
	case !(m.Rate >= 0 && m.Rate <= 1e9):
		return fmt.Errorf("--rate %v: must be more than 0 and at most 1e9 calls per second", m.Rate)
	case !(m.Loss >= 0 && m.Loss <= 1):
		return fmt.Errorf("--loss %v: must be from 0 to 1", m.Loss)
	case m.Hops < 0 || m.Hops > MaxHops:
		return fmt.Errorf("--hops %d: must be from 1 to %d", m.Hops, MaxHops)
	case !(m.Capacity >= 0 && m.Capacity <= 1e9):
		return fmt.Errorf("--capacity %v: must be more than 0 and at most 1e9 requests per second", m.Capacity)
	case m.Queue < 0:
		return fmt.Errorf("--queue %d: must be more than 0", m.Queue)
	case m.Queue > 0 && m.Capacity == 0:
		return fmt.Errorf("--queue %d: requires --capacity, because without it no request waits", m.Queue)
	case m.Outage.From < 0 || m.Outage.For < 0 || m.Outage.From > maxDuration || m.Outage.For > maxDuration:
		return fmt.Errorf("--outage %v:%v: must be a time and a length, each at most 1000h", m.Outage.From, m.Outage.For)
	case m.calls() > MaxCalls:
		return fmt.Errorf("--duration %v at --rate %v: must be at most %d calls", m.Duration, m.rate(), MaxCalls)
	case m.calls()/m.rate() > maxDuration.Seconds():
		return fmt.Errorf("--rate %v: %d calls would take more than 1000h; set --duration, or fewer --calls", m.rate(), m.Calls)
	}
	return nil
}

// ValidatePolicy returns an error if calls by a valid policy can take too long for a
// simulation.
func ValidatePolicy(p *retry.Policy) error {
	if longest := schedule.MaxDuration(p); longest > maxCallDuration {
		return fmt.Errorf("a call can take %v, and a simulation at most %v; set a deadline", longest, maxCallDuration)
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

// calls returns about how many calls there will be.
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

// Expected returns about how many calls there will be.
func (m *Model) Expected() int { return int(m.calls()) }

// Span returns about how long calls begin.
func (m *Model) Span() time.Duration {
	return time.Duration(m.calls() / m.rate() * float64(time.Second))
}
