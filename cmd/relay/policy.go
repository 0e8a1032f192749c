package main

import (
	"flag"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy"
)

// What a request says goes over what the flags say, and that over what the policy's
// file says.

// waits are what the command line says of the policy.
type waits struct {
	policy   string
	timeout  duration
	attempts int
	late     eddy.Late
}

func (w *waits) check() error {
	switch timeout := time.Duration(w.timeout); {
	case timeout < time.Millisecond || timeout > maxTimeout:
		return fmt.Errorf("--timeout %v: must be from 1ms to 1h", timeout)
	case w.attempts < 1 || w.attempts > maxAttempts:
		return fmt.Errorf("--max-retries %d: must be from 1 to 1000", w.attempts)
	}
	return nil
}

// over is the named policy with what the flags that were given set of it.
func (w *waits) over(f *flag.FlagSet) (*eddy.Policy, error) {
	p, err := eddy.LoadPolicy(w.policy)
	if err != nil {
		return nil, fmt.Errorf("--policy %s: %w", w.policy, err)
	}
	f.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "timeout":
			fixTimeout(p, time.Duration(w.timeout))
		case "max-retries":
			p.Attempts = w.attempts
		case "late":
			p.Late = w.late
		}
	})
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("--policy %s with these flags: %w", w.policy, err)
	}
	return p, nil
}

// fixTimeout makes every attempt wait that long, the last one too, whatever else
// the policy said of that.
func fixTimeout(p *eddy.Policy, timeout time.Duration) {
	p.Timeout, p.Adaptive, p.Hedge, p.LastTimeout = timeout, nil, 0, 0
}

// overrides keeps a policy for each pair of timeout and attempts that requests
// ask for, since they ask for few and a policy for each call costs memory. Inline
// handlers run one at a time, so nothing guards it.
type overrides map[override]*eddy.Policy

type override struct {
	timeout  time.Duration
	attempts int
}

const maxOverrides = 4096

// of is the policy with what the order sets of it.
func (own overrides) of(policy *eddy.Policy, o *order) (*eddy.Policy, error) {
	if o.timeout == nil && o.maxRetries == nil {
		return policy, nil
	}
	want := override{attempts: policy.Attempts}
	if o.timeout != nil {
		ms, ok := o.timeout.Int()
		if !ok || ms < 1 || ms > 3_600_000 {
			return nil, malformed("timeout_ms must be an integer from 1 to 3600000, in milliseconds")
		}
		want.timeout = time.Duration(ms) * time.Millisecond
	}
	if o.maxRetries != nil {
		n, ok := o.maxRetries.Int()
		if !ok || n < 1 || n > 1000 {
			return nil, malformed("max_retries must be an integer from 1 to 1000, the attempts in all")
		}
		want.attempts = int(n)
	}
	kept := own[want]
	if kept == nil {
		if len(own) >= maxOverrides {
			clear(own)
		}
		changed := *policy
		changed.Attempts = want.attempts
		if o.timeout != nil {
			fixTimeout(&changed, want.timeout)
		}
		kept = &changed
		own[want] = kept
	}
	return kept, nil
}
