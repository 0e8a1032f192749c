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
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

const hello = `{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"

func ask(id int, typ string) string {
	return fmt.Sprintf(`{"src":"c1","dest":"n1","body":{"type":%q,"msg_id":%d}}`+"\n", typ, id)
}

// A world is a node, the writing end of its input and the lines of its output.
type world struct {
	*maelstrom.Node
	in    *io.PipeWriter
	out   *bufio.Reader
	lock  sync.Mutex // of out
	ended chan error
}

// live runs a node on pipes, as the tests of such programs do. It has had init.
func live(t *testing.T, handlers func(n *maelstrom.Node)) *world {
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	w := &world{Node: maelstrom.NewNode(), in: stdin, out: bufio.NewReader(stdout), ended: make(chan error, 1)}
	w.Stdin, w.Stdout = in, out
	if handlers != nil {
		handlers(w.Node)
	}
	go func() {
		w.ended <- w.Run()
		out.Close()
	}()
	w.write(hello)
	wants(t, w.line(), `"type":"init_ok"`)
	return w
}

func (w *world) write(lines string) { io.WriteString(w.in, lines) }

func (w *world) line() string {
	w.lock.Lock()
	defer w.lock.Unlock()
	line, _ := w.out.ReadString('\n')
	return line
}

// end ends the input and drops what is written until Run returns.
func (w *world) end() error {
	w.in.Close()
	go func() {
		for w.line() != "" {
		}
	}()
	return <-w.ended
}

func wants(t *testing.T, out, part string) {
	t.Helper()
	if !strings.Contains(out, part) {
		t.Errorf("no %s in\n%.500s", part, out)
	}
}

func body(typ string) map[string]any { return map[string]any{"type": typ} }

func virtually(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

// serve runs a node on these lines and returns what it writes.
func serve(t *testing.T, lines string, handlers func(n *maelstrom.Node)) (string, error) {
	var out bytes.Buffer
	n := maelstrom.NewNode()
	n.Stdin, n.Stdout = strings.NewReader(hello+lines), &out
	handlers(n)
	err := n.Run()
	return out.String(), err
}

// A unit test without Run, as the official documentation of Init has in mind.
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

func TestDestIsTheMessages(t *testing.T) {
	out, _ := serve(t, `{"src":"c1","dest":"n7","body":{"type":"t","msg_id":2}}`+"\n", func(n *maelstrom.Node) {
		n.Handle("t", func(m maelstrom.Message) error { return n.Reply(m, map[string]any{"type": "t_ok", "dest": m.Dest}) })
	})
	wants(t, out, `"dest":"n7"`)
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

// A line that is no message ends Run at once, whatever still waits.
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

// Calls with a callback that nobody answers don't hold up the end.
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
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// Nor do those of goroutines.
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
		if took := time.Since(start); took > 2*time.Second {
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

// And for the callbacks of replies that came in time.
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

func TestCallWithoutCallback(t *testing.T) {
	virtually(t, func(t *testing.T) {
		out, err := serve(t, ask(2, "ask")+`{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":1}}`+"\n", func(n *maelstrom.Node) {
			n.Handle("ask", func(m maelstrom.Message) error { return n.RPC("n2", body("read"), nil) })
		})
		if err != nil {
			t.Error(err)
		}
		wants(t, out, `"read"`)
	})
}

// Optional ids as pointers are null when they are not there.
func TestNullIDs(t *testing.T) {
	out, err := serve(t, `{"src":"c1","dest":"n1","body":{"type":"t","msg_id":2,"in_reply_to":null}}`+"\n"+
		`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":null}}`+"\n", func(n *maelstrom.Node) {
		served := 0
		n.Handle("t", func(m maelstrom.Message) error {
			served++
			return n.Send("c1", map[string]any{"type": "t_ok", "served": served})
		})
	})
	if err != nil {
		t.Error(err)
	}
	wants(t, out, `"type":"t_ok"`)
	wants(t, out, `"served":2`)
}

// A KV of one key, which the test plays.
func withKV(t *testing.T, value string, use func(kv *maelstrom.KV)) {
	virtually(t, func(t *testing.T) {
		w := live(t, nil)
		done := make(chan struct{})
		go func() {
			use(maelstrom.NewSeqKV(w.Node))
			close(done)
			w.in.Close()
		}()
		for id := 1; ; id++ {
			if w.line() == "" {
				break
			}
			w.write(fmt.Sprintf(`{"src":"seq-kv","dest":"n1","body":{"type":"read_ok"%s,"in_reply_to":%d}}`+"\n", value, id))
		}
		<-done
		<-w.ended
	})
}

func TestReadIntoNothing(t *testing.T) {
	withKV(t, `,"value":7`, func(kv *maelstrom.KV) {
		if err := kv.ReadInto(context.Background(), "k", nil); err != nil {
			t.Errorf("ReadInto: %v", err)
		}
	})
}

