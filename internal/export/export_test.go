package export

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/golden"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
)

// stored returns the test in testdata/run: two relays with loss, duplication and kills.
func stored(t *testing.T) *Test {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.Open(filepath.Join("testdata", "run", name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	j, err := sim.ReadJournal(open("journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	ops, err := history.Read(open("history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return &Test{Name: "relay/run", Started: time.Date(2026, 12, 1, 2, 0, 0, 0, time.UTC), Timeout: 500 * time.Millisecond, Journal: j, History: history.Of(ops...)}
}

// written returns what one of the functions of this package writes.
func written(t *testing.T, write func(io.Writer, *Test) error, test *Test) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, test); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *Test) error{"otlp.json": OTLP, "chrome.json": Chrome, "shiviz.log": ShiViz} {
		t.Run(name, func(t *testing.T) {
			golden.File(t, filepath.Join("testdata", name), string(written(t, write, stored(t)))+"\n")
		})
	}
}

// A file that cannot be written is an error.
func TestErrorsOfWrites(t *testing.T) {
	for i, write := range []func(io.Writer, *Test) error{OTLP, Chrome, ShiViz} {
		if err := write(brokenWriter{}, stored(t)); err == nil {
			t.Errorf("function %d returns no error", i)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

// handmade returns a test of which the lines of a journal are given, and their operations.
func handmade(t *testing.T, journal string, ops ...history.Op) *Test {
	t.Helper()
	j, err := sim.ReadJournal(strings.NewReader(journal))
	if err != nil {
		t.Fatal(err)
	}
	return &Test{Name: "test", Timeout: 500 * time.Millisecond, Journal: j, History: history.Of(ops...)}
}

// A client asks n1, which calls n2. The reply to the first attempt is late, and settles the
// call after the second attempt was sent. n1 also sends a one-way message, which is lost. A
// second client asks n2, which is killed. The client gives up.
const handmadeJournal = `
{"message":0,"src":"c1","dest":"n1","sent_ns":1000000,"step":1,"fate":"delivered","done_ns":2000000,"done_step":2,"body":{"type":"ask","msg_id":0}}
{"message":1,"src":"n1","dest":"n2","sent_ns":3000000,"step":3,"fate":"delivered","done_ns":4000000,"done_step":4,"body":{"type":"get","msg_id":0}}
{"message":2,"src":"n1","dest":"n3","sent_ns":5000000,"step":5,"fate":"lost","done_ns":5000000,"done_step":6,"body":{"type":"tell"}}
{"message":3,"src":"n1","dest":"n2","sent_ns":503000000,"step":7,"fate":"lost","done_ns":503000000,"done_step":8,"body":{"type":"get","msg_id":1}}
{"message":4,"src":"n2","dest":"n1","sent_ns":504000000,"step":9,"fate":"delivered","done_ns":600000000,"done_step":10,"body":{"type":"get_ok","in_reply_to":0,"msg_id":0}}
{"message":5,"src":"n1","dest":"c1","sent_ns":601000000,"step":11,"fate":"delivered","done_ns":602000000,"done_step":12,"body":{"type":"error","code":20,"text":"no key","in_reply_to":0,"msg_id":2}}
{"message":6,"src":"c2","dest":"n2","sent_ns":610000000,"step":13,"fate":"delivered","done_ns":611000000,"done_step":14,"body":{"type":"ask","msg_id":0}}
{"at_ns":620000000,"step":15,"event":"begin","fault":1,"begun":{"kind":"kill","nodes":["n2"]}}
{"at_ns":620000000,"step":16,"event":"killed","node":"n2"}
{"at_ns":900000000,"step":17,"event":"end","fault":1}
`

func TestSpans(t *testing.T) {
	const ms = time.Millisecond
	test := handmade(t, handmadeJournal,
		history.Op{Client: "c1", Node: "n1", Outcome: history.Fail, F: "ask", Error: "error 20 no key", Code: 20, From: ms, To: 602 * ms},
		history.Op{Client: "c2", Node: "n2", Outcome: history.Indefinite, F: "ask", Error: "timeout", From: 610 * ms, To: 800 * ms})
	var b strings.Builder
	trace := newTrace(test)
	for i := range trace.spans {
		s := &trace.spans[i]
		fmt.Fprintf(&b, "%d < %d, root %d: %s %s at %s", i, s.parent, s.root, categories[s.kind], s.name, s.node)
		if s.dest != "" {
			fmt.Fprintf(&b, " to %s", s.dest)
		}
		fmt.Fprintf(&b, " %v to %v", s.start, s.end)
		if s.number > 0 {
			fmt.Fprintf(&b, ", number %d", s.number)
		}
		if s.failed != "" || s.code != "" {
			fmt.Fprintf(&b, ", failed: %s %s", s.failed, s.code)
		}
		for _, e := range s.events {
			fmt.Fprintf(&b, "; %s at %v", e.name, e.at)
		}
		b.WriteByte('\n')
	}
	golden.File(t, "testdata/spans.txt", b.String())
}
