package maelstrom_test

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/maelstrom"
)

type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// An endsLate is an input that ends when all calls have timed out.
type endsLate struct{}

func (endsLate) Read([]byte) (int, error) {
	time.Sleep(2 * time.Minute)
	return 0, io.EOF
}

// What a peer says is logged cut, and cannot control the terminal or make up a line of the log,
// wherever it comes to the log.
func TestLogOfWhatPeersSay(t *testing.T) {
	logged := &lockedBuffer{}
	defer log.SetOutput(log.Writer())
	log.SetOutput(logged)
	hostile := `\u001b[2J\u0007\u009b\u202e\nforged \"line\" ` + strings.Repeat("x", 100_000)
	requests := ""
	for _, typ := range []string{"fails", "panics", "calls"} {
		requests += `{"src":"c1","dest":"n1","body":{"type":"` + typ + `","msg_id":2,"text":"` + hostile + `"}}` + "\n"
	}
	requests += `{"src":"n2","dest":"n1","body":{"type":"ok","in_reply_to":1,"text":"` + hostile + `"}}` + "\n"
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		n.Strict = false
		n.Stdout = io.Discard
		n.Stdin = io.MultiReader(strings.NewReader(hello+requests), endsLate{})
		text := func(m maelstrom.Message) string {
			body := struct{ Text string }{}
			if err := json.Unmarshal(m.Body, &body); err != nil {
				t.Error(err)
			}
			return body.Text
		}
		n.Handle("fails", func(m maelstrom.Message) error { return errors.New(text(m)) })
		n.Handle("panics", func(m maelstrom.Message) error { panic(text(m)) })
		n.Handle("calls", func(m maelstrom.Message) error {
			return n.RPC(text(m), map[string]any{"type": "read"}, nil)
		})
		n.RPC("n2", map[string]any{"type": "read"}, func(m maelstrom.Message) error { return errors.New(text(m)) })
		if err := n.Run(); err != nil {
			t.Error(err)
		}
	})
	text := logged.text.String()
	for _, want := range []string{"handler of fails: ", "panic: ", "callback error: ", "no reply from "} {
		if !strings.Contains(text, want+`\x1b[2J`) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if strings.ContainsAny(text, "\x1b\a\u009b\u202e") || strings.Contains(text, "\nforged") {
		t.Errorf("the log has control characters: %q", text[:min(len(text), 1000)])
	}
	for line := range strings.Lines(text) {
		if len(line) > 2000 {
			t.Errorf("a line of the log has %d bytes", len(line))
		}
	}
}
