package retry

import (
	"slices"
	"strconv"
)

// The kinds of failures in Policy.BackoffAfter, beside AfterCode.
const (
	// AfterTimeout is the timeout of an attempt.
	AfterTimeout = "timeout"
	// AfterPushback is an error reply that asks for a pause (retry_after_ms). It goes
	// before the code of the reply.
	AfterPushback = "pushback"
)

// AfterCode is an error reply with a code: its decimal digits.
func AfterCode(code int) string { return strconv.Itoa(code) }

// validateBackoffAfter checks the kinds in order, so that the error is always the same.
func (p *Policy) validateBackoffAfter() error {
	if p.BackoffAfter == nil {
		return nil
	}
	for _, kind := range p.backoffKinds() {
		field := "backoff_after." + kind
		if kind != AfterTimeout && kind != AfterPushback {
			if code, err := strconv.Atoi(kind); err != nil || code < 0 || AfterCode(code) != kind {
				return wrong(field, "must be timeout, pushback, or the code of an error reply, such as 11")
			}
		}
		b := p.BackoffAfter[kind]
		if b.Seed != 0 {
			return wrong(field+".seed", "%d must be left out; the seed of backoff holds", b.Seed)
		}
		if err := b.validate(field); err != nil {
			return err
		}
	}
	return nil
}

// backoffKinds returns the keys of BackoffAfter in order.
func (p *Policy) backoffKinds() []string {
	kinds := make([]string, 0, len(p.BackoffAfter))
	for kind := range p.BackoffAfter {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}