func TestReadIntoKeepsWhatIsNull(t *testing.T) {
	for _, value := range []string{`,"value":null`, ``} {
		withKV(t, value, func(kv *maelstrom.KV) {
			list := []int{1}
			if err := kv.ReadInto(context.Background(), "k", &list); err != nil || len(list) != 1 {
				t.Errorf("ReadInto: %v, %v", list, err)
			}
		})
	}
}

func TestReadOfEveryKind(t *testing.T) {
	for value, want := range map[string]any{`7`: 7, `7.0`: 7, `1e3`: 1000, `"a"`: "a", `true`: true, `null`: nil} {
		withKV(t, `,"value":`+value, func(kv *maelstrom.KV) {
			if got, err := kv.Read(context.Background(), "k"); got != want || err != nil {
				t.Errorf("Read of %s: %v, %v", value, got, err)
			}
		})
	}
}

func TestTypeAssertionOfAnError(t *testing.T) {
	withKV(t, `,"code":22,"text":"no"`, func(kv *maelstrom.KV) {
		err := kv.CompareAndSwap(context.Background(), "k", 1, 2, false)
		if rpc, ok := err.(*maelstrom.RPCError); !ok || rpc.Code != maelstrom.PreconditionFailed || rpc.Text != "no" {
			t.Errorf("CompareAndSwap: %v", err)
		}
	})
}

func TestEndOfContextIsReturnedAsIs(t *testing.T) {
	virtually(t, func(t *testing.T) {
		w := live(t, nil)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		go w.line()
		if _, err := w.SyncRPC(ctx, "n2", body("read")); err != context.DeadlineExceeded {
			t.Errorf("SyncRPC: %v", err)
		}
		w.end()
	})
}

// The user's handler of init calls a service, and init_ok comes behind it.
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

// Bodies of structs: Send keeps their order, Reply and RPC sort.
func TestBodiesOfStructs(t *testing.T) {
	type inner struct {
		Z int `json:"z"`
		A int `json:"a"`
	}
	type read struct {
		maelstrom.MessageBody
		Value string `json:"value"`
		Key   inner  `json:"key"`
	}
	out, _ := serve(t, ask(2, "t"), func(n *maelstrom.Node) {
		n.Init("n1", nil)
		n.Handle("t", func(m maelstrom.Message) error {
			n.Send("n2", read{maelstrom.MessageBody{Type: "one"}, "<&>é", inner{}})
			n.RPC("n2", read{maelstrom.MessageBody{Type: "two", MsgID: 9}, "", inner{}}, func(maelstrom.Message) error { return nil })
			return n.Reply(m, read{maelstrom.MessageBody{Type: "t_ok"}, "v", inner{}})
		})
	})
	wants(t, out, `{"src":"n1","dest":"n2","body":{"type":"one","value":"\u003c\u0026\u003eé","key":{"z":0,"a":0}}}`)
	wants(t, out, `"msg_id":1,"type":"two","value":""}}`)
	wants(t, out, `"type":"t_ok","value":"v"}}`)
}

// Mistakes in bodies are errors, and nothing is sent.
func TestBodiesThatCantBeSent(t *testing.T) {
	out, _ := serve(t, ask(2, "t"), func(n *maelstrom.Node) {
		n.Handle("t", func(m maelstrom.Message) error {
			for name, err := range map[string]error{
				"send":             n.Send("n2", make(chan int)),
				"reply":            n.Reply(m, make(chan int)),
				"reply of a list":  n.Reply(m, []int{1}),
				"rpc":              n.RPC("n2", make(chan int), func(maelstrom.Message) error { return nil }),
				"rpc of a list":    n.RPC("n2", []int{1}, func(maelstrom.Message) error { return nil }),
				"reply to rubbish": n.Reply(maelstrom.Message{Src: "c1", Body: json.RawMessage(`rubbish`)}, body("t_ok")),
				"reply to nothing": n.Reply(maelstrom.Message{Src: "c1"}, body("t_ok")),
			} {
				if err == nil {
					t.Errorf("%s: no error", name)
				}
			}
			return nil
		})
	})
	if strings.Count(out, "\n") != 1 {
		t.Errorf("sent: %s", out)
	}
}

// Acknowledgements by hand: a gossip is sent without an id, and what the other
// node replies comes to a handler.
func TestAcknowledgementComesToAHandler(t *testing.T) {
	virtually(t, func(t *testing.T) {
		handlers := func(acked chan<- string) func(n *maelstrom.Node) {
			return func(n *maelstrom.Node) {
				n.Handle("start", func(maelstrom.Message) error { return n.Send("n2", body("gossip")) })
				n.Handle("gossip", func(m maelstrom.Message) error { return n.Reply(m, body("gossip_ok")) })
				n.Handle("gossip_ok", func(m maelstrom.Message) error {
					acked <- m.Src
					return nil
				})
			}
		}
		acked := make(chan string, 1)
		a, b := live(t, handlers(acked)), live(t, handlers(nil))
		b.Init("n2", []string{"n1", "n2"})
		go func() {
			for line := a.line(); line != ""; line = a.line() {
				b.write(line)
			}
		}()
		go func() {
			for line := b.line(); line != ""; line = b.line() {
				a.write(line)
			}
		}()
		a.write(`{"src":"c1","dest":"n1","body":{"type":"start"}}` + "\n")
		select {
		case src := <-acked:
			if src != "n2" {
				t.Errorf("acknowledged by %s", src)
			}
		case <-time.After(time.Minute):
			t.Error("no acknowledgement")
		}
		a.in.Close()
		b.in.Close()
		<-a.ended
		<-b.ended
	})
}

