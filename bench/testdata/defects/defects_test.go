package defects

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

const hello = `{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}` + "\n"

// run gives lines to a node with these handlers and returns what it writes. Time is
// virtual, so a node that hangs fails at once.
func run(t *testing.T, lines string, handlers map[string]func(*maelstrom.Node, maelstrom.Message) error) (out string) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		n := maelstrom.NewNode()
		n.Stdin, n.Stdout = input(hello+lines), &b
		for typ, h := range handlers {
			n.Handle(typ, func(m maelstrom.Message) error { return h(n, m) })
		}
		if err := n.Run(); err != nil {
			t.Errorf("Run: %v", err)
		}
		out = b.String()
	})
	return out
}

// pause between two lines makes the second one come a second later.
const pause = "PAUSE\n"

func input(lines string) io.Reader {
	var parts []io.Reader
	for i, part := range strings.Split(lines, pause) {
		if i > 0 {
			parts = append(parts, sleeper{})
		}
		parts = append(parts, strings.NewReader(part))
	}
	return io.MultiReader(parts...)
}

type sleeper struct{}

func (sleeper) Read([]byte) (int, error) {
	time.Sleep(time.Second)
	return 0, io.EOF
}

type handlers = map[string]func(*maelstrom.Node, maelstrom.Message) error

func request(id int, more string) string {
	return fmt.Sprintf(`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":%d%s}}`+"\n", id, more)
}

func echo(n *maelstrom.Node, m maelstrom.Message) error {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(m.Body, &body); err != nil {
		return err
	}
	body["type"] = json.RawMessage(`"t_ok"`)
	return n.Reply(m, body)
}

func wants(t *testing.T, out, part string) {
	t.Helper()
	if !strings.Contains(out, part) {
		t.Errorf("no %s in\n%.500s", part, out)
	}
}

func TestIntegersStayExact(t *testing.T) {
	wants(t, run(t, request(2, `,"v":9007199254740993`), handlers{"t": echo}), `"v":9007199254740993`)
}

func TestIntegersOfAServiceStayExact(t *testing.T) {
	reply := `{"src":"lin-kv","dest":"n1","body":{"type":"read_ok","value":9007199254740993,"in_reply_to":1}}` + "\n"
	run(t, request(2, "")+pause+reply, handlers{"t": func(n *maelstrom.Node, _ maelstrom.Message) error {
		if v, err := maelstrom.NewLinKV(n).Read(context.Background(), "k"); v != 9007199254740993 {
			t.Errorf("read %v, %v", v, err)
		}
		return nil
	}})
}

func TestLongLinesAreRead(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	wants(t, run(t, request(2, `,"v":"`+long+`"`), handlers{"t": echo}), long)
}

func TestCodeZeroIsSent(t *testing.T) {
	wants(t, run(t, request(2, ""), handlers{"t": func(*maelstrom.Node, maelstrom.Message) error {
		return maelstrom.NewRPCError(maelstrom.Timeout, "late")
	}}), `"code":0`)
}

func TestCodeZeroIsAnError(t *testing.T) {
	m := maelstrom.Message{Body: json.RawMessage(`{"type":"error","code":0,"text":"late"}`)}
	if m.RPCError() == nil {
		t.Error("an error of code 0 is none")
	}
}

func TestWrappedErrorsKeepTheirCode(t *testing.T) {
	wants(t, run(t, request(2, ""), handlers{"t": func(*maelstrom.Node, maelstrom.Message) error {
		return fmt.Errorf("while reading: %w", maelstrom.NewRPCError(maelstrom.Abort, "no"))
	}}), `"code":14`)
}

func TestPanicIsAnsweredWith13(t *testing.T) {
	wants(t, run(t, request(2, ""), handlers{"t": func(*maelstrom.Node, maelstrom.Message) error {
		panic("oh")
	}}), `"code":13`)
}

func TestCallbackPanicIsLogged(t *testing.T) {
	reply := `{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":1}}` + "\n"
	run(t, request(2, "")+pause+reply, handlers{"t": func(n *maelstrom.Node, _ maelstrom.Message) error {
		return n.RPC("n2", map[string]any{"type": "read"}, func(maelstrom.Message) error { panic("oh") })
	}})
}

