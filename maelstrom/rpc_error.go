package maelstrom

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The protocol's error codes.
const (
	Timeout                = 0
	NotSupported           = 10
	TemporarilyUnavailable = 11
	MalformedRequest       = 12
	Crash                  = 13
	Abort                  = 14
	KeyDoesNotExist        = 20
	KeyAlreadyExists       = 21
	PreconditionFailed     = 22
	TxnConflict            = 30
)

// ErrorCodeText returns the name of a code.
func ErrorCodeText(code int) string {
	names := map[int]string{
		Timeout: "Timeout", NotSupported: "NotSupported", TemporarilyUnavailable: "TemporarilyUnavailable",
		MalformedRequest: "MalformedRequest", Crash: "Crash", Abort: "Abort", KeyDoesNotExist: "KeyDoesNotExist",
		KeyAlreadyExists: "KeyAlreadyExists", PreconditionFailed: "PreconditionFailed", TxnConflict: "TxnConflict",
	}
	if name, ok := names[code]; ok {
		return name
	}
	return fmt.Sprintf("ErrorCode<%d>", code)
}

// ErrorCode returns the code of the *RPCError that err is or wraps, -1 if there is none.
func ErrorCode(err error) int {
	if rpc, ok := errors.AsType[*RPCError](err); ok {
		return rpc.Code
	}
	return -1
}

// An RPCError is an error reply.
type RPCError struct {
	Code int
	Text string
}

// NewRPCError returns an RPCError.
func NewRPCError(code int, text string) *RPCError { return &RPCError{code, text} }

func (e *RPCError) Error() string {
	return fmt.Sprintf("RPCError(%s, %q)", ErrorCodeText(e.Code), e.Text)
}

// MarshalJSON returns the body of the error reply. It has a code also if that is 0.
func (e *RPCError) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Type string `json:"type"`
		Code int    `json:"code"`
		Text string `json:"text,omitempty"`
	}{"error", e.Code, e.Text})
}
