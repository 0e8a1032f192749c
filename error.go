package eddy

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A Code is the kind of an error reply. The numbers and names are those of Maelstrom's
// protocol (doc/protocol.md, Errors); codes from 1000 on are free for your own use. A
// Code is an error itself: errors.Is(err, eddy.PreconditionFailed) finds it wherever it
// is wrapped, and a handler that returns it replies with it.
type Code int64

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

// codes is the table that String, Definite and docs/protocol.md are made from.
var codes = []struct {
	Code     Code
	Name     string
	Definite bool
	Meaning  string
}{
	{Timeout, "timeout", false, "The operation did not end in time. It may have had an effect, or may have it later."},
	{NodeNotFound, "node-not-found", true, "There is no node with this name."},
	{NotSupported, "not-supported", true, "The node has no handler for this type."},
	{TemporarilyUnavailable, "temporarily-unavailable", true, "The node cannot serve this request now: it is not initialised, it is ending, or it has too many open requests."},
	{MalformedRequest, "malformed-request", true, "The request does not have the form that its type requires."},
	{Crash, "crash", false, "The operation failed for a reason that has no other code. It may have had an effect."},
	{Abort, "abort", true, "The operation was aborted and had no effect."},
	{KeyDoesNotExist, "key-does-not-exist", true, "The key of the operation does not exist."},
	{KeyAlreadyExists, "key-already-exists", true, "The key that the operation would create exists already."},
	{PreconditionFailed, "precondition-failed", true, "The value is not the one that the operation requires."},
	{TxnConflict, "txn-conflict", true, "The transaction conflicted with another one and had no effect."},
}

// Definite reports whether an operation that failed with this code surely had no effect.
// Codes that the protocol does not define are not definite.
func (c Code) Definite() bool {
	for _, known := range codes {
		if known.Code == c {
			return known.Definite
		}
	}
	return false
}

// String returns the code's name in the protocol, or its number if it has none.
func (c Code) String() string {
	for _, known := range codes {
		if known.Code == c {
			return known.Name
		}
	}
	return "code " + strconv.FormatInt(int64(c), 10)
}

// Error returns the same as String.
func (c Code) Error() string { return c.String() }

// An Error is the body of an error reply: {"type":"error","code":22,"text":"..."}. A
// handler that returns one replies with it.
type Error struct {
	Code Code
	Text string // for people; may be empty; of an error reply that came: its first 1,024 bytes

	// RetryAfter asks the caller to wait so long before it sends again,
	// "retry_after_ms" in the body. 0 means that it does not ask. Calls whose policy
	// retries the code wait at least that long.
	RetryAfter time.Duration
}

// Errorf makes an Error. What %w wraps is part of the text only, since only the code and
// the text are sent.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Errorf(format, args...).Error()}
}

// Error returns the text and the code's name.
func (e *Error) Error() string {
	if e.Text == "" {
		return e.Code.String()
	}
	return e.Text + " (" + e.Code.String() + ")"
}

// Unwrap returns the code.
func (e *Error) Unwrap() error { return e.Code }

// ErrIndefinite is what errors.Is finds in the error of a change by a [KV] that may have
// had its effect, or may have it later. Look for it before you look for a Code: the error
// of a timeout followed by PreconditionFailed has both.
var ErrIndefinite = errors.New("it may have had an effect")
