package maelstrom_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/maelstrom"
)

// What is sent before Run has been written when the method returns, as with the official
// library. So a test without Run can look at the output.
func TestSendBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		var out strings.Builder
		n.Stdout = &out
		n.Init("n1", []string{"n1", "n2"})
		request := maelstrom.Message{Src: "c1", Dest: "n1", Body: []byte(`{"type":"add","msg_id":7}`)}
		ignore := func(maelstrom.Message, int, error) {}
		for _, step := range []struct {
			send func() error
			want string
		}{
			{func() error { return n.RPC("n2", typed("add"), nil) }, `{"src":"n1","dest":"n2","body":{"msg_id":1,"type":"add"}}`},
			{func() error { return n.Call("n2", typed("add"), &maelstrom.Policy{Attempts: 1}, ignore) }, `{"src":"n1","dest":"n2","body":{"msg_id":2,"type":"add"}}`},
			{func() error { return n.Send("n2", typed("news")) }, `{"src":"n1","dest":"n2","body":{"type":"news"}}`},
			{func() error { return n.Reply(request, typed("add_ok")) }, `{"src":"n1","dest":"c1","body":{"in_reply_to":7,"type":"add_ok"}}`},
		} {
			out.Reset()
			if err := step.send(); err != nil || out.String() != step.want+"\n" {
				t.Errorf("%v, got %q, want %q", err, out.String(), step.want)
			}
		}
		time.Sleep(2 * time.Minute) // the calls end, and leave no goroutine behind
	})
}

// Each Run has the name, the handlers and the last msg_id of the one before, and its own
// input and output.
func TestRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		register := func(typ string) {
			n.Handle(typ, func(m maelstrom.Message) error {
				n.RPC("n2", typed("ask"), nil)
				return n.Reply(m, typed(typ+"_ok"))
			})
		}
		register("first")
		run := func(lines string) string {
			var out strings.Builder
			n.Stdin, n.Stdout = strings.NewReader(lines), &out
			if err := n.Run(); err != nil {
				t.Error(err)
			}
			return out.String()
		}
		want := `{"src":"n1","dest":"c1","body":{"in_reply_to":1,"type":"init_ok"}}` + "\n"
		if got := run(hello); got != want {
			t.Errorf("the first Run wrote %s, want %s", got, want)
		}
		register("second")
		for i, typ := range []string{"first", "second"} {
			want := fmt.Sprintf(`{"src":"n1","dest":"n2","body":{"msg_id":%d,"type":"ask"}}
{"src":"n1","dest":"c1","body":{"in_reply_to":7,"type":"%s_ok"}}
`, i+1, typ)
			if got := run(fmt.Sprintf(`{"src":"c1","dest":"n1","body":{"type":%q,"msg_id":7}}`, typ)); got != want {
				t.Errorf("the next Run wrote %s, want %s", got, want)
			}
		}
	})
}

// A call waits as long as its context says, also longer than a minute, and for a minute if
// the context has no deadline.
func TestHowLongSyncRPCWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		n.Stdout = io.Discard
		for _, test := range []struct{ deadline, want time.Duration }{
			{time.Second, time.Second}, {time.Hour, time.Hour}, {0, time.Minute},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			if test.deadline > 0 {
				ctx, cancel = context.WithTimeout(t.Context(), test.deadline)
			}
			begin := time.Now()
			_, err := n.SyncRPC(ctx, "n2", typed("add"))
			if took := time.Since(begin); took != test.want {
				t.Errorf("it waited %v, want %v", took, test.want)
			}
			if (test.deadline > 0) != (err == context.DeadlineExceeded) || err == nil {
				t.Errorf("with a deadline of %v: %v", test.deadline, err)
			}
			cancel()
		}
	})
}

// What is nil is refused where it is given, or by Run, and not by a goroutine of the node.
func TestNilIsRefused(t *testing.T) {
	for want, give := range map[string]func(){
		`maelstrom: a nil handler for "add"`:   func() { maelstrom.NewNode().Handle("add", nil) },
		`maelstrom: a nil handler for "sub"`:   func() { maelstrom.NewNode().HandleOnce("sub", nil, nil) },
		"maelstrom: the node of lin-kv is nil": func() { maelstrom.NewLinKV(nil) },
		"maelstrom: Node.Stdout is nil":        func() { new(maelstrom.Node).Send("n2", typed("add")) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("it panics with %v, want %s", got, want)
				}
			}()
			give()
		}()
	}
	n := new(maelstrom.Node)
	if err := n.Run(); err == nil || err.Error() != "maelstrom: Node.Stdin is nil" {
		t.Error(err)
	}
	n.Stdin = strings.NewReader("")
	if err := n.Run(); err == nil || err.Error() != "maelstrom: Node.Stdout is nil" {
		t.Error(err)
	}
}

// A node that has its name by Init and does not run yet can call, with any context.
func TestCallBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		n.Stdin, n.Stdout = strings.NewReader(""), io.Discard
		n.Init("n1", []string{"n1"})
		for _, ctx := range []context.Context{context.Background(), t.Context()} {
			if _, attempts, err := n.RPCWithRetry(ctx, "n2", typed("add"), nil); maelstrom.ErrorCode(err) != maelstrom.Timeout || attempts != 3 {
				t.Errorf("%d attempts, %v", attempts, err)
			}
		}
		if err := n.Run(); err != nil {
			t.Error(err)
		}
	})
}

func TestCallWithoutCallback(t *testing.T) {
	n := maelstrom.NewNode()
	n.Stdout = io.Discard
	if err := n.Call("n2", typed("add"), nil, nil); err == nil {
		t.Error("a call with a nil callback began")
	}
}

// If a handler or a callback ends its goroutine, as testing.T.Fatal does, Run ends all the
// same.
func TestGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		in, feed := io.Pipe()
		n.Stdin, n.Stdout = in, io.Discard
		n.Handle("exit", func(maelstrom.Message) error { runtime.Goexit(); return nil })
		ended := make(chan error, 1)
		go func() { ended <- n.Run() }()
		io.WriteString(feed, hello)
		n.Call("n2", typed("add"), nil, func(maelstrom.Message, int, error) { runtime.Goexit() })
		io.WriteString(feed, `{"src":"c1","dest":"n1","body":{"type":"exit","msg_id":2}}`+"\n")
		time.Sleep(time.Minute)
		feed.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
