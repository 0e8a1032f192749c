package defects

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

const hello = `{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}` + "\n"

// run gives lines to a node of these handlers and returns what it writes. It does
// so in virtual time, where a node that hangs fails at once.
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

// pause stands between lines where the second comes a second later.
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

func TestOneWayMessagesAreNotAnswered(t *testing.T) {
	out := run(t, `{"src":"n2","dest":"n1","body":{"type":"t"}}`+"\n", handlers{"t": func(*maelstrom.Node, maelstrom.Message) error {
		return fmt.Errorf("no")
	}})
	if strings.Contains(out, `"error"`) {
		t.Errorf("answered: %s", out)
	}
}

func TestInReplyToZeroIsAReply(t *testing.T) {
	run(t, `{"src":"n2","dest":"n1","body":{"type":"t","in_reply_to":0}}`+"\n", handlers{"t": func(*maelstrom.Node, maelstrom.Message) error {
		t.Error("a handler got a reply")
		return nil
	}})
}

func TestRepliesAreInOrder(t *testing.T) {
	var in strings.Builder
	for id := 2; id < 500; id++ {
		in.WriteString(request(id, ""))
	}
	last := 0
	for line := range strings.Lines(run(t, in.String(), handlers{"t": echo})) {
		var m struct {
			Body struct {
				InReplyTo int `json:"in_reply_to"`
			}
		}
		json.Unmarshal([]byte(line), &m)
		if m.Body.InReplyTo < last {
			t.Fatalf("%d was answered behind %d", m.Body.InReplyTo, last)
		}
		last = m.Body.InReplyTo
	}
}

func TestRunEndsThoughACallIsUnanswered(t *testing.T) {
	run(t, request(2, ""), handlers{"t": func(n *maelstrom.Node, _ maelstrom.Message) error {
		n.SyncRPC(context.Background(), "n2", map[string]any{"type": "read"})
		return nil
	}})
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
