// Package retry defines retry policies: what a person sets to say how often a call
// is attempted, how long it waits, and what makes it try again.
//
// A [Policy] is written in Go, as JSON ([Load]), or chosen by name ([Preset]).
// Package eddy makes calls by it. The zero Policy is the default.
//
// The package holds data and no algorithm. How a node follows a policy is in
// internal/schedule, which a node and the simulation of "eddy plan" both run.
package retry

import (
	"fmt"
	"math"
	"time"
)

// The defaults of Policy.
const (
	DefaultAttempts = 3
	DefaultTimeout  = 500 * time.Millisecond

	DefaultMaxPushback = 5 * time.Second
)

// A Policy says how often a call is attempted, how long it waits, and what makes
// it try again. The zero value is the default: 3 attempts, a timeout of 500 ms
// each, no pause between them, late replies accepted, error replies not retried.
//
// A policy holds no state of the calls that follow it. Any number of calls may use
// it at the same time. It must not be changed while it is in use. Its JSON form is
// described by docs/policy.schema.json; durations are strings such as "500ms".
type Policy struct {
	// Attempts is how many messages a call sends at most, the first included.
	// 0 means 3.
	Attempts int `json:"attempts,omitzero"`

	// Timeout is how long each attempt waits for its reply, counted from when
	// its message was written out. 0 means 500 ms. If the timeout is adaptive,
	// attempts wait this long until the first round trip is known.
	Timeout time.Duration `json:"timeout,omitzero"`

	// Adaptive makes the timeout follow the round trips to each destination. Nil
	// means that the timeout is fixed.
	Adaptive *Adaptive `json:"adaptive,omitzero"`

	// LastTimeout is the timeout of the last attempt. 0 means the same as for the
	// other attempts. A longer one helps if late replies are accepted, because the
	// call then waits for the replies to all of its attempts.
	LastTimeout time.Duration `json:"last_timeout,omitzero"`

	// Hedge is the timeout of every attempt but the last. It is meant to be
	// short: the next attempt is sent while the previous one may still succeed,
	// and the first reply to any of them counts. 0 means no hedging. The timeout
	// of a hedged attempt does not change an adaptive timeout. (Dean, Barroso:
	// The Tail at Scale, CACM 56(2), 2013.)
	Hedge time.Duration `json:"hedge,omitzero"`

	// HedgePercentile makes the delay of a hedge follow the round trips to each
	// destination. It is this percentile of the latest 256 that were measured, such as
	// 95. Then 5 to 8 of 100 calls send a hedge, however fast the destination is. Hedge
	// is the delay until 20 round trips are known. An attempt that was not answered
	// counts as long as its call waited. 0 means that the delay is Hedge.
	HedgePercentile float64 `json:"hedge_percentile,omitzero"`

	// MaxHedges is how many attempts of a call have Hedge as their timeout; those that
	// follow have Timeout. 0 means all but the last.
	MaxHedges int `json:"max_hedges,omitzero"`

	// Late says whether a reply counts that comes after the timeout of its
	// attempt, while the call is still open.
	Late Late `json:"late,omitzero"`

	// Deadline is how long the whole call may take. No attempt begins at or after
	// the deadline, and the last timeout ends at it. If a pause would reach the
	// deadline, the pause does not begin, and the call waits for late replies until
	// the deadline. 0 means none.
	Deadline time.Duration `json:"deadline,omitzero"`

	// Backoff is the pause before every attempt but the first. The zero value is no
	// pause.
	Backoff Backoff `json:"backoff,omitzero"`

	// BackoffAfter replaces Backoff after some kinds of failures: AfterTimeout,
	// AfterPushback, or an error reply with a code, such as AfterCode(11). A zero
	// Backoff is no pause after this kind.
	BackoffAfter map[string]Backoff `json:"backoff_after,omitzero"`

	// MaxPushback is how much longer than its backoff a call pauses at most because an
	// error reply asks for it (retry_after_ms). 0 means 5 s.
	MaxPushback time.Duration `json:"max_pushback,omitzero"`

	// RetryOn lists the codes of error replies after which the call tries again.
	// Nil means none: an error reply shows that the node was reached and refused.
	RetryOn []int `json:"retry_on,omitzero"`

	// RetryIf, unless nil, decides about a reply whose code is not in RetryOn: if it
	// returns true, the call tries again. It gets the body of the reply, which is valid
	// until it returns, and the error if it is an error reply. If the call may not try
	// again, a reply without an error is its result. RetryIf is called in the goroutine
	// that reads the node's input, so it must not block. It has no JSON form.
	RetryIf func(body []byte, err error) bool `json:"-"`

	// Budget limits the retries of all calls together. The zero value does not.
	Budget Budget `json:"budget,omitzero"`

	// Breaker makes calls to a destination that does not answer fail at once, without a
	// message. Such a failure is definite. The zero value does not.
	Breaker Breaker `json:"breaker,omitzero"`

	// CallID puts the field "call" into every attempt, so that the receiver
	// recognizes the attempts of one call.
	CallID bool `json:"call_id,omitzero"`

	// Propagate puts the fields "deadline_ms" and "retry" into every attempt: the
	// receiver drops a request whose deadline has passed, and makes only one attempt
	// for each call on behalf of a retry.
	Propagate bool `json:"propagate,omitzero"`

	// Trace puts the field "traceparent" into every attempt, if a hook of the node provides
	// it, as those of package otel do. So a trace follows the call to the node that serves
	// it. (W3C, Trace Context, section 3.2.)
	Trace bool `json:"trace,omitzero"`
}

