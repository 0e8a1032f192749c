package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

type askOK struct {
	Value    eddy.Raw `json:"value"`
	Attempts int      `json:"attempts"`
}

// n1 asks n2, and replies with the value and the number of attempts.
func ExampleNode_RPCWithRetry() {
	var a, b eddy.Node
	a.Handle("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, _ := req.Body.Get("to").Text()
		policy := &eddy.Policy{Attempts: 2, Timeout: 50 * time.Millisecond}
		reply, attempts, err := a.RPCWithRetry(ctx, to, eddy.Raw(`{"type":"read"}`), policy)
		if err != nil {
			return nil, err // after timeouts the code is 0
		}
		return askOK{reply.Body.Get("value"), attempts}, nil
	})
	b.Handle("read", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{"value":7}`), nil })
	ask([]*eddy.Node{&a, &b}, `{"type":"ask","to":"n2"}`, `{"type":"ask","to":"n9"}`)
	// Output:
	// {"type":"ask_ok","value":7,"attempts":1,"in_reply_to":1,"msg_id":2}
	// {"type":"error","code":0,"text":"RPC failed after 2 attempts","in_reply_to":2,"msg_id":5}
}

// A single attempt of 500 ms. The reply is an error, so RPC returns both its body and an
// error that wraps its Code.
func ExampleNode_RPC() {
	var a, b eddy.Node
	b.Handle("take", func(context.Context, *eddy.Request) (any, error) {
		return nil, eddy.Errorf(eddy.PreconditionFailed, "there are only %d", 3)
	})
	defer cluster([]*eddy.Node{&a, &b})()

	var reply eddy.Message
	reply, err := a.RPC(context.Background(), "n2", map[string]any{"type": "take", "count": 5})
	fmt.Println(errors.Is(err, eddy.PreconditionFailed), err)
	fmt.Println(reply.Src, reply.Body.Get("text"))
	// Output:
	// true RPC to n2 failed: there are only 3 (precondition-failed)
	// n2 "there are only 3"
}

// A CallError says what became of each attempt, and whether the call may have had an effect.
func ExampleCallError() {
	var n eddy.Node // n2 is not there
	defer cluster([]*eddy.Node{&n})()

	policy := &eddy.Policy{Attempts: 2, Timeout: 10 * time.Millisecond}
	_, _, err := n.RPCWithRetry(context.Background(), "n2", eddy.Raw(`{"type":"pay"}`), policy)
	var call *eddy.CallError
	if errors.As(err, &call) {
		fmt.Printf("%v; definitely no effect: %v; reason: %v\n", call, call.Definite(), call.Reason())
		if call.Reason() == eddy.AttemptsUsedUp {
			var last eddy.Attempt
			for _, last = range call.Attempts() {
				fmt.Println("waited", last.Waited, "for", last.Err)
			}
		}
	}
	// Output:
	// RPC failed after 2 attempts; definitely no effect: false; reason: attempts used up
	// waited 10ms for timeout
	// waited 10ms for timeout
}

// A Code is an error. Definite says whether an operation that failed with it surely had no
// effect.
func ExampleCode() {
	err := fmt.Errorf("while paying: %w", eddy.Errorf(eddy.Abort, "no money"))
	var code eddy.Code
	fmt.Println(errors.As(err, &code), code, int(code), code.Definite())
	fmt.Println(eddy.Timeout, eddy.Timeout.Definite(), eddy.Code(1234), eddy.Code(1234).Definite())
	// Output:
	// true abort 14 true
	// timeout false code 1234 false
}

// The node asks its callers to wait for a second. Calls whose policy retries the code wait.
func ExampleError() {
	var n eddy.Node
	n.Handle("work", func(context.Context, *eddy.Request) (any, error) {
		return nil, &eddy.Error{Code: eddy.TemporarilyUnavailable, Text: "busy", RetryAfter: time.Second}
	})
	ask([]*eddy.Node{&n}, `{"type":"work"}`)
	// Output:
	// {"type":"error","code":11,"text":"busy","retry_after_ms":1000,"in_reply_to":1,"msg_id":1}
}

// A callback replies to the request, so that no goroutine waits.
func ExampleRequest_Call() {
	var a, b eddy.Node
	a.HandleInline("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
		err := req.Call(ctx, "n2", eddy.Raw(`{"type":"read"}`), nil, func(r eddy.Result) {
			if r.Err != nil {
				req.Fail(r.Err)
				return
			}
			req.Reply(askOK{r.Reply.Body.Get("value"), r.Attempts})
		})
		return eddy.Later, err
	})
	b.Handle("read", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{"value":7}`), nil })
	ask([]*eddy.Node{&a, &b}, `{"type":"ask"}`)
	// Output:
	// {"type":"ask_ok","value":7,"attempts":1,"in_reply_to":1,"msg_id":2}
}

