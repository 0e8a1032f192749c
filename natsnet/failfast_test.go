package natsnet_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/retry"
)

// With FailFast a call to a node that nobody has joined as fails at once, and the failure is
// definite. A policy can say that it is tried again.
func TestFailFast(t *testing.T) {
	t.Parallel()
	cfg := config(t, "n1")
	cfg.FailFast = true
	caller := echo()
	c := serve(t, cfg, caller)
	_, attempts, err := caller.RPCWithRetry(t.Context(), "n 9", eddy.Raw(`{"type":"echo"}`), &eddy.Policy{Timeout: time.Hour})
	failed, ok := errors.AsType[*eddy.CallError](err)
	if !errors.Is(err, eddy.NodeNotFound) || attempts != 1 || !ok || !failed.Definite() || !strings.Contains(err.Error(), "nobody has joined as n 9") {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
	joined(t, serve(t, config(t, "n2"), echo()))
	call(t, caller, "n2", `{"type":"echo"}`)

	again := &eddy.Policy{Attempts: 1000, RetryOn: []int{int(eddy.NodeNotFound)}, Backoff: retry.Backoff{Kind: retry.Constant, Base: 5 * time.Millisecond}}
	ended := make(chan error, 1)
	go func() {
		_, _, err := caller.RPCWithRetry(t.Context(), "n3", eddy.Raw(`{"type":"echo"}`), again)
		ended <- err
	}()
	wait(t, func() bool { return c.Counts().NoReceiver > 3 })
	serve(t, config(t, "n3"), echo())
	if err := <-ended; err != nil {
		t.Errorf("%v", err)
	}
}

// What a server says of requests of an earlier incarnation is no reply to one of the present.
func TestFailFastOfAnEarlierIncarnation(t *testing.T) {
	t.Parallel()
	cfg := config(t, "n1")
	cfg.FailFast = true
	c := dialed(t, cfg)
	say(t, c, `{"src":"n1","dest":"n9","body":{"type":"x","msg_id":1}}`)
	c.NewIncarnation()
	wait(t, func() bool { return c.Counts().NoReceiver == 1 })
	say(t, c, `{"src":"n1","dest":"n9","body":{"type":"x","msg_id":2}}`)
	hear(t, c, `{"body":{"code":1,"in_reply_to":2,"text":"nobody has joined as n9","type":"error"},"dest":"n1","src":"n9"}`)
	say(t, c, `{"src":"n1","dest":"n9","body":{"type":"one-way"}}`)
	wait(t, func() bool { return c.Counts().NoReceiver == 3 })
	say(t, c, `{"src":"n1","dest":"n1","body":{"type":"to-itself"}}`)
	hear(t, c, `{"src":"n1","dest":"n1","body":{"type":"to-itself"}}`)
}
