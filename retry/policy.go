// Package retry is the arithmetic of trying again: when an attempt has met
// silence, does its call send another, and how long does each one wait?
//
// It is pure: no clock, no input or output, no goroutine. The live node and
// every simulation run this code and no other, so what a simulation says of a
// policy holds for the node.
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

// A Policy says how often a call is attempted and how long it waits. The zero
// value is the default: 3 attempts in all, 500 ms each, late replies accepted.
//
// A policy is data: it holds nothing of the calls that follow it, so any number
// of calls may share one at the same time. It must not be changed in use.
type Policy struct {
	// Attempts is how many messages a call sends in all, the first included.
	// 0 means 3.
	Attempts int `json:"attempts,omitzero"`

	// Timeout is how long each attempt waits for its reply, counted from when
	// its message was written out. 0 means 500 ms.
	Timeout time.Duration `json:"timeout,omitzero"`

	// Late says what becomes of a reply that comes after its own attempt's
	// timeout, while a later attempt is still waiting.
	Late Late `json:"late,omitzero"`
}

// Late says what becomes of a late reply.
type Late uint8

const (
	// Accept takes the reply to any attempt as the reply to the call. It is
	// the default: a network that takes 600 ms to answer every message would
	// otherwise fail every call that waits 500 ms, after three answers.
	Accept Late = iota
	// Ignore takes only a reply that came within its attempt's timeout.
	Ignore
)

func (l Late) String() string {
	if l == Ignore {
		return "ignore"
	}
	return "accept"
}

// UnmarshalText reads "accept" or "ignore".
func (l *Late) UnmarshalText(text []byte) error {
	switch string(text) {
	case "accept":
		*l = Accept
	case "ignore":
		*l = Ignore
	default:
		return fmt.Errorf("%q is neither accept nor ignore", text)
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (l Late) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Validate names the first field with an impossible value.
func (p *Policy) Validate() error {
	switch {
	case p == nil:
	case p.Attempts < 0:
		return fmt.Errorf("attempts: %d is not at least 1", p.Attempts)
	case p.Timeout < 0:
		return fmt.Errorf("timeout: %v is not over 0s", p.Timeout)
	case p.Late > Ignore:
		return fmt.Errorf("late: %d is neither accept nor ignore", p.Late)
	}
	return nil
}

// Limit is how many attempts a call has in all.
func (p *Policy) Limit() int {
	if p == nil || p.Attempts <= 0 {
		return DefaultAttempts
	}
	return p.Attempts
}

// Wait is how long attempt number n, from 1 on, waits for its reply.
func (p *Policy) Wait(n int) time.Duration {
	if p == nil || p.Timeout <= 0 {
		return DefaultTimeout
	}
	return p.Timeout
}

// Accepts reports whether a reply settles its call. late means that the attempt
// it answers had already timed out.
func (p *Policy) Accepts(late bool) bool {
	return !late || p == nil || p.Late == Accept
}

// A Step is what a call does next.
type Step uint8

const (
	GiveUp    Step = iota // it has failed
	SendAgain             // it makes one more attempt
)

// AfterSilence tells what a call does when its latest attempt, number sent, has
// timed out.
func (p *Policy) AfterSilence(sent int) Step {
	if sent < p.Limit() {
		return SendAgain
	}
	return GiveUp
}
