package eddy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// ask starts nodes as n1, n2, ... A client sends these bodies to n1, and ask prints the
// replies.
func ask(nodes []*eddy.Node, bodies ...string) {
	e := &example{}
	net := eddytest.New(e, "n1", "n2")
	for i, n := range nodes {
		net.Start(fmt.Sprint("n", i+1), n)
	}
	client := net.Client("c1")
	for _, body := range bodies {
		fmt.Println(client.Call("n1", body).Body)
	}
	for _, f := range e.cleanups {
		f()
	}
}

// A node reads lines and writes lines. A program calls Run, which takes the lines from
// standard input.
func Example() {
	n := eddy.Node{Log: slog.New(slog.DiscardHandler)}
	n.Handle("greet", func(ctx context.Context, req *eddy.Request) (any, error) {
		return map[string]any{"greeting": "hello from " + n.ID()}, nil
	})
	lines := strings.NewReader(`{"src":"c1","dest":"n1","body":{"type":"init","node_id":"n1","node_ids":["n1"],"msg_id":1}}
{"src":"c1","dest":"n1","body":{"type":"greet","msg_id":2}}
`)
	if err := n.Serve(context.Background(), struct {
		io.Reader
		io.Writer
	}{lines, os.Stdout}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"src":"n1","dest":"c1","body":{"type":"init_ok","in_reply_to":1,"msg_id":0}}
	// {"src":"n1","dest":"c1","body":{"type":"greet_ok","greeting":"hello from n1","in_reply_to":2,"msg_id":1}}
}

// What a handler returns is the reply. A request gets one reply, whatever its handler does.
func ExampleNode_Handle() {
	n := eddy.Node{Log: slog.New(slog.DiscardHandler)}
	var mu sync.Mutex // handlers may run at the same time
	count := 0
	n.Handle("add", func(_ context.Context, req *eddy.Request) (any, error) {
		var body struct {
			Delta int `json:"delta"`
		}
		if err := req.Decode(&body); err != nil {
			return nil, err // malformed-request
		}
		mu.Lock()
		defer mu.Unlock()
		count += body.Delta
		return map[string]any{"count": count}, nil
	})
	n.Handle("trip", func(context.Context, *eddy.Request) (any, error) { panic("oh") })
	ask([]*eddy.Node{&n}, `{"type":"add","delta":2}`, `{"type":"add","delta":"two"}`, `{"type":"trip"}`)
	// Output:
	// {"type":"add_ok","count":2,"in_reply_to":1,"msg_id":1}
	// {"type":"error","code":12,"text":"a string is not what was expected at /delta","in_reply_to":2,"msg_id":2}
	// {"type":"error","code":13,"text":"the handler of trip panicked","in_reply_to":3,"msg_id":3}
}

// Middleware is a function from Handler to Handler.
func ExampleHandler() {
	var n eddy.Node
	allowed := func(src string, h eddy.Handler) eddy.Handler {
		return func(ctx context.Context, req *eddy.Request) (any, error) {
			if req.Src != src {
				return nil, eddy.Errorf(eddy.Abort, "%s may not %s", req.Src, req.Type())
			}
			return h(ctx, req)
		}
	}
	n.Handle("stop", allowed("c7", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil }))
	ask([]*eddy.Node{&n}, `{"type":"stop"}`)
	// Output:
	// {"type":"error","code":14,"text":"c1 may not stop","in_reply_to":1,"msg_id":1}
}

// An inline handler must not block. Its replies are in the order of the requests, and the
// body of its request is not copied.
func ExampleNode_HandleInline() {
	var n eddy.Node
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	ask([]*eddy.Node{&n}, `{"type":"echo","echo":[1,2.50,"\u00e9"]}`)
	// Output:
	// {"type":"echo_ok","echo":[1,2.50,"\u00e9"],"in_reply_to":1,"msg_id":1}
}

func ExampleNode_OnInit() {
	var n eddy.Node
	var peers []string
	n.OnInit(func(context.Context) error {
		for _, id := range n.IDs() {
			if id != n.ID() {
				peers = append(peers, id)
			}
		}
		return nil
	})
	n.Handle("peers", func(context.Context, *eddy.Request) (any, error) {
		return map[string]any{"peers": peers}, nil
	})
	ask([]*eddy.Node{&n}, `{"type":"peers"}`)
	// Output:
	// {"type":"peers_ok","peers":["n2"],"in_reply_to":1,"msg_id":1}
}

func ExampleNode_Every() {
	var n eddy.Node
	rounds := make(chan int)
	round := 0
	n.Every(10*time.Millisecond, func(ctx context.Context) {
		round++
		select {
		case rounds <- round:
		case <-ctx.Done(): // the node drains
		}
	})
	defer cluster([]*eddy.Node{&n})()
	fmt.Println(<-rounds, <-rounds, <-rounds)
	// Output: 1 2 3
}

// A one-way message gets no reply.
func ExampleNode_Send() {
	var a, b eddy.Node
	news := make(chan string)
	b.Handle("news", func(_ context.Context, req *eddy.Request) (any, error) {
		text, _ := req.Body.Get("text").Text()
		news <- fmt.Sprint(req.Src, " says ", text, "; one-way: ", req.OneWay())
		return nil, nil
	})
	defer cluster([]*eddy.Node{&a, &b})()
	if err := a.Send("n2", map[string]any{"type": "news", "text": "hi"}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-news)
	// Output: n1 says hi; one-way: true
}

// Serve serves any transport. Run serves standard input and output.
func ExampleStdio() {
	var n eddy.Node
	var t eddy.Transport = eddy.Stdio()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel() // at the end of ctx the node drains
	if err := n.Serve(ctx, t); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ExampleNode_Stats() {
	var a, b eddy.Node
	b.Handle("read", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
	defer cluster([]*eddy.Node{&a, &b})()

	a.RPC(context.Background(), "n2", eddy.Raw(`{"type":"read"}`))
	a.RPC(context.Background(), "n2", eddy.Raw(`{"type":"write"}`)) // which n2 does not support

	var s eddy.Stats = a.Stats()
	fmt.Println(s.Calls, "calls,", s.Attempts, "attempts,", s.Failures, "without a reply")
	var to eddy.DestinationStats = a.Destinations()["n2"]
	fmt.Println(to.Calls, "of them to n2")
	// Output:
	// 2 calls, 2 attempts, 0 without a reply
	// 2 of them to n2
}

// A log with a handler of its own that does not stall the node.
func ExampleLogQueue() {
	queue := eddy.NewLogQueue(os.Stdout)
	n := eddy.Node{Log: slog.New(slog.NewTextHandler(queue, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))}
	n.Serve(context.Background(), struct {
		io.Reader
		io.Writer
	}{strings.NewReader("hello\n"), io.Discard})
	queue.Flush(time.Second)
	// Output: level=WARN msg="bad line" line=1 reason="not JSON: expected a value at byte 0" text=hello
}
