package eddy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
)

// A CallError tells how a call failed; errors.As finds it in a call's error. It wraps the last attempt's error, so
// that errors.Is(err, eddy.Timeout) finds silence, errors.Is(err,
// eddy.PreconditionFailed) what the peer said, and errors.Is(err,
// context.Canceled) that its context ended.
type CallError struct {
	call *call
	end  *callEnd // nil if every attempt met silence
}

type callEnd struct {
	err error
	at  time.Duration
}

// An Attempt tells what one message of a failed call has met.
type Attempt struct {
	ID     int64         // its msg_id
	Waited time.Duration // from when it was written out until its timeout, or the call's end
	Err    error         // Timeout if it met silence, *Error for an error reply
}

// errUnanswered is what an attempt has met that still waited when another
// attempt's reply settled the call.
var errUnanswered = errors.New("no reply yet")

func (e *CallError) Error() string {
	if e.silent() {
		return silenceText(e.sent())
	}
	text := fmt.Sprintf("RPC to %s failed", e.Dest())
	switch n := e.sent(); n {
	case 0:
		text += " before it was sent"
	case 1:
	default:
		text += fmt.Sprintf(" after %d attempts", n)
	}
	return text + ": " + e.Unwrap().Error()
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
		if !e.call.Attempt(n).Answered || !errors.As(e.Unwrap(), &code) || !code.Definite() {
			return false
		}
	}
	return true
}

// failure is the error of a call that ended at a time for a reason.
func failure(c *call, at time.Duration, reason error) *CallError {
	return &CallError{c, &callEnd{reason, at}}
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
	for i := range all {
		if e.call.Attempt(i + 1).Answered {
			waiting = errUnanswered
		}
	}
	for i := range all {
		a, met := e.call.Attempt(i+1), &all[i]
		met.ID = a.ID
		if a.Silent && !a.Answered {
			met.Err, met.Waited = Timeout, e.call.Policy.Wait(i+1)
			continue
		}
		met.Err = waiting
		if a.Answered {
			met.Err = e.Unwrap()
		}
		if a.Written >= 0 { // or it is still in the buffer
			met.Waited = e.end.at - a.Written
		}
	}
	return all
}

// silenceText is the text of a call whose attempts all met silence.
func silenceText(attempts int) string {
	if attempts < len(silences) {
		return silences[attempts]
	}
	return "RPC failed after " + strconv.Itoa(attempts) + " attempts"
}

// Calls that fail do so by the thousand, so the usual texts are made once.
var silences = func() (texts [11]string) {
	for n := range texts {
		texts[n] = "RPC failed after " + strconv.Itoa(n) + " attempts"
	}
	return texts
}()
