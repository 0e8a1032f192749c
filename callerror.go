package eddy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/schedule"
)

// A CallError says how a call failed. errors.As finds it in the error of a call. It
// wraps the error of the last attempt: errors.Is(err, eddy.Timeout) finds a timeout,
// errors.Is(err, eddy.PreconditionFailed) what the peer said, and errors.Is(err,
// context.Canceled) that the context of the call ended.
type CallError struct {
	call   endedCall
	err    error
	reason Reason
	at     time.Duration // when the call ended
}

// An endedCall is what a call knows of its attempts.
type endedCall interface {
	Dest() string
	Sent() int
	Outcomes(ended time.Duration) []calls.Outcome
}

// A Reason says why a call had no further attempt.
type Reason = schedule.Reason

// The reasons.
const (
	NoReason        = schedule.NoReason        // the call ended with its context or its node, or could not begin
	AttemptsUsedUp  = schedule.AttemptsUsedUp  // all attempts of the policy were sent
	DeadlinePassed  = schedule.DeadlinePassed  // of the policy, of the context or of the request
	BudgetExhausted = schedule.BudgetExhausted // the budget of the policy refused a retry
	ErrorNotRetried = schedule.ErrorNotRetried // an error reply came that the policy does not retry
	BreakerOpen     = schedule.BreakerOpen     // the circuit breaker of the policy refused an attempt
	Vetoed          = schedule.Vetoed          // Veto of the node's Hooks refused an attempt
)

// unsentCodes are the errors of calls that give up before their first attempt.
var unsentCodes = map[Reason]Code{DeadlinePassed: Timeout, BreakerOpen: TemporarilyUnavailable}

// An Attempt says what became of one message of a failed call.
type Attempt struct {
	ID     int64         // its msg_id
	Waited time.Duration // from when it was written until its timeout, its reply, or the end of the call
	Err    error         // Timeout if it timed out, an *Error for an error reply
}

// errNoReply is the error of an attempt that still waited when the reply to another
// attempt settled the call, or when the deadline came.
var errNoReply = errors.New("no reply yet")

// unsent returns the error of a call that could not begin.
func unsent(dest string, cause error) *CallError {
	return &CallError{call: &calls.Call[struct{}]{Peer: &calls.Peer{Name: dest}}, err: cause}
}

// Error describes the failure without its attempts, see [CallError.Details].
func (e *CallError) Error() string {
	var text string
	switch n := e.call.Sent(); {
	case n == 0:
		text = "RPC to " + bounded.Name(e.Dest()) + " failed before it was sent"
	case e.err == Timeout:
		text = "RPC failed after " + strconv.Itoa(n) + " attempts"
	case n > 1:
		text = fmt.Sprintf("RPC to %s failed after %d attempts", bounded.Name(e.Dest()), n)
	default:
		text = "RPC to " + bounded.Name(e.Dest()) + " failed"
	}
	var why []string
	if e.err != Timeout {
		why = append(why, e.err.Error())
	}
	if e.reason == DeadlinePassed || e.reason == BudgetExhausted || e.reason == BreakerOpen {
		why = append(why, e.reason.String())
	}
	if why == nil {
		return text
	}
	return text + ": " + strings.Join(why, "; ")
}

// Unwrap returns why the call ended.
func (e *CallError) Unwrap() error { return e.err }

// Is makes errors.Is(err, context.DeadlineExceeded) true if a deadline ended the call.
func (e *CallError) Is(target error) bool {
	return target == context.DeadlineExceeded && e.reason == DeadlinePassed
}

// Dest returns the node that was called.
func (e *CallError) Dest() string { return e.call.Dest() }

// Reason returns why there was no further attempt.
func (e *CallError) Reason() Reason { return e.reason }

// Attempts returns what became of each message of the call, in order. It is empty if
// the call could not begin.
func (e *CallError) Attempts() []Attempt {
	waiting := e.err // what became of the attempts that still waited
	if e.reason == DeadlinePassed {
		waiting = errNoReply
	}
	outcomes := e.call.Outcomes(e.at)
	for _, o := range outcomes {
		if o.Answered {
			waiting = errNoReply
		}
	}
	all := make([]Attempt, len(outcomes))
	for i, o := range outcomes {
		all[i] = Attempt{o.ID, o.Waited, waiting}
		switch {
		case o.Answered:
			all[i].Err = e.replyTo(o)
		case o.TimedOut:
			all[i].Err = Timeout
		}
	}
	return all
}

// replyTo returns the error reply that an attempt received.
func (e *CallError) replyTo(o calls.Outcome) error {
	if o.Err != nil {
		return o.Err
	}
	return e.err
}

// Definite reports whether the call surely had no effect. This must be sure for every
// attempt. If one attempt timed out and the next one got PreconditionFailed, the failure
// is not definite: the attempt that timed out may have changed the value.
func (e *CallError) Definite() bool {
	for _, o := range e.call.Outcomes(e.at) {
		var code Code
		if !o.Answered || !errors.As(e.replyTo(o), &code) || !code.Definite() {
			return false
		}
	}
	return true
}

// Details describes what became of each attempt, for a log or a person.
func (e *CallError) Details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", bounded.Name(e.Dest()))
	for i, a := range e.Attempts() {
		fmt.Fprintf(&b, " attempt %d (msg_id %d): %v after %v;", i+1, a.ID, a.Err, a.Waited)
	}
	if e.Definite() {
		return b.String() + " definitely no effect"
	}
	return b.String() + " may have had an effect"
}
