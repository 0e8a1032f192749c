package moves

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

// A unit test without Run, as the official documentation of Init describes.
func TestUnitTestWithoutRun(t *testing.T) {
	var out bytes.Buffer
	n := maelstrom.NewNode()
	n.Stdout = &out
	n.Init("n1", []string{"n1", "n2"})
	if err := n.Send("n2", body("gossip")); err != nil {
		t.Error(err)
	}
	asked := maelstrom.Message{Src: "c1", Dest: "n1", Body: json.RawMessage(`{"type":"echo","msg_id":7}`)}
	if err := n.Reply(asked, body("echo_ok")); err != nil {
		t.Error(err)
	}
	if err := n.RPC("n2", body("read"), func(maelstrom.Message) error { return nil }); err != nil {
		t.Error(err)
	}
	want := `{"src":"n1","dest":"n2","body":{"type":"gossip"}}
{"src":"n1","dest":"c1","body":{"in_reply_to":7,"type":"echo_ok"}}
{"src":"n1","dest":"n2","body":{"msg_id":1,"type":"read"}}
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// A call that is made before Run is answered in Run.
func TestCallBeforeRun(t *testing.T) {
	virtually(t, func(t *testing.T) {
		var out bytes.Buffer
		n := maelstrom.NewNode()
		n.Stdin = strings.NewReader(hello + `{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":1}}` + "\n")
		n.Stdout = &out
		heard := false
		if err := n.RPC("n2", body("read"), func(m maelstrom.Message) error {
			heard = m.Type() == "read_ok"
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := n.Run(); err != nil {
			t.Error(err)
		}
		if !heard {
			t.Error("the reply was not heard")
		}
	})
}

// A goroutine that outlives its handler, and the input.
func TestReplyAfterRun(t *testing.T) {
	virtually(t, func(t *testing.T) {
		out, replied := &bytes.Buffer{}, make(chan error, 1)
		n := maelstrom.NewNode()
		n.Stdin, n.Stdout = strings.NewReader(hello+ask(2, "later")), out
		n.Handle("later", func(m maelstrom.Message) error {
			go func() {
				time.Sleep(time.Second)
				replied <- n.Reply(m, body("later_ok"))
			}()
			return nil
		})
		if err := n.Run(); err != nil {
			t.Error(err)
		}
		if err := <-replied; err != nil {
			t.Error(err)
		}
		wants(t, out.String(), `"later_ok"`)
	})
}

// A test that feeds one node step by step.
func TestRunTwice(t *testing.T) {
	var out bytes.Buffer
	n := maelstrom.NewNode()
	n.Stdout = &out
	n.Handle("echo", func(m maelstrom.Message) error { return n.Reply(m, body("echo_ok")) })
	for i, lines := range []string{hello, ask(2, "echo"), ask(3, "echo")} {
		n.Stdin = strings.NewReader(lines)
		if err := n.Run(); err != nil {
			t.Error(err)
		}
		if got := strings.Count(out.String(), "\n"); got != i+1 {
			t.Errorf("%d lines after %d", got, i+1)
		}
	}
}

func TestIDsGoOnInTheNextRun(t *testing.T) {
	var out bytes.Buffer
	n := maelstrom.NewNode()
	n.Stdout = &out
	for id := 1; id < 4; id++ {
		if err := n.RPC("n2", body("read"), func(maelstrom.Message) error { return nil }); err != nil {
			t.Error(err)
		}
		wants(t, out.String(), fmt.Sprintf(`"msg_id":%d`, id))
		n.Stdin = strings.NewReader("")
		if err := n.Run(); err != nil {
			t.Error(err)
		}
	}
}

// A test that writes all its requests before it reads an answer.
func TestRequestsBeforeOutputIsRead(t *testing.T) {
	virtually(t, func(t *testing.T) {
		w := live(t, func(n *maelstrom.Node) {
			n.Handle("echo", func(m maelstrom.Message) error { return n.Reply(m, body("echo_ok")) })
		})
		for id := 2; id < 20; id++ {
			w.write(ask(id, "echo"))
		}
		for id := 2; id < 20; id++ {
			wants(t, w.line(), `"echo_ok"`)
		}
		w.end()
	})
}

func TestLastLineWithoutNewline(t *testing.T) {
	out, err := serve(t, strings.TrimSpace(ask(2, "t")), func(n *maelstrom.Node) {
		n.Handle("t", func(m maelstrom.Message) error { return n.Reply(m, body("t_ok")) })
	})
	if err != nil {
		t.Error(err)
	}
	wants(t, out, `"t_ok"`)
}

func TestCarriageReturns(t *testing.T) {
	out, err := serve(t, strings.ReplaceAll(ask(2, "t"), "\n", "\r\n"), func(n *maelstrom.Node) {
		n.Handle("t", func(m maelstrom.Message) error { return n.Reply(m, body("t_ok")) })
	})
	if err != nil {
		t.Error(err)
	}
	wants(t, out, `"t_ok"`)
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error)  { return 0, errBroken }
func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestReadErrorIsReturned(t *testing.T) {
	n := maelstrom.NewNode()
	n.Stdin, n.Stdout = broken{}, io.Discard
	if err := n.Run(); err != errBroken {
		t.Errorf("Run: %v", err)
	}
}

func TestWriteErrorIsReturned(t *testing.T) {
	n := maelstrom.NewNode()
	n.Stdout = broken{}
	n.Init("n1", []string{"n1"})
	if err := n.Send("n2", body("t")); !errors.Is(err, errBroken) {
		t.Errorf("Send: %v", err)
	}
}

// A line that is no message ends Run at once, whatever still waits for a reply.
func TestBadLineEndsRunAtOnce(t *testing.T) {
	virtually(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		w := live(t, func(n *maelstrom.Node) {
			n.Handle("ask", func(m maelstrom.Message) error {
				n.SyncRPC(ctx, "n2", body("read"))
				return nil
			})
		})
		w.write(ask(2, "ask"))
		wants(t, w.line(), `"read"`)
		start := time.Now()
		w.write("rubbish\n")
		if err := <-w.ended; err == nil || !strings.HasPrefix(err.Error(), "unmarshal message: ") {
			t.Errorf("Run: %v", err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		cancel()
		w.in.Close()
	})
}

// Calls with a callback that get no reply do not delay the end.
func TestOpenCallbacksDontHoldUpTheEnd(t *testing.T) {
	virtually(t, func(t *testing.T) {
		w := live(t, func(n *maelstrom.Node) {
			n.Handle("ask", func(m maelstrom.Message) error {
				return n.RPC("n2", body("read"), func(maelstrom.Message) error { return nil })
			})
		})
		w.write(ask(2, "ask"))
		wants(t, w.line(), `"read"`)
		start := time.Now()
		if err := w.end(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// Calls of goroutines do not either.
func TestWaitingGoroutinesDontHoldUpTheEnd(t *testing.T) {
	virtually(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		w := live(t, func(n *maelstrom.Node) {
			n.Handle("ask", func(m maelstrom.Message) error {
				go n.SyncRPC(ctx, "n2", body("read"))
				return nil
			})
		})
		w.write(ask(2, "ask"))
		wants(t, w.line(), `"read"`)
		start := time.Now()
		if err := w.end(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		cancel()
	})
}

// Run waits for the handlers.
func TestHandlerOutlastsTheInput(t *testing.T) {
	virtually(t, func(t *testing.T) {
		out, err := serve(t, ask(2, "slow"), func(n *maelstrom.Node) {
			n.Handle("slow", func(m maelstrom.Message) error {
				time.Sleep(20 * time.Second)
				return n.Reply(m, body("slow_ok"))
			})
		})
		if err != nil {
			t.Error(err)
		}
		wants(t, out, `"slow_ok"`)
	})
}

// Run waits for the callbacks of replies that came in time.
func TestCallbackOutlastsTheInput(t *testing.T) {
	virtually(t, func(t *testing.T) {
		var last atomic.Value
		w := live(t, func(n *maelstrom.Node) {
			n.Handle("ask", func(m maelstrom.Message) error {
				return n.RPC("n2", body("read"), func(maelstrom.Message) error {
					time.Sleep(5 * time.Second)
					return n.Reply(m, body("ask_ok"))
				})
			})
		})
		w.write(ask(2, "ask"))
		wants(t, w.line(), `"read"`)
		w.write(`{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":1}}` + "\n")
		w.in.Close()
		go func() { last.Store(w.line()) }()
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		wants(t, last.Load().(string), `"ask_ok"`)
	})
}

// The handler of init calls a service, and init_ok comes after that.
func TestInitThatCalls(t *testing.T) {
	virtually(t, func(t *testing.T) {
		in, stdin := io.Pipe()
		stdout, out := io.Pipe()
		n := maelstrom.NewNode()
		n.Stdin, n.Stdout = in, out
		kv := maelstrom.NewLinKV(n)
		n.Handle("init", func(m maelstrom.Message) error {
			if n.ID() != "n1" || len(n.NodeIDs()) != 2 {
				t.Errorf("%s of %v", n.ID(), n.NodeIDs())
			}
			return kv.Write(context.Background(), "k", 0)
		})
		ended := make(chan error)
		go func() { ended <- n.Run() }()
		r := bufio.NewReader(stdout)
		io.WriteString(stdin, hello)
		line, _ := r.ReadString('\n')
		if want := `{"src":"n1","dest":"lin-kv","body":{"key":"k","msg_id":1,"type":"write","value":0}}` + "\n"; line != want {
			t.Errorf("got %swant %s", line, want)
		}
		io.WriteString(stdin, `{"src":"lin-kv","dest":"n1","body":{"type":"write_ok","in_reply_to":1}}`+"\n")
		line, _ = r.ReadString('\n')
		wants(t, line, `"init_ok"`)
		stdin.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestInitThatFails(t *testing.T) {
	out, _ := serve(t, "", func(n *maelstrom.Node) {
		n.Handle("init", func(maelstrom.Message) error { return maelstrom.NewRPCError(maelstrom.Abort, "no") })
	})
	wants(t, out, `{"code":14,"in_reply_to":1,"text":"no","type":"error"}`)
}

func TestSecondInitCounts(t *testing.T) {
	out, _ := serve(t, "", func(n *maelstrom.Node) {})
	wants(t, out, `"src":"n1"`)
	var b bytes.Buffer
	n := maelstrom.NewNode()
	n.Stdin = strings.NewReader(strings.ReplaceAll(hello, "n1", "n3"))
	n.Stdout = &b
	n.Init("n9", nil)
	n.Run()
	wants(t, b.String(), `"src":"n3"`)
}

func TestNodeWithoutNewNode(t *testing.T) {
	var out bytes.Buffer
	n := &maelstrom.Node{Stdin: strings.NewReader(hello), Stdout: &out}
	if err := n.Run(); err != nil {
		t.Error(err)
	}
	wants(t, out.String(), `"init_ok"`)
}
