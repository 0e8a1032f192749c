package figures

import (
	"context"
	"errors"
	"testing"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/watch"
)

// The error of a call that did not begin may be any error. What its context said decides.
func TestOutcomeOfCallsThatDidNotBegin(t *testing.T) {
	var n eddy.Node // which does not run
	canceled, cancel := context.WithCancelCause(t.Context())
	cancel(eddy.PreconditionFailed)
	_, _, withCause := n.RPCWithRetry(canceled, "n2", eddy.Raw(`{"type":"t"}`), nil)
	for _, test := range []struct {
		err  error
		want Outcome
	}{
		{nil, Outcome{Kind: OK}},
		{withCause, Outcome{Kind: NotSent}},
		{errors.New("the node has ended"), Outcome{Kind: NotSent}},
		{context.Canceled, Outcome{Kind: Canceled}},
		{context.DeadlineExceeded, Outcome{Kind: Timeout}},
	} {
		if got := OfCall(watch.CallEnd{Err: test.err}); got != test.want {
			t.Errorf("with the error %v it is %v, want %v", test.err, got, test.want)
		}
	}
	// A context may end with an error that is not an error reply.
	sent := watch.CallEnd{Err: &eddy.Error{Code: eddy.Abort}, Attempts: make([]watch.Attempt, 1)}
	if got := OfCall(sent); got.Kind != Canceled {
		t.Errorf("a call whose context ended with an error of its own is %v", got)
	}
}

// The type of an error is the name of a code or a kind, and empty where nothing failed.
func TestErrorOfOutcome(t *testing.T) {
	for o, want := range map[Outcome]string{
		{Kind: OK}:                                     "",
		{Kind: NoReply}:                                "",
		{Kind: Unanswered}:                             "",
		{Kind: Timeout}:                                "timeout",
		{Kind: Rejected}:                               "rejected",
		{Kind: ErrorReply, Code: eddy.Timeout}:         "timeout",
		{Kind: ErrorReply, Code: 1234}:                 "code 1234",
		{Kind: ErrorReply, Code: eddy.KeyDoesNotExist}: "key-does-not-exist",
	} {
		if got := o.Error(); got != want {
			t.Errorf("%v has the error %q, want %q", o, got, want)
		}
	}
}

// A name is shown as UTF-8 of at most 200 bytes.
func TestLabel(t *testing.T) {
	for name, want := range map[string]string{"n1": "n1", "n\xff": "n\uFFFD", string(make([]byte, 1000)): string(make([]byte, 200))} {
		if got := Label(name); got != want {
			t.Errorf("%.20q is shown as %.20q", name, got)
		}
	}
}
