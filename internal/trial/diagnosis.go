package trial

import (
	"bytes"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
)

// unflushed explains a reply that comes only after the end of the input.
const unflushed = "it wrote its reply only when its input had ended: it does not flush its output"

// explain adds an explanation to what was found of a node, once.
func (t *Trial) explain(n *node, kind, why string) {
	if n.explained {
		return
	}
	n.explained = true
	for _, v := range t.violations.of[nodeKind{n.name, kind}] {
		v.Text += "; " + why
	}
}

// lastWords looks at a line of a node that did not reply to init in time, or in the final
// phase.
func (t *Trial) lastWords(n *node, m *message.Message) {
	switch {
	case !m.IsReply() || !t.ending:
	case n.state == mute && m.Dest == "c0":
		t.explain(n, "no-init", unflushed)
	case n.noReply && t.isClient(m.Dest) && t.endedAt-n.lastWrote > time.Second:
		t.explain(n, "no-final-reply", unflushed)
	}
}

// explainMute explains why a node did not reply to init, when its process has ended.
func (t *Trial) explainMute(n *node) {
	if n.lines == 0 {
		t.explain(n, "no-init", "it wrote nothing to stdout: does it have a handler for init?")
		return
	}
	t.explain(n, "no-init", "none of the lines that it wrote to stdout is one")
}

// notJSON explains a line that is not JSON. What begins like a message keeps the error of
// the parser.
func notJSON(n *node, line *Line, err error) string {
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(line.Text), []byte("{")), len(line.Text) == 0:
		return err.Error()
	case n.state == starting:
		return "not JSON, and before the reply to init; if a script that starts the program prints this line, it belongs on stderr"
	}
	return "not JSON; a line for people, such as a debug print, belongs on stderr"
}

// wrongInit says what is wrong with a reply to init.
func wrongInit(m *message.Message) string {
	if m.Type != "error" {
		return "replied to init with " + m.Type + " instead of init_ok"
	}
	code := string(message.Member(m.Body, "code"))
	if code == "10" {
		return "replied to init with error 10: it has no handler for init"
	}
	return fmt.Sprintf("replied to init with error %s", code)
}