// MaxAttempts returns how many attempts a call makes at most. For a nil p it is
// DefaultAttempts.
func (p *Policy) MaxAttempts() int {
	if p == nil || p.Attempts <= 0 {
		return DefaultAttempts
	}
	return p.Attempts
}

// AttemptTimeout returns the timeout of attempt n, which is at least 1, if no
// deadline ends it sooner. If the timeout is adaptive, it is the timeout until the
// first round trip is known. For a nil p it is DefaultTimeout.
func (p *Policy) AttemptTimeout(n int) time.Duration {
	switch {
	case p == nil:
		return DefaultTimeout
	case n >= p.MaxAttempts():
		return p.lastTimeout()
	case p.Hedges(n):
		return p.Hedge
	}
	return p.timeout()
}

// Hedges reports whether the timeout of attempt n is the delay of a hedge.
func (p *Policy) Hedges(n int) bool {
	return p.Hedge > 0 && n < p.MaxAttempts() && (p.MaxHedges <= 0 || n <= p.MaxHedges)
}

func (p *Policy) timeout() time.Duration {
	if p.Timeout <= 0 {
		return DefaultTimeout
	}
	return p.Timeout
}

func (p *Policy) lastTimeout() time.Duration {
	if p.LastTimeout > 0 {
		return p.LastTimeout
	}
	return p.timeout()
}

// Validate returns an error that names the first field with an invalid value. A nil
// p is valid.
func (p *Policy) Validate() error {
	switch {
	case p == nil:
		return nil
	case p.Attempts < 0:
		return invalid("attempts", p.Attempts)
	case p.Timeout < 0:
		return invalid("timeout", p.Timeout)
	case p.LastTimeout < 0:
		return invalid("last_timeout", p.LastTimeout)
	case p.Hedge < 0:
		return invalid("hedge", p.Hedge)
	case !(p.HedgePercentile >= 0 && p.HedgePercentile < 100) || math.Signbit(p.HedgePercentile):
		return invalid("hedge_percentile", p.HedgePercentile)
	case p.MaxHedges < 0:
		return invalid("max_hedges", p.MaxHedges)
	case p.Late > Ignore:
		return invalid("late", uint8(p.Late))
	case p.Deadline < 0:
		return invalid("deadline", p.Deadline)
	case p.MaxPushback < 0:
		return invalid("max_pushback", p.MaxPushback)
	}
	if err := p.Adaptive.validate(); err != nil {
		return err
	}
	if err := p.Backoff.validate("backoff"); err != nil {
		return err
	}
	if err := p.validateBackoffAfter(); err != nil {
		return err
	}
	for i, code := range p.RetryOn {
		if code < 0 {
			return invalid(fmt.Sprintf("retry_on.%d", i), code)
		}
	}
	if err := p.Budget.validate(); err != nil {
		return err
	}
	if err := p.Breaker.validate(); err != nil {
		return err
	}
	return p.validateTimeouts()
}

// validateTimeouts checks the fields that depend on each other.
func (p *Policy) validateTimeouts() error {
	switch last := p.lastTimeout(); {
	case p.LastTimeout > 0 && p.Adaptive == nil && p.LastTimeout < p.timeout():
		return wrong("last_timeout", "%v must be at least the timeout, %v", p.LastTimeout, p.timeout())
	case p.Hedge > last:
		return wrong("hedge", "%v must be at most the timeout of the last attempt, %v", p.Hedge, last)
	case p.Hedge > 0 && p.Late == Ignore:
		return wrong("hedge", "%v must be left out if late is ignore, because only late replies make it useful", p.Hedge)
	}
	return nil
}
