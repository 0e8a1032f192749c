// Package figures makes the figures that packages metrics and otel show of what hooks are told.
package figures

import (
	"context"
	"errors"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/watch"
)

// An Outcome is how a call, an attempt or a request ended.
type Outcome struct {
	Kind Kind
	Code eddy.Code // of the error reply, if Kind is ErrorReply
}

// A Kind is a kind of outcomes, in snake case.
type Kind string

// The kinds.
const (
	OK         Kind = "ok"         // a reply came, or was sent, that is not an error
	ErrorReply Kind = "error"      // an error reply came, or was sent
	Rejected   Kind = "rejected"   // of an attempt: RetryIf of the policy retried its reply, which is not an error
	Timeout    Kind = "timeout"    // no reply came in time
	Unanswered Kind = "unanswered" // of an attempt: the call ended while it waited
	Canceled   Kind = "canceled"   // of a call: its context or its node ended
	Refused    Kind = "refused"    // of a call: the circuit breaker refused its first attempt
	Vetoed     Kind = "vetoed"     // of a call: a hook refused an attempt
	NotSent    Kind = "not_sent"   // of a call: it could not begin for another reason
	NoReply    Kind = "no_reply"   // of a request: no reply was sent, as for a one-way message
)

// Error returns what OpenTelemetry's conventions call the type of the error: the name of a
// code, or else the kind. It is empty if there is no error.
func (o Outcome) Error() string {
	switch o.Kind {
	case OK, NoReply, Unanswered:
		return ""
	case ErrorReply:
		return o.Code.String()
	}
	return string(o.Kind)
}

// OfCall returns the outcome of a call.
func OfCall(e watch.CallEnd) Outcome {
	if e.Err == nil {
		return Outcome{Kind: OK}
	}
	var reply *eddy.Error
	var failed *eddy.CallError
	reason := eddy.NoReason
	if errors.As(e.Err, &failed) {
		reason = failed.Reason()
	}
	switch {
	case reason == eddy.Vetoed:
		return Outcome{Kind: Vetoed}
	case (reason != eddy.NoReason || e.Answered > 0) && errors.As(e.Err, &reply):
		return Outcome{ErrorReply, reply.Code}
	case reason == eddy.BreakerOpen && len(e.Attempts) == 0:
		return Outcome{Kind: Refused}
	case reason != eddy.NoReason, errors.Is(e.Err, context.DeadlineExceeded):
		return Outcome{Kind: Timeout}
	case len(e.Attempts) == 0 && !errors.Is(e.Err, context.Canceled):
		return Outcome{Kind: NotSent}
	}
	return Outcome{Kind: Canceled}
}

// OfRequest returns the outcome of a request.
func OfRequest(e watch.RequestEnd) Outcome {
	switch {
	case e.Failed:
		return Outcome{ErrorReply, eddy.Code(e.Code)}
	case e.Replied:
		return Outcome{Kind: OK}
	}
	return Outcome{Kind: NoReply}
}

// Refuser returns who refused an attempt. A Veto is told by the outcome of the call.
func Refuser(r watch.Refused) string {
	if r.Why == eddy.BudgetExhausted {
		return "budget"
	}
	return "breaker"
}

// Veto is the one who refuses an attempt if a call is Vetoed, see [Refuser].
const Veto = "veto"
