// Package watch lets a program see what becomes of the calls and requests of a node while it
// runs. The program sets functions, the [Hooks], in the field Hooks of a node of package eddy
// or package maelstrom:
//
//	n.Hooks = &watch.Hooks{
//		CallEnds: func(c *watch.Call, e watch.CallEnd) {
//			log.Println(c.Type, "to", c.Dest, len(e.Attempts), "attempts", e.Err)
//		},
//	}
//
// Packages otel and metrics make Hooks for traces and metrics, and [Join] makes one of several.
package watch

import (
	"context"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// Hooks are functions that a node calls. A function that is nil is not called. Set them before
// the node runs.
//
// For one call, the functions are called one at a time, in the order in which things happen:
// CallBegins first, and CallEnds last, before the caller learns of the end. Functions for
// different calls may run at the same time. They run in the goroutines that make the calls, in
// the one that reads the node's input, and in one that serves timeouts. So they must not block.
// They may use the node, but must not wait for a call. The node logs a panic and goes on.
type Hooks struct {
	// CallBegins is called before the first attempt of a call, also if the call then cannot
	// begin. ctx is the context that the call is made with. The function may set Data and
	// Traceparent of the call.
	CallBegins func(ctx context.Context, c *Call)

	// Sent is called when an attempt has been sent, the first one included.
	Sent func(c *Call, s Sent)

	// Failed is called when an attempt has timed out, or an error reply to it came that
	// counts. The delay of a hedge is the timeout of its attempt.
	Failed func(c *Call, f Failed)

	// Late is called when a reply comes after the timeout of its attempt, while the call is
	// open.
	Late func(c *Call, l Late)

	// Refused is called when the budget or the circuit breaker of the policy refuses an
	// attempt, at most once for a call.
	Refused func(c *Call, r Refused)

	// Veto is asked before each attempt but the first. If it returns an error, the attempt
	// is not sent, and the call ends with that error. The error of the call wraps it.
	Veto func(c *Call, attempt int) error

	// CallEnds is called when the call has ended.
	CallEnds func(c *Call, e CallEnd)

	// RequestBegins is called before the handler of a request or of a one-way message. The
	// handler gets the context that it returns, which must be ctx or made of it. The
	// function may set Data of the request.
	RequestBegins func(ctx context.Context, r *Request) context.Context

	// RequestEnds is called when the handler has returned and, if it left the reply to
	// callbacks, the last of them.
	RequestEnds func(r *Request, e RequestEnd)
}

// A Call is a call of a node.
type Call struct {
	Dest   string        // the node that is called
	Type   string        // of the body
	Policy *retry.Policy // nil is the default
	For    *Request      // the request that the call is made for; nil if there is none

	// Traceparent is the field "traceparent" of each attempt, if the policy says Trace and
	// the body has no such field. Empty means no field. (W3C, Trace Context, section 3.2.)
	Traceparent string

	Data any // what the functions keep with the call
}

// A Sent is an attempt that has been sent.
type Sent struct {
	Attempt int           // from 1
	ID      int64         // its msg_id
	Waited  time.Duration // since the attempt before was written; 0 for the first
	After   error         // the error reply to the attempt before; nil if that timed out
}

// A Failed is an attempt that has timed out or got an error reply.
type Failed struct {
	Attempt int
	ID      int64         // its msg_id
	Waited  time.Duration // since it was written
	Err     error         // the error reply, an *eddy.Error; nil for a timeout
	Next    Next
}

// A Next is what a call does after an attempt has failed.
type Next struct {
	// Again means that another attempt follows, unless a reply comes before.
	Again bool

	// In is how long the call pauses before that attempt. If there is no other attempt, it
	// is how long the call still waits for replies to earlier ones; 0 means that it ends.
	In time.Duration

	// Why is the reason, an eddy.Reason, why no other attempt follows.
	Why schedule.Reason
}

// A Late is a reply that came after the timeout of its attempt.
type Late struct {
	Attempt int
	ID      int64         // its msg_id
	Waited  time.Duration // since it was written
	Ignored bool          // because the policy says so
}

// A Refused is an attempt that was refused.
type Refused struct {
	Attempt int             // its number, if it had been sent
	Why     schedule.Reason // eddy.BudgetExhausted or eddy.BreakerOpen
}

// A CallEnd is the end of a call.
type CallEnd struct {
	Reply    []byte    // the body of the reply, valid until the function returns; nil if there is none
	Answered int       // the number, from 1, of the attempt that Reply is for; 0 if there is no reply
	Err      error     // what the caller gets: nil, or an *eddy.CallError
	Definite bool      // Err is not nil, and the call surely had no effect
	Attempts []Attempt // in order; empty if the call could not begin
}

// An Attempt is one message of a call that has ended.
type Attempt struct {
	ID       int64         // its msg_id
	Written  time.Time     // when it was written out; the zero time if it was not, or the reply came before that was known
	Waited   time.Duration // since then, until its timeout, its reply, or the end of the call
	TimedOut bool
	Answered bool // a reply came that counts, perhaps after the timeout
}

// A Request is a message that a handler serves.
type Request struct {
	Type, Src   string
	ID          int64         // its msg_id, or eddy.NoID for a one-way message
	OneWay      bool          // it has no msg_id
	Queued      time.Duration // from when it was read until its handler began
	Traceparent string        // its field "traceparent", "" if there is none

	Data any // what the functions keep with the request
}

// A RequestEnd is the end of a request.
type RequestEnd struct {
	Took    time.Duration // since the handler began
	Replied bool          // a reply was sent
	Failed  bool          // that was an error reply
	Code    int64         // its code, an eddy.Code
}
