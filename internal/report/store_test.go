package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
)

// journal returns a journal with some messages and a fault.
func journal(t *testing.T) *sim.Journal {
	n := sim.New(sim.Config{})
	for i := range 30 {
		m, err := message.New("c1", "n1", fmt.Appendf(nil, `{"type":"echo","msg_id":%d}`, i))
		if err != nil {
			t.Fatal(err)
		}
		n.Send(time.Duration(i), m)
	}
	n.Begin(30, sim.Fault{Kind: sim.Pause, Nodes: []string{"n1"}})
	return n.Journal()
}

// Write waits until Keep has written its files, and returns its errors.
func TestKeep(t *testing.T) {
	res := &trial.Result{
		History: history.Of(history.Op{F: "echo", Client: "c1"}, history.Op{F: "echo", Client: "c2"}),
		Journal: journal(t),
	}
	keep := func(spoil func(*Store)) (*Store, error) {
		s, err := NewStore(t.TempDir(), "echo", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		spoil(s)
		s.Keep(res)
		return s, s.Write(&Results{}, res)
	}
	s, err := keep(func(*Store) {})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"history.jsonl": 2, "journal.jsonl": res.Journal.Len() + len(res.Journal.Events())} {
		text, err := os.ReadFile(filepath.Join(s.Dir, name))
		if lines := strings.Count(string(text), "\n"); err != nil || lines != want {
			t.Errorf("%s has %d lines, want %d; %v", name, lines, want, err)
		}
	}
	for _, name := range []string{"history.jsonl", "journal.jsonl"} {
		if _, err := keep(func(s *Store) { os.Mkdir(s.path(name), 0o755) }); err == nil {
			t.Errorf("%s could not be written, but Write returned no error", name)
		}
	}
}
