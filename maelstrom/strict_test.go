package maelstrom_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/eddyrpc/eddy/maelstrom"
)

const hello = `{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}` + "\n"

// A node that is not strict replies with an error to what it cannot handle, and goes on.
func TestNotStrict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		n := maelstrom.NewNode()
		n.Strict = false
		n.Stdout = &out
		n.Stdin = strings.NewReader(hello + "rubbish\n" +
			`{"src":"c1","dest":"n1","body":{"type":"what","msg_id":2}}` + "\n" +
			`{"src":"c1","dest":"n1","body":{"type":"ping","msg_id":3}}` + "\n")
		n.Handle("ping", func(m maelstrom.Message) error { return n.Reply(m, map[string]any{"type": "pong"}) })
		if err := n.Run(); err != nil {
			t.Error(err)
		}
		for _, want := range []string{
			`{"src":"n1","dest":"c1","body":{"in_reply_to":1,"type":"init_ok"}}`,
			`{"src":"n1","dest":"c1","body":{"code":10,"in_reply_to":2,"text":"no handler for type what","type":"error"}}`,
			`{"src":"n1","dest":"c1","body":{"in_reply_to":3,"type":"pong"}}`,
		} {
			if !strings.Contains(out.String(), want+"\n") {
				t.Errorf("%s is missing in\n%s", want, out.String())
			}
		}
	})
}

// A body that is null has no type, so it has no handler. It ends Run, as with the official
// library.
func TestStrictNull(t *testing.T) {
	n := maelstrom.NewNode()
	n.Stdout = io.Discard
	n.Stdin = strings.NewReader(hello + `{"src":"c1","dest":"n1","body":null}` + "\n")
	if err := n.Run(); err == nil || !strings.HasPrefix(err.Error(), "No handler for ") {
		t.Error(err)
	}
}

// The error of Run names the line that ended it, also if the same read had lines before and
// after it.
func TestStrictNamesTheLine(t *testing.T) {
	ping := `{"src":"c1","dest":"n1","body":{"type":"ping","msg_id":2}}` + "\n"
	for line, want := range map[string]string{
		`{"src":"c1","dest":"n1","body":{"type":"what","msg_id":3}}`: `No handler for {"src":"c1","dest":"n1","body":{"type":"what","msg_id":3}}`,
		`{"src":"c1","dest":"n1","body":null}`:                       `No handler for {"src":"c1","dest":"n1","body":null}`,
		"rubbish":                                                    "unmarshal message: invalid character 'r' looking for beginning of value",
	} {
		synctest.Test(t, func(t *testing.T) {
			n := maelstrom.NewNode()
			n.Stdout = io.Discard
			n.Stdin = strings.NewReader(hello + ping + ping + line + "\n" + ping + "rubbish of another kind\n")
			n.Handle("ping", func(maelstrom.Message) error { return nil })
			if err := n.Run(); err == nil || err.Error() != want {
				t.Errorf("Run: %v, want %s", err, want)
			}
		})
	}
}
