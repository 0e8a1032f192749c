package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

type heard struct {
	Heard    eddy.Raw `json:"heard"`
	Attempts int      `json:"attempts"`
}

// n1 asks n2, and hands on what it hears and how many attempts it took.
func ExampleNode_RPCWithRetry() {
	var a, b eddy.Node
	a.Handle("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, _ := req.Body.Get("to").Text()
		policy := &eddy.Policy{Attempts: 2} // of 500 ms
		reply, attempts, err := a.RPCWithRetry(ctx, to, eddy.Raw(`{"type":"read"}`), policy)
		if err != nil {
			return nil, err // silence is answered with its code, 0
		}
		return heard{reply.Body.Get("value"), attempts}, nil
	})
	b.Handle("read", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{"value":7}`), nil })
	ask([]*eddy.Node{&a, &b}, `{"type":"ask","to":"n2"}`, `{"type":"ask","to":"n9"}`)
	// Output:
	// {"type":"ask_ok","heard":7,"attempts":1,"in_reply_to":1,"msg_id":2}
	// {"type":"error","code":0,"text":"RPC failed after 2 attempts","in_reply_to":2,"msg_id":5}
}

// One attempt of 500 ms. An error reply is a reply: its body is there, and an error
// that wraps its Code.
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

// Did it happen or not?
func ExampleCallError() {
	var n eddy.Node // n2 is not there
	defer cluster([]*eddy.Node{&n})()

	policy := &eddy.Policy{Attempts: 2, Timeout: 10 * time.Millisecond}
	_, _, err := n.RPCWithRetry(context.Background(), "n2", eddy.Raw(`{"type":"pay"}`), policy)
	var call *eddy.CallError
	if errors.As(err, &call) {
		fmt.Printf("%v; surely without effect: %v; because: %v\n", call, call.Definite(), call.Reason())
		show := func(a eddy.Attempt) { fmt.Println("an attempt met", a.Err) }
		for _, attempt := range call.Attempts() {
			show(attempt)
		}
	}
	// Output:
	// RPC failed after 2 attempts; surely without effect: false; because: attempts used up
	// an attempt met timeout
	// an attempt met timeout
}

// A Code is an error, and tells whether an operation that fails with it may have
// happened.
func ExampleCode() {
	err := fmt.Errorf("while paying: %w", eddy.Errorf(eddy.Abort, "no money"))
	var code eddy.Code
	fmt.Println(errors.As(err, &code), code, int(code), code.Definite())
	fmt.Println(eddy.Timeout, eddy.Timeout.Definite(), eddy.Code(1234), eddy.Code(1234).Definite())
	// Output:
	// true abort 14 true
	// timeout false code 1234 false
}

// A callee that asks to be left alone for a while. A caller whose policy retries the
// code heeds it.
func ExampleError() {
	var n eddy.Node
	n.Handle("work", func(context.Context, *eddy.Request) (any, error) {
		return nil, &eddy.Error{Code: eddy.TemporarilyUnavailable, Text: "busy", RetryAfter: time.Second}
	})
	ask([]*eddy.Node{&n}, `{"type":"work"}`)
	// Output:
	// {"type":"error","code":11,"text":"busy","retry_after_ms":1000,"in_reply_to":1,"msg_id":1}
}

// A request that is answered from a callback: no goroutine waits.
func ExampleRequest_Call() {
	var a, b eddy.Node
	a.HandleInline("ask", func(_ context.Context, req *eddy.Request) (any, error) {
		var answer eddy.Callback = func(req *eddy.Request, reply eddy.Message, attempts int, err error) {
			if err != nil {
				req.Fail(err)
				return
			}
			req.Reply(heard{reply.Body.Get("value"), attempts})
		}
		req.Call("n2", eddy.Raw(`{"type":"read"}`), nil, answer)
		return eddy.Later, nil
	})
	b.Handle("read", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{"value":7}`), nil })
	ask([]*eddy.Node{&a, &b}, `{"type":"ask"}`)
	// Output:
	// {"type":"ask_ok","heard":7,"attempts":1,"in_reply_to":1,"msg_id":2}
}

// The same for a call that no request is waiting for.
func ExampleNode_Call() {
	var a, b eddy.Node
	b.Handle("read", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{"value":7}`), nil })
	defer cluster([]*eddy.Node{&a, &b})()

	told := make(chan string, 1)
	a.Call("n2", eddy.Raw(`{"type":"read"}`), nil, func(_ *eddy.Request, reply eddy.Message, _ int, err error) {
		told <- fmt.Sprint(reply.Body.Get("value"), " ", err) // must not block
	})
	fmt.Println(<-told)
	// Output: 7 <nil>
}

// The reply to an add is lost. The second attempt bears the same mark, and Once gives
// it the reply that it has kept.
func ExampleOnce() {
	var a, b eddy.Node
	var once eddy.Once
	count := 0
	b.Handle("add", once.Handler(func(context.Context, *eddy.Request) (any, error) {
		count++
		return map[string]any{"count": count}, nil
	}))
	e := &example{}
	net := eddytest.New(e, "n1", "n2")
	net.Start("n1", &a)
	net.Start("n2", &b)
	net.Lose("n2", "n1", 1)

	policy := &eddy.Policy{CallID: true}
	reply, attempts, err := a.RPCWithRetry(context.Background(), "n2", eddy.Raw(`{"type":"add"}`), policy)
	fmt.Println(attempts, "attempts, count", reply.Body.Get("count"), err)
	// Output: 2 attempts, count 1 <nil>
}

// Presets have names; a policy of one's own is a file.
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

// A policy that would rather miss a late reply than take it.
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

// All answers at once, when every call has ended.
func ExampleAnswer() {
	var n eddy.Node // beside n2 and n3
	defer cluster([]*eddy.Node{&n}, "n2", "n3")()

	var answers []eddy.Answer
	for a := range n.Broadcast(context.Background(), []string{"n2", "n3"}, eddy.Raw(`{"type":"gossip"}`), nil) {
		answers = append(answers, a)
	}
	fmt.Println(len(answers), "answers, errors:", answers[0].Err, answers[1].Err)
	// Output: 2 answers, errors: <nil> <nil>
}

// A status that only its own node writes needs no more than the last write.
func ExampleLWWKV() {
	var n eddy.Node // on a network with lww-kv
	defer cluster([]*eddy.Node{&n})()

	status := eddy.LWWKV[string](&n)
	fmt.Println(status.Write(context.Background(), "status/"+n.ID(), "at work"))
	// Output: <nil>
}