// A call with a callback that belongs to no request.
func ExampleNode_Call() {
	var a, b eddy.Node
	b.Handle("read", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{"value":7}`), nil })
	defer cluster([]*eddy.Node{&a, &b})()

	results := make(chan string, 1)
	err := a.Call(context.Background(), "n2", eddy.Raw(`{"type":"read"}`), nil, func(r eddy.Result) {
		results <- fmt.Sprint(r.Reply.Body.Get("value"), " ", r.Err) // must not block
	})
	if err != nil {
		fmt.Println("the call did not begin:", err)
		return
	}
	fmt.Println(<-results)
	// Output: 7 <nil>
}

// The reply to an add is lost. The second attempt has the same call id, so Dedup replies
// to it with the reply that it has kept.
func ExampleDedup() {
	var a, b eddy.Node
	var dedup eddy.Dedup
	count := 0
	b.Handle("add", dedup.Handler(func(context.Context, *eddy.Request) (any, error) {
		count++
		return map[string]any{"count": count}, nil
	}))
	e := &example{}
	net := eddytest.New(e, "n1", "n2")
	net.Start("n1", &a)
	net.Start("n2", &b)
	net.Lose("n2", "n1", 1)

	policy := &eddy.Policy{CallID: true, Timeout: 50 * time.Millisecond}
	reply, attempts, err := a.RPCWithRetry(context.Background(), "n2", eddy.Raw(`{"type":"add"}`), policy)
	fmt.Println(attempts, "attempts, count", reply.Body.Get("count"), err)
	// Output: 2 attempts, count 1 <nil>
}

// A preset has a name. Any other policy is a file.
func ExampleLoadPolicy() {
	policy, err := eddy.LoadPolicy("hedged")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(policy.MaxAttempts(), "attempts, the second after", policy.Hedge)
	_, err = eddy.LoadPolicy("no-such-policy.json")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// 2 attempts, the second after 100ms
	// true
}

// A policy accepts late replies or ignores them.
func ExampleLate() {
	var late eddy.Late
	fmt.Println(late)
	fmt.Println(late.UnmarshalText([]byte("ignore")), late)
	fmt.Println(late.UnmarshalText([]byte("sometimes")))
	// Output:
	// accept
	// <nil> ignore
	// "sometimes" must be accept or ignore
}

// Collect waits until every call has ended.
func ExampleResult() {
	var n eddy.Node // in a cluster with n2 and n3
	defer cluster([]*eddy.Node{&n}, "n2", "n3")()

	body := eddy.Raw(`{"type":"gossip"}`)
	var results []eddy.Result = slices.Collect(n.Broadcast(context.Background(), []string{"n2", "n3"}, body, nil))
	fmt.Println(len(results), "results, errors:", results[0].Err, results[1].Err)
	// Output: 2 results, errors: <nil> <nil>
}

// Only the node itself writes its status, so that the last write is the right one.
func ExampleLWWKV() {
	var n eddy.Node // on a network with lww-kv
	defer cluster([]*eddy.Node{&n})()

	status := eddy.LWWKV[string](&n)
	fmt.Println(status.Write(context.Background(), "status/"+n.ID(), "working"))
	// Output: <nil>
}
