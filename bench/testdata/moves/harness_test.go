package moves

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

const hello = `{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"

func ask(id int, typ string) string {
	return fmt.Sprintf(`{"src":"c1","dest":"n1","body":{"type":%q,"msg_id":%d}}`+"\n", typ, id)
}

// A harness is a node, the writing end of its input and the lines of its output.
type harness struct {
	*maelstrom.Node
	in    *io.PipeWriter
	out   *bufio.Reader
	lock  sync.Mutex // of out
	ended chan error
}

// live runs a node on pipes, as the tests of such programs do, and sends it init.
func live(t *testing.T, handlers func(n *maelstrom.Node)) *harness {
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	w := &harness{Node: maelstrom.NewNode(), in: stdin, out: bufio.NewReader(stdout), ended: make(chan error, 1)}
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

func (w *harness) write(lines string) { io.WriteString(w.in, lines) }

func (w *harness) line() string {
	w.lock.Lock()
	defer w.lock.Unlock()
	line, _ := w.out.ReadString('\n')
	return line
}

// end ends the input and drops what is written until Run returns.
func (w *harness) end() error {
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
