// Package retry is the arithmetic of trying again: when an attempt has met
// silence or an error, does its call send another, when, and how long does each
// one wait?
//
// A [Policy] is what a person sets: in Go, as JSON ([Load]), or by a name ([Preset]). A
// [Schedule] is the one place that decides for one call; an [Estimator] and a [Ledger]
// are what the calls to one destination share, a [Destination].
//
// A program that makes calls needs of all this a Policy only, which package eddy takes.
// The rest is for those who run policies: it is told what happens and when, and answers
// with a [Next]: send again, wait or pause until a time, settle, give up.
//
// It is pure: no clock, no input or output, no goroutine. Times are durations
// since an origin of the caller's choice. The live node and every simulation run
// this code and no other, so what a simulation says of a policy holds for the
// node.
package retry

import (
	"fmt"
	"time"
)

// What the zero Policy means.
const (
	DefaultAttempts = 3
	DefaultTimeout  = 500 * time.Millisecond
)

// A Policy says how often a call is attempted, how long it waits, and what makes
// it try again. The zero value is the default: 3 attempts in all, 500 ms each, no
// pause between, late replies accepted, nothing else.
//
// A policy is data: it holds nothing of the calls that follow it, so any number
// of calls may share one at the same time. It must not be changed in use. Its
// JSON form is described by docs/policy.schema.json; durations are strings such
// as "500ms".
type Policy struct {
	// Attempts is how many messages a call sends in all, the first included.
	// 0 means 3.
	Attempts int `json:"attempts,omitzero"`

	// Timeout is how long each attempt waits for its reply, counted from when
	// its message was written out. 0 means 500 ms. If it is adaptive, this is the
	// wait until there is a first reply to learn from.
	Timeout time.Duration `json:"timeout,omitzero"`

	// Adaptive makes the timeout follow the round trips to each destination. Nil
	// means that it stays as it is.
	Adaptive *Adaptive `json:"adaptive,omitzero"`

	// LastTimeout is how long the last attempt waits instead of Timeout. 0 means no
	// longer than the others. It pays only if late replies are accepted: then it
	// is a wait for all of the attempts.
	LastTimeout time.Duration `json:"last_timeout,omitzero"`

	// Hedge is how long every attempt but the last waits instead of Timeout: a
	// second message is sent soon, not because the first one is given up, but
	// because whichever is answered first will do. 0 means no hedging. What a
	// hedge has waited tells the estimator nothing. (Dean, Barroso: The Tail at
	// Scale, CACM 56(2), 2013.)
	Hedge time.Duration `json:"hedge,omitzero"`

	// Late says what becomes of a reply that comes after its own attempt's
	// timeout, while a later attempt is still waiting.
	Late Late `json:"late,omitzero"`

	// Deadline is how long a call may take from its beginning, with everything.
	// No attempt begins at or after it, the last wait is cut at it, a pause that
	// would reach it is not begun; late replies count until then. 0 means none.
	Deadline time.Duration `json:"deadline,omitzero"`

	// Backoff is the pause between two attempts. The zero value is none.
	Backoff Backoff `json:"backoff,omitzero"`

	// RetryOn are the codes of error replies after which the call tries again. Nil
	// means none: the node has been reached and has said no.
	RetryOn []int `json:"retry_on,omitzero"`

	// Budget bounds the retries of many calls together. The zero value does not.
	Budget Budget `json:"budget,omitzero"`

	// CallID puts "call" into every attempt, so that the receiver knows attempts of
	// one call.
	CallID bool `json:"call_id,omitzero"`

	// Propagate puts "deadline_ms" and "retry" into every attempt: what has
	// expired is dropped unserved, and nobody retries on behalf of a retry.
	Propagate bool `json:"propagate,omitzero"`
}

// Validate names the first field with an impossible value.
func (p *Policy) Validate() error {
	if p == nil || p.simple() {
		return nil
	}
	if p.Attempts < 0 {
		return fmt.Errorf("attempts: %d is not at least 1", p.Attempts)
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"timeout", p.Timeout}, {"last_timeout", p.LastTimeout}, {"hedge", p.Hedge}, {"deadline", p.Deadline},
	} {
		if d.value < 0 {
			return fmt.Errorf("%s: %v is not over 0s", d.field, d.value)
		}
	}
	return p.validateRest()
}

// simple reports whether nothing is set that could be wrong, at a glance, since every
// call's policy is looked at (cmd/relay, BenchmarkRelay).
func (p *Policy) simple() bool {
	return p.Attempts >= 0 && p.Timeout >= 0 && p.Adaptive == nil && p.LastTimeout == 0 && p.Hedge == 0 && p.Late <= Ignore &&
		p.Deadline == 0 && p.Backoff == Backoff{} && len(p.RetryOn) == 0 && p.Budget == Budget{}
}

// validateRest looks at the fields that are more than one number, and at those
// that depend on others.
func (p *Policy) validateRest() error {
	if p.Late > Ignore {
		return fmt.Errorf("late: %d is neither accept nor ignore", p.Late)
	}
	if err := p.Adaptive.validate(); err != nil {
		return fmt.Errorf("adaptive.%w", err)
	}
	if err := p.Backoff.validate(); err != nil {
		return fmt.Errorf("backoff.%w", err)
	}
	for i, code := range p.RetryOn {
		if code < 0 {
			return fmt.Errorf("retry_on: %d, number %d of them, is not at least 0", code, i+1)
		}
	}
	if err := p.Budget.validate(); err != nil {
		return fmt.Errorf("budget.%w", err)
	}
	switch last := p.lastWait(); {
	case p.LastTimeout > 0 && p.Adaptive == nil && p.LastTimeout < p.timeout():
		return fmt.Errorf("last_timeout: %v is less than the timeout, %v", p.LastTimeout, p.timeout())
	case p.Hedge > last:
		return fmt.Errorf("hedge: %v is more than the last attempt waits, %v", p.Hedge, last)
	case p.Hedge > 0 && p.Late == Ignore:
		return fmt.Errorf("hedge: of no use, since late replies are ignored")
	}
	return nil
}

// MaxAttempts returns how many attempts a call has in all.
func (p *Policy) MaxAttempts() int {
	if p == nil || p.Attempts <= 0 {
		return DefaultAttempts
	}
	return p.Attempts
}

// AttemptTimeout returns how long attempt n, which is at least 1, waits for its
// reply, unless a deadline ends it sooner. If the timeout is adaptive, it is how
// long the attempt waits until there is a round trip to learn from.
func (p *Policy) AttemptTimeout(n int) time.Duration {
	switch {
	case p == nil:
		return DefaultTimeout
	case n >= p.MaxAttempts():
		return p.lastWait()
	case p.Hedge > 0:
		return p.Hedge
	}
	return p.timeout()
}

func (p *Policy) timeout() time.Duration {
	if p.Timeout <= 0 {
		return DefaultTimeout
	}
	return p.Timeout
}

func (p *Policy) lastWait() time.Duration {
	if p.LastTimeout > 0 {
		return p.LastTimeout
	}
	return p.timeout()
}
