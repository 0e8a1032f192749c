package main

import (
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/trial"
)

// --log-net-send shows a message on one line of printable characters, whatever the node
// wrote, its names included.
func TestTraceIsPrintable(t *testing.T) {
	var out strings.Builder
	var cfg runner.Config
	(&testCommand{LogNetSend: true}).trace(&cfg, &out)
	cfg.Trace(trial.Traffic{Message: &message.Message{
		Src: "n1\x1b[31m\n", Dest: "c1\u202e", Body: []byte(`{"type":"x` + "\u009b" + `"}`),
	}})
	if want := "   0.000s send n1\\x1b[31m\\n > c1\\u202e {\"type\":\"x\\u009b\"}\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
