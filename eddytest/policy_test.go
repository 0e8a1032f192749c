package eddytest_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/retry"
)

// relayBy returns a function that makes relays with a policy.
func relayBy(policy *eddy.Policy) func() *eddy.Node { return relayWith(policy, echoed) }

// echoed is the handler of echo.
func echoed(_ context.Context, req *eddy.Request) (any, error) {
	var body struct {
		Echo eddy.Raw `json:"echo"`
	}
	err := req.Decode(&body)
	return map[string]any{"type": "echo_ok", "echo": body.Echo}, err
}

// relayWith returns a function that makes relays with a policy and a handler of echo.
func relayWith(policy *eddy.Policy, echo func(context.Context, *eddy.Request) (any, error)) func() *eddy.Node {
	return func() *eddy.Node {
		var n eddy.Node
		n.Handle("echo", echo)
		n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
			var body struct {
				Target  string   `json:"target"`
				Payload eddy.Raw `json:"payload"`
			}
			if err := req.Decode(&body); err != nil {
				return nil, err
			}
			reply, attempts, err := n.RPCWithRetry(ctx, body.Target, body.Payload, policy)
			return map[string]any{"type": "relay_ok", "attempts": attempts, "result": reply.Body}, err
		})
		return &n
	}
}

// A relay with another policy than the test expects fails: it waits too short or too long,
// makes too many attempts or too few.
func TestOtherPolicies(t *testing.T) {
	for _, tt := range []struct{ promised, followed, want string }{
		{`{}`, `{"hedge":"100ms"}`, "attempt-too-soon"},
		{`{"hedge":"100ms","timeout":"1.5s"}`, `{"hedge":"100ms"}`, "error-too-soon"},
		{`{"hedge":"100ms","attempts":2}`, `{"hedge":"100ms"}`, "too-many-attempts"},
		{`{"hedge":"100ms"}`, `{"hedge":"400ms"}`, "attempt-too-late"},
		{`{"hedge":"100ms","max_hedges":1}`, `{"hedge":"100ms"}`, "attempt-too-soon"},
		{`{}`, `{"deadline":"700ms"}`, "gave-up-early"},
		{`{"deadline":"700ms"}`, `{"deadline":"500ms"}`, "gave-up-early"},
		{`{}`, `{"budget":{"ratio":0.01,"per_second":0.01}}`, "gave-up-early"},
		{`{"hedge":"100ms","timeout":"1.5s","budget":{"in_flight":1}}`, `{"attempts":1,"timeout":"100ms"}`, "error-too-soon"},
		{`{"breaker":{"failures":3}}`, `{"attempts":1,"timeout":"100ms"}`, "error-too-soon"},
		{`{"adaptive":{"min":"200ms","max":"1s"}}`, `{"timeout":"100ms"}`, "attempt-too-soon"},
		{`{"adaptive":{"min":"50ms","max":"1s"}}`, `{"timeout":"3s"}`, "attempt-too-late"},
		{`{}`, `{"backoff":{"kind":"constant","base":"2s"}}`, "attempt-too-late"},
	} {
		promised, err := retry.Load([]byte(tt.promised))
		followed, err2 := retry.Load([]byte(tt.followed))
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		test := eddytest.Test{Workload: "relay", Nodes: 2, Rate: 40, Time: 8 * time.Second, CallPolicy: promised, Loss: 0.1, Seeds: 1}
		if got := eddytest.Failure(t, relayBy(followed), test); !strings.Contains(got, tt.want) {
			t.Errorf("promised %s, followed %s: want %s\n%s", tt.promised, tt.followed, tt.want, got)
		}
		test.CallPolicy = followed
		if got := eddytest.Failure(t, relayBy(followed), test); got != "" {
			t.Errorf("promised and followed %s:\n%s", tt.followed, got)
		}
	}
}

// A relay may try again at once after an error reply that its policy retries, and only then.
func TestRetriedErrors(t *testing.T) {
	policy := &eddy.Policy{RetryOn: []int{11}}
	var mu sync.Mutex
	served := 0
	newRelay := relayWith(policy, func(ctx context.Context, req *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		if served++; served%3 == 0 {
			return nil, eddy.TemporarilyUnavailable
		}
		return echoed(ctx, req)
	})
	test := eddytest.Test{Workload: "relay", Nodes: 2, Rate: 40, Time: 3 * time.Second, CallPolicy: policy, Seeds: 1}
	if got := eddytest.Failure(t, newRelay, test); got != "" {
		t.Error(got)
	}
	test.CallPolicy = &eddy.Policy{}
	if got := eddytest.Failure(t, newRelay, test); !strings.Contains(got, "attempt-too-soon") {
		t.Errorf("want attempt-too-soon\n%s", got)
	}
}