// A test's reply that names no sender.
func TestReplyWithoutSource(t *testing.T) {
	virtually(t, func(t *testing.T) {
		w := live(t, nil)
		go func() {
			w.line()
			w.write(`{"body":{"type":"read_ok","in_reply_to":1}}` + "\n")
		}()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := w.SyncRPC(ctx, "n2", body("read")); err != nil {
			t.Error(err)
		}
		w.end()
	})
}

func TestNodeWithoutNewNode(t *testing.T) {
	var out bytes.Buffer
	n := &maelstrom.Node{Stdin: strings.NewReader(hello), Stdout: &out}
	if err := n.Run(); err != nil {
		t.Error(err)
	}
	wants(t, out.String(), `"init_ok"`)
}

// On the real clock: who waits for a mutex stops virtual time.
func TestMutexHeldAcrossSyncRPC(t *testing.T) {
	var mu sync.Mutex
	var inside atomic.Int32
	w := live(t, func(n *maelstrom.Node) {
		n.Handle("locked", func(m maelstrom.Message) error {
			mu.Lock()
			defer mu.Unlock()
			if inside.Add(1) != 1 {
				t.Error("two handlers hold one mutex")
			}
			defer inside.Add(-1)
			if _, err := n.SyncRPC(context.Background(), "n2", body("read")); err != nil {
				return err
			}
			return n.Reply(m, body("locked_ok"))
		})
	})
	const requests = 50
	go func() {
		for id := 2; id < 2+requests; id++ {
			w.write(ask(id, "locked"))
		}
	}()
	for answered := 0; answered < requests; {
		line := w.line()
		var m struct {
			Body maelstrom.MessageBody `json:"body"`
		}
		if json.Unmarshal([]byte(line), &m) != nil {
			t.Fatalf("after %d answers: %s", answered, line)
		}
		if m.Body.Type == "read" {
			go w.write(fmt.Sprintf(`{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":%d}}`+"\n", m.Body.MsgID))
			continue
		}
		wants(t, line, `"locked_ok"`)
		answered++
	}
	w.end()
}

// Each handler waits for the one after it.
func TestHandlersWaitForEachOther(t *testing.T) {
	virtually(t, func(t *testing.T) {
		const requests = 50
		gates := make([]chan struct{}, requests+1)
		for i := range gates {
			gates[i] = make(chan struct{})
		}
		close(gates[requests])
		var lines strings.Builder
		for i := range requests {
			fmt.Fprintf(&lines, `{"src":"c1","dest":"n1","body":{"type":"wait","msg_id":%d,"i":%d}}`+"\n", i+2, i)
		}
		out, err := serve(t, lines.String(), func(n *maelstrom.Node) {
			n.Handle("wait", func(m maelstrom.Message) error {
				var b struct{ I int }
				json.Unmarshal(m.Body, &b)
				<-gates[b.I+1]
				close(gates[b.I])
				return n.Reply(m, body("wait_ok"))
			})
		})
		if err != nil || strings.Count(out, "wait_ok") != requests {
			t.Errorf("%d were answered, %v", strings.Count(out, "wait_ok"), err)
		}
	})
}

func TestHandlersSleepAtOnce(t *testing.T) {
	virtually(t, func(t *testing.T) {
		start := time.Now()
		out, err := serve(t, strings.Repeat(ask(2, "sleep"), 100), func(n *maelstrom.Node) {
			n.Handle("sleep", func(m maelstrom.Message) error {
				time.Sleep(10 * time.Second)
				return n.Reply(m, body("sleep_ok"))
			})
		})
		if err != nil || strings.Count(out, "sleep_ok") != 100 {
			t.Errorf("%d were answered, %v", strings.Count(out, "sleep_ok"), err)
		}
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// What a handler has sent leaves the node though the handler goes on.
func TestSendLeavesBeforeTheHandlerReturns(t *testing.T) {
	virtually(t, func(t *testing.T) {
		gate := make(chan struct{})
		w := live(t, func(n *maelstrom.Node) {
			n.Handle("t", func(m maelstrom.Message) error {
				n.Send("n2", body("gossip"))
				<-gate
				return n.Reply(m, body("t_ok"))
			})
		})
		w.write(ask(2, "t"))
		wants(t, w.line(), `"gossip"`)
		close(gate)
		wants(t, w.line(), `"t_ok"`)
		w.end()
	})
}
