package eddy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/schedule"
)

// A Reason is why a call had no further attempt.
type Reason = schedule.Reason

// The reasons.
const (
	NoReason        = schedule.NoReason        // the call ended from outside, or could not begin
	AttemptsUsedUp  = schedule.AttemptsUsedUp  // all attempts of the policy were sent
	DeadlinePassed  = schedule.DeadlinePassed  // the deadline has passed, or the next attempt would begin after it
	BudgetExhausted = schedule.BudgetExhausted // the budget refused a retry
	ErrorNotRetried = schedule.ErrorNotRetried // the policy does not retry the error reply that the call received
)

// A CallError tells how a call failed; errors.As finds it in a call's error. It wraps
// the last attempt's error, so that errors.Is(err, eddy.Timeout) finds silence,
// errors.Is(err, eddy.PreconditionFailed) what the peer said, and errors.Is(err,
// context.Canceled) that its context ended.
type CallError struct {
	call *call
	end  *callEnd // nil if every attempt met silence
}

type callEnd struct {
	err    error
	at     time.Duration
	reason Reason
	met    []calls.Met // of a guided call: what each attempt has met
}

// An Attempt tells what one message of a failed call has met.
type Attempt struct {
	ID     int64         // its msg_id
	Waited time.Duration // from when it was written out until its timeout, or the call's end
	Err    error         // Timeout if it met silence, *Error for an error reply
}

// errUnanswered is what an attempt has met that still waited when another
// attempt's reply settled the call, or the deadline came.
var errUnanswered = errors.New("no reply yet")

func (e *CallError) Error() string {
	n, met := e.sent(), e.Unwrap()
	text := fmt.Sprintf("RPC to %s failed", e.Dest())
	switch {
	case n == 0:
		text += " before it was sent"
	case met == Timeout:
		text = silenceText(n)
	case n > 1:
		text += fmt.Sprintf(" after %d attempts", n)
	}
	var why []string
	if met != Timeout {
		why = append(why, met.Error())
	}
	if r := e.Reason(); r == DeadlinePassed || r == BudgetExhausted {
		why = append(why, r.String())
	}
	if why == nil {
		return text
	}
	return text + ": " + strings.Join(why, "; ")
}

// Reason tells why there was no further attempt: AttemptsUsedUp, DeadlinePassed (the policy's
// or the context's), BudgetExhausted, or ErrorNotRetried. It is NoReason if the call
// ended from outside, with its context or its node, or could not begin.
func (e *CallError) Reason() Reason {
	if e.silent() {
		return AttemptsUsedUp
	}
	return e.end.reason
}

// Is makes errors.Is(err, context.DeadlineExceeded) true if a deadline ended the
// call. What the call wraps is what its attempts have met until then.
func (e *CallError) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Reason() == DeadlinePassed
}

// Dest is the node that was called.
func (e *CallError) Dest() string { return e.call.Letter.Dest() }

// silent reports whether the call ended because every attempt met silence.
func (e *CallError) silent() bool { return e.end == nil }

// Details tells what each attempt has met, for a log or a person.
func (e *CallError) Details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", e.Dest())
	for i, a := range e.Attempts() {
		fmt.Fprintf(&b, " attempt %d (msg_id %d) %v after %v;", i+1, a.ID, a.Err, a.Waited)
	}
	if e.Definite() {
		return b.String() + " surely without effect"
	}
	return b.String() + " perhaps with effect"
}

// Unwrap returns why the call ended.
func (e *CallError) Unwrap() error {
	if e.silent() {
		return Timeout
	}
	return e.end.err
}

// Definite reports whether the call surely took no effect: it is so only if
// that is sure of every one of its attempts. A call that met silence first and
// then precondition-failed may well have been what changed the value.
func (e *CallError) Definite() bool {
	for n := 1; n <= e.sent(); n++ {
		// Whatever the call ended for, what nobody has answered may have happened.
		var code Code
		if !e.call.Attempt(n).Answered() || !errors.As(e.met(n).Err, &code) || !code.Definite() {
			return false
		}
	}
	return true
}

// met is what attempt n has met that is over.
func (e *CallError) met(n int) calls.Met {
	a := e.call.Attempt(n)
	switch {
	case !e.silent() && e.end.met != nil && n <= len(e.end.met):
		met := e.end.met[n-1]
		if met.Err == nil && a.Silent() {
			met.Err = Timeout
		}
		return met
	case a.Answered():
		return calls.Met{Waited: e.waited(a), Err: e.Unwrap()}
	case a.Silent():
		return calls.Met{Waited: e.call.Policy.AttemptTimeout(n), Err: Timeout}
	}
	return calls.Met{}
}

// waited is how long an attempt had waited when the call ended.
func (e *CallError) waited(a *calls.Attempt) time.Duration {
	if a.Written < 0 { // it is still in the buffer
		return 0
	}
	return e.end.at - a.Written
}

// failure is the error of a call that ended at a time for a reason.
func failure(c *call, at time.Duration, reason error) *CallError {
	return &CallError{c, &callEnd{err: reason, at: at}}
}

// A silentCall is the error of a call whose every attempt met silence: the call
// itself, since such errors come by the million (bench, storm). errors.As makes a
// CallError of it.
type silentCall call

func (e *silentCall) Error() string { return silenceText((*call)(e).Sent()) }
func (e *silentCall) Unwrap() error { return Timeout }
func (e *silentCall) As(target any) bool {
	t, ok := target.(**CallError)
	if ok {
		*t = &CallError{call: (*call)(e)}
	}
	return ok
}

// unsent is the error of a call that could not begin.
func unsent(dest string, reason error) *CallError {
	return failure(&call{Letter: calls.Letter(calls.AppendDest(nil, dest))}, 0, reason)
}

func (e *CallError) sent() int { return e.call.Sent() }

// Attempts are the messages that were sent for the call, in order; none if it
// could not begin.
func (e *CallError) Attempts() []Attempt {
	all := make([]Attempt, e.sent())
	waiting := e.Unwrap() // what the attempts that still waited have met
	if e.Reason() == DeadlinePassed {
		waiting = errUnanswered
	}
	for i := range all {
		if e.call.Attempt(i + 1).Answered() {
			waiting = errUnanswered
		}
	}
	for i := range all {
		a, met := e.call.Attempt(i+1), e.met(i+1)
		if met.Err == nil {
			met = calls.Met{Waited: e.waited(a), Err: waiting}
		}
		all[i] = Attempt{ID: a.ID, Waited: met.Waited, Err: met.Err}
	}
	return all
}

// silenceText is the text of a call whose attempts all met silence.
func silenceText(attempts int) string {
	if attempts < len(silences) {
		return silences[attempts]
	}
	return failedAfter + strconv.Itoa(attempts) + " attempts"
}

const failedAfter = "RPC failed after "

// Calls that fail do so by the thousand, so the usual texts are at hand, and made
// by the compiler: nothing is to be done at a node's start.
var silences = [...]string{
	failedAfter + "0 attempts",
	failedAfter + "1 attempts",
	failedAfter + "2 attempts",
	failedAfter + "3 attempts",
	failedAfter + "4 attempts",
	failedAfter + "5 attempts",
	failedAfter + "6 attempts",
	failedAfter + "7 attempts",
	failedAfter + "8 attempts",
	failedAfter + "9 attempts",
	failedAfter + "10 attempts",
}
