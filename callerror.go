package eddy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A CallError tells how a call failed. It wraps the last attempt's error, so
// that errors.Is(err, eddy.Timeout) finds silence, errors.Is(err,
// eddy.PreconditionFailed) what the peer said, and errors.Is(err,
// context.Canceled) that its context ended.
type CallError struct {
	Dest     string
	Attempts []Attempt // every message sent for the call, in order; none if it could not begin
	Err      error     // why the call ended
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
		return "RPC failed after " + strconv.Itoa(len(e.Attempts)) + " attempts"
	}
	text := fmt.Sprintf("RPC to %s failed", e.Dest)
	switch len(e.Attempts) {
	case 0:
		text += " before it was sent"
	case 1:
	default:
		text += fmt.Sprintf(" after %d attempts", len(e.Attempts))
	}
	return text + ": " + e.Err.Error()
}

// silent reports whether the call ended because every attempt met silence.
func (e *CallError) silent() bool {
	return len(e.Attempts) > 0 && e.Err == error(Timeout)
}

// Details tells what each attempt has met, for a log or a person.
func (e *CallError) Details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", e.Dest)
	for i, a := range e.Attempts {
		fmt.Fprintf(&b, " attempt %d (msg_id %d) %v after %v;", i+1, a.ID, a.Err, a.Waited)
	}
	if e.Definite() {
		return b.String() + " surely without effect"
	}
	return b.String() + " perhaps with effect"
}

// Unwrap returns why the call ended.
func (e *CallError) Unwrap() error { return e.Err }

// Definite reports whether the call surely took no effect: it is so only if
// that is sure of every one of its attempts. A call that met silence first and
// then precondition-failed may well have been what changed the value.
func (e *CallError) Definite() bool {
	for _, a := range e.Attempts {
		var code Code
		if !errors.As(a.Err, &code) || !code.Definite() {
			return false
		}
	}
	return true
}

// failure is the error of a call that ended at a time for a reason.
func failure(c *call, now time.Duration, reason error) *CallError {
	e := &CallError{Dest: c.Letter.Dest(), Err: reason, Attempts: make([]Attempt, c.Sent())}
	waiting := reason // what the attempts that still waited have met
	for n := 1; n <= c.Sent(); n++ {
		if c.Attempt(n).Answered {
			waiting = errUnanswered
		}
	}
	for n := 1; n <= c.Sent(); n++ {
		a, met := c.Attempt(n), &e.Attempts[n-1]
		met.ID = a.ID
		if a.Written >= 0 { // or it is still in the buffer
			met.Waited = now - a.Written
		}
		switch {
		case a.Answered:
			met.Err = reason
		case a.Silent:
			met.Err, met.Waited = Timeout, c.Policy.Wait(n)
		default:
			met.Err = waiting
		}
	}
	return e
}
