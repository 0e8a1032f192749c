package main

import (
	"fmt"
	"os"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/retry"
)

// calls sets what workload relay expects of the relays under test: what --policy says, and
// what the flags --call-... say over it.
func (c *testCommand) calls(cfg *runner.Config) error {
	if c.Policy == "" {
		c.setCalls(cfg)
		return nil
	}
	p, err := c.policy()
	if err == nil {
		cfg.FollowPolicy(p)
	}
	return err
}

// policy returns what --policy says, and what the flags --call-... say over it.
func (c *testCommand) policy() (*retry.Policy, error) {
	p, err := retry.Find(c.Policy, os.ReadFile)
	if err != nil {
		return nil, fmt.Errorf("--policy %s: %w", c.Policy, err)
	}
	if c.CallTimeout != nil { // of every attempt, as relay --timeout is
		p.Timeout, p.Adaptive, p.Hedge, p.LastTimeout = *c.CallTimeout, nil, 0, 0
	}
	if c.CallAttempts != nil {
		p.Attempts = *c.CallAttempts
	}
	if c.CallBackoff != nil {
		p.Backoff, p.BackoffAfter = retry.Backoff{}, nil
		if *c.CallBackoff > 0 {
			p.Backoff = retry.Backoff{Kind: retry.Constant, Base: *c.CallBackoff, Jitter: retry.FullJitter}
		}
	}
	if c.CallLate != "" {
		p.Late = retry.Accept
		if c.CallLate == "ignore" {
			p.Late = retry.Ignore
		}
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("--policy %s with the flags --call-...: %w", c.Policy, err)
	}
	return p, nil
}

// warn says which fields of the policy with this name have no effect.
func warn(name string, p *retry.Policy) {
	for _, warning := range p.Warnings() {
		fmt.Fprintf(os.Stderr, "warning: --policy %s: %s\n", name, warning)
	}
}

// setCalls sets what the flags --call-... say.
func (c *testCommand) setCalls(cfg *runner.Config) {
	if c.CallTimeout != nil {
		cfg.CallTimeout = *c.CallTimeout
	}
	if c.CallAttempts != nil {
		cfg.CallAttempts = *c.CallAttempts
	}
	if c.CallBackoff != nil {
		cfg.CallBackoff = *c.CallBackoff
	}
	cfg.IgnoreLate = c.CallLate == "ignore"
}