func TestOneWayMessagesAreNotAnswered(t *testing.T) {
	out := run(t, `{"src":"n2","dest":"n1","body":{"type":"t"}}`+"\n", handlers{"t": func(*maelstrom.Node, maelstrom.Message) error {
		return fmt.Errorf("no")
	}})
	if strings.Contains(out, `"error"`) {
		t.Errorf("answered: %s", out)
	}
}

func TestReplyToAOneWayMessageIsNotSent(t *testing.T) {
	out := run(t, `{"src":"n2","dest":"n1","body":{"type":"t"}}`+"\n", handlers{"t": echo})
	if strings.Contains(out, `"t_ok"`) {
		t.Errorf("answered: %s", out)
	}
}

func TestInReplyToZeroIsAReply(t *testing.T) {
	run(t, `{"src":"n2","dest":"n1","body":{"type":"t","in_reply_to":0}}`+"\n", handlers{"t": func(*maelstrom.Node, maelstrom.Message) error {
		t.Error("a handler got a reply")
		return nil
	}})
}

func TestRunEndsThoughACallIsUnanswered(t *testing.T) {
	run(t, request(2, ""), handlers{"t": func(n *maelstrom.Node, _ maelstrom.Message) error {
		n.SyncRPC(context.Background(), "n2", map[string]any{"type": "read"})
		return nil
	}})
}

func TestRunEndsThoughAHandlerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, gate, ended := maelstrom.NewNode(), make(chan bool), make(chan error, 1)
		n.Stdin, n.Stdout = input(hello+request(2, "")), io.Discard
		n.Handle("t", func(maelstrom.Message) error {
			<-gate
			return nil
		})
		go func() { ended <- n.Run() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Hour):
			t.Error("Run hangs")
		}
		close(gate)
	})
}

func TestReplyToACancelledCallLeaksNothing(t *testing.T) {
	reply := `{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":1}}` + "\n"
	run(t, pause+request(2, "")+pause+reply, handlers{"t": func(n *maelstrom.Node, _ maelstrom.Message) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		n.SyncRPC(ctx, "n2", map[string]any{"type": "read"})
		return nil
	}})
}

func TestCancelledCallsLeakNothing(t *testing.T) {
	const calls = 5_000
	run(t, pause+request(2, ""), handlers{"t": func(n *maelstrom.Node, _ maelstrom.Message) error {
		n.Stdout.(*strings.Builder).Grow(200 * calls)
		call := func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			n.SyncRPC(ctx, "n2", map[string]any{"type": "read"})
			cancel()
		}
		call() // the first makes what serves all
		before := heap()
		for range calls {
			call()
		}
		if each := (heap() - before) / calls; each > 50 {
			t.Errorf("each call leaves %d bytes behind", each)
		}
		return nil
	}})
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestUnansweredCallLeaksNothing(t *testing.T) {
	run(t, pause+request(2, ""), handlers{"t": func(n *maelstrom.Node, _ maelstrom.Message) error {
		kept := new([1000]int)
		watched := weak.Make(kept)
		if err := n.RPC("n2", map[string]any{"type": "read"}, func(maelstrom.Message) error {
			kept[0]++
			return nil
		}); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		for wait := time.Second; wait < time.Hour && watched.Value() != nil; wait *= 2 {
			time.Sleep(wait)
			runtime.GC()
		}
		if watched.Value() != nil {
			t.Error("what the callback knows is kept for ever")
		}
		return nil
	}})
}

// This test is built with -race: a goroutine waits for the name of the node.
func TestNoRaceOfInitWithGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		n.Stdin, n.Stdout = input(pause+hello), io.Discard
		named := make(chan bool)
		go func() {
			for n.ID() == "" || len(n.NodeIDs()) == 0 {
				time.Sleep(300 * time.Millisecond)
			}
			close(named)
		}()
		if err := n.Run(); err != nil {
			t.Error(err)
		}
		<-named
	})
}
