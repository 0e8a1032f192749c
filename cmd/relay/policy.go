package main

import (
	"flag"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy"
)

// A request takes precedence over the flags, and the flags over the file of the policy.

// policyFlags are the flags that make the policy.
type policyFlags struct {
	policy   string
	timeout  duration
	attempts int
	late     eddy.Late
}

func (w *policyFlags) check() error {
	switch timeout := time.Duration(w.timeout); {
	case timeout < time.Millisecond || timeout > maxTimeout:
		return fmt.Errorf("--timeout %v: must be from 1ms to 1h", timeout)
	case w.attempts < 1 || w.attempts > maxAttempts:
		return fmt.Errorf("--max-retries %d: must be from 1 to 1000", w.attempts)
	}
	return nil
}

// over returns the named policy with what the given flags set of it.
func (w *policyFlags) over(f *flag.FlagSet) (*eddy.Policy, error) {
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

// fixTimeout sets the timeout of every attempt, the last one included.
func fixTimeout(p *eddy.Policy, timeout time.Duration) {
	p.Timeout, p.Adaptive, p.Hedge, p.LastTimeout = timeout, nil, 0, 0
}

// variants are the policies that requests have asked for by timeout_ms and max_retries.
// Requests ask for few, and a policy of its own for each open call would double its memory
// (bench, timeouts-1m). Inline handlers run one at a time, so nothing guards them.
type variants map[variant]*eddy.Policy

type variant struct{ timeout, attempts int64 } // 0 if the request does not say

const maxVariants = 4096

// of returns the policy with what the job sets of it.
func (v variants) of(policy *eddy.Policy, j *job) (*eddy.Policy, error) {
	if j.timeout == nil && j.maxRetries == nil {
		return policy, nil
	}
	var want variant
	var ok bool
	if want.timeout, ok = j.timeout.Int(); j.timeout != nil && (!ok || want.timeout < 1 || want.timeout > 3_600_000) {
		return nil, malformed("timeout_ms must be an integer from 1 to 3600000, in milliseconds")
	}
	if want.attempts, ok = j.maxRetries.Int(); j.maxRetries != nil && (!ok || want.attempts < 1 || want.attempts > 1000) {
		return nil, malformed("max_retries must be an integer from 1 to 1000, the attempts in all")
	}
	if p := v[want]; p != nil {
		return p, nil
	}
	changed := *policy
	if j.timeout != nil {
		fixTimeout(&changed, time.Duration(want.timeout)*time.Millisecond)
	}
	if j.maxRetries != nil {
		changed.Attempts = int(want.attempts)
	}
	if len(v) >= maxVariants {
		clear(v)
	}
	v[want] = &changed
	return &changed, nil
}
