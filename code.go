package eddy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A Code says what kind of error an error reply tells of. The numbers and names
// are those of Maelstrom's protocol; from 1000 on they are yours. A Code is an
// error itself: errors.Is(err, eddy.PreconditionFailed) finds it however deep
// it is wrapped, and a handler that returns it answers with it.
type Code int

// The codes that the protocol defines.
const (
	Timeout                Code = 0
	NodeNotFound           Code = 1
	NotSupported           Code = 10
	TemporarilyUnavailable Code = 11
	MalformedRequest       Code = 12
	Crash                  Code = 13
	Abort                  Code = 14
	KeyDoesNotExist        Code = 20
	KeyAlreadyExists       Code = 21
	PreconditionFailed     Code = 22
	TxnConflict            Code = 30
)

// codes is the table that String, Definite and docs/protocol.md are made of.
var codes = []struct {
	Code     Code
	Name     string
	Definite bool
	Meaning  string
}{
	{Timeout, "timeout", false, "The operation did not end in time. It may have happened, or may yet."},
	{NodeNotFound, "node-not-found", true, "There is no node of that name."},
	{NotSupported, "not-supported", true, "The node has no handler for this type."},
	{TemporarilyUnavailable, "temporarily-unavailable", true, "The node can't serve this now: not yet initialised, ending, or too busy."},
	{MalformedRequest, "malformed-request", true, "The request is not what its type asks for."},
	{Crash, "crash", false, "Something went wrong half-way, for no reason that has a code."},
	{Abort, "abort", true, "The operation was given up and had no effect."},
	{KeyDoesNotExist, "key-does-not-exist", true, "The key that was asked for is not there."},
	{KeyAlreadyExists, "key-already-exists", true, "The key that was to be made is there already."},
	{PreconditionFailed, "precondition-failed", true, "The value is not the one that the operation expected."},
	{TxnConflict, "txn-conflict", true, "The transaction met another one and had no effect."},
}

// Definite reports whether an operation that failed with this code surely took
// no effect. Codes that the protocol does not define are indefinite: nothing is
// known of them.
func (c Code) Definite() bool {
	for _, known := range codes {
		if known.Code == c {
			return known.Definite
		}
	}
	return false
}

// String is the code's name in the protocol, or its number if it has none.
func (c Code) String() string {
	for _, known := range codes {
		if known.Code == c {
			return known.Name
		}
	}
	return "code " + strconv.Itoa(int(c))
}

func (c Code) Error() string { return c.String() }

// An Error is what an error reply's body says: {"type":"error","code":22,
// "text":"..."}. A handler that returns one answers with it.
type Error struct {
	Code Code
	Text string // for people; may be empty

	// RetryAfter is how long the callee asks to be left alone, "retry_after_ms" in
	// the body; 0 if it does not. A call that its policy tries again heeds it.
	RetryAfter time.Duration
}

// Errorf makes an Error. Its %w keeps nothing but the text, since only the code
// and the text travel.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Errorf(format, args...).Error()}
}

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Code.String()
	}
	return e.Text + " (" + e.Code.String() + ")"
}

// Unwrap returns the code.
func (e *Error) Unwrap() error { return e.Code }

// answer is what an error reply tells of err.
func answer(err error) Error {
	switch e := err.(type) {
	case *Error:
		return *e
	case *silentCall: // the rule, and cheap
		return Error{Code: Timeout, Text: e.Error()}
	}
	return Error{Code: codeOf(err), Text: err.Error()}
}

// codeOf is the code to answer err with: its own, wherever it is wrapped. But what may
// have taken effect must not be passed on with a code that says that it surely has not,
// as a call's last attempt's might, or the last race's of a KV.Update.
func codeOf(err error) Code {
	var call *CallError
	var code Code
	switch {
	case !errors.As(err, &code):
		if errors.Is(err, context.DeadlineExceeded) {
			return Timeout
		}
		return Crash
	case !code.Definite():
	case errors.Is(err, ErrIndefinite), errors.As(err, &call) && !call.Definite():
		return Timeout
	}
	return code
}
