package sim

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// busy returns a network in which every kind of event has happened.
func busy(t testing.TB) *Network {
	n := New(Config{Seed: 1, Loss: 0.2, Duplicate: 0.3, Latency: Exponential(5 * ms)})
	n.Started("n1", 1, 0)
	cut := n.Begin(0, Fault{Kind: Partition, Shape: "one-way", Nodes: []string{"n1"}, Links: []Link{{"n1", "n2"}}})
	for i := range 50 {
		now := time.Duration(i) * ms
		n.Send(now, request(t, "n1", "n2", i, i))
		n.Send(now, request(t, "c1", "n1", i, i))
		n.Send(now, msg(t, `{"src":"n2","dest":"n1","body":{"type":"a \" \\ b","x":[1,{"in_reply_to":1},"\ud800"]}}`))
		drain(n, now)
		switch i {
		case 20:
			n.End(now, cut)
		case 30:
			n.Killed("n1", now)
		case 40:
			n.Started("n1", 2, now)
		}
	}
	n.Drop(time.Second, request(t, "n1", "n99", 1, 1), UnknownDest)
	return n
}

func TestJournalFile(t *testing.T) {
	j := busy(t).Journal()
	var file bytes.Buffer
	if n, err := j.WriteTo(&file); err != nil || int(n) != file.Len() {
		t.Fatalf("%d bytes of %d: %v", n, file.Len(), err)
	}
	text := bytes.Clone(file.Bytes())
	again, err := ReadJournal(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Collect(j.All()), slices.Collect(again.All())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(j.Events(), again.Events(), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	var twice bytes.Buffer
	if _, err := again.WriteTo(&twice); err != nil || !bytes.Equal(text, twice.Bytes()) {
		t.Errorf("written again, the file differs: %v", err)
	}
}

func TestJournalFileDamaged(t *testing.T) {
	good := `{"message":0,"src":"n1","dest":"n2","sent_ns":0,"step":1,"fate":"in-flight","body":{"type":"a"}}` + "\n"
	for name, text := range map[string]string{
		"no JSON":   "nonsense",
		"gap":       `{"message":3,"src":"n1","dest":"n2","sent_ns":0,"step":1,"fate":"lost","body":{"type":"a"}}`,
		"fate":      `{"message":0,"src":"n1","dest":"n2","sent_ns":0,"step":1,"fate":"gone","body":{"type":"a"}}`,
		"body":      `{"message":0,"src":"n1","dest":"n2","sent_ns":0,"step":1,"fate":"lost","body":[]}`,
		"duplicate": good + `{"message":1,"duplicate_of":1,"src":"n1","dest":"n2","sent_ns":0,"step":1,"fate":"lost","body":{"type":"a"}}`,
		"steps":     `{"message":0,"src":"n1","dest":"n2","sent_ns":0,"step":4000000000,"fate":"lost","body":{"type":"a"}}`,
	} {
		if _, err := ReadJournal(bytes.NewReader([]byte(text))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := ReadJournal(bytes.NewReader([]byte(good))); err != nil {
		t.Error(err)
	}
}

func TestFateOutOfRange(t *testing.T) {
	if got := Fate(200).String(); got != "Fate(200)" {
		t.Errorf("got %q", got)
	}
	if text, err := Fate(200).MarshalText(); err == nil {
		t.Errorf("became %s", text)
	}
	var f Fate
	if err := f.UnmarshalText([]byte("gone")); err == nil || !strings.Contains(err.Error(), "in-flight, delivered") {
		t.Error(err)
	}
}

// Every message is sent once and done once, and no step occurs twice.
func TestSteps(t *testing.T) {
	j := busy(t).Journal()
	sent, done, events := map[int]bool{}, map[int]bool{}, 0
	last := time.Duration(0)
	for step := range j.Steps() {
		at := step.Record.Sent
		switch {
		case step.Event != nil:
			events++
			at = step.Event.At
		case step.Sent:
			if sent[step.Record.Index] {
				t.Fatal("sent twice")
			}
			sent[step.Record.Index] = true
		default:
			at = step.Record.Done
			if done[step.Record.Index] {
				t.Fatal("done twice")
			}
			done[step.Record.Index] = true
		}
		if at < last {
			t.Fatalf("%v after %v", at, last)
		}
		last = at
	}
	for r := range j.All() {
		if sent[r.Index] == r.IsDuplicate() || done[r.Index] == (r.Fate == InFlight) {
			t.Errorf("%+v: sent %v, done %v", r, sent[r.Index], done[r.Index])
		}
	}
	if events != len(j.Events()) {
		t.Errorf("%d events of %d", events, len(j.Events()))
	}
}

// A million messages cost at most 200 MB, including the network's own memory. The
// test sends a tenth of that number.
func TestJournalMemory(t *testing.T) {
	const messages, limit = 100_000, 20 << 20
	n := New(Config{Latency: Constant(ms)})
	before := heapInUse()
	for i := range messages / 2 {
		now := time.Duration(i) * time.Microsecond
		node, other := fmt.Sprintf("n%d", i%5), fmt.Sprintf("n%d", i%3)
		n.Send(now, msg(t, `{"src":%q,"dest":%q,"body":{"type":"echo","echo":"Please echo %d","msg_id":%d}}`, node, other, i, i))
		drain(n, now+ms)
		n.Send(now, msg(t, `{"src":%q,"dest":%q,"body":{"type":"echo_ok","echo":"Please echo %d","msg_id":%d,"in_reply_to":%d}}`, other, node, i, i, i))
		drain(n, now+ms)
	}
	if used := heapInUse() - before; used > limit {
		t.Errorf("%d MB for %d messages", used>>20, n.Journal().Len())
	} else {
		t.Logf("%d MB", used>>20)
	}
}

func TestManyTypes(t *testing.T) {
	n := New(Config{})
	for i := range 2 * maxNames {
		m := msg(t, `{"src":"n1","dest":"n2","body":{"type":"t%d"}}`, i)
		if got := n.Journal().At(n.Send(0, m)).Type; got != m.Type {
			t.Fatalf("type %s, want %s", got, m.Type)
		}
	}
	if got := n.journal.names.Len(); got > maxNames+10 {
		t.Errorf("%d names", got)
	}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// One iteration is one line.
func BenchmarkWriteTo(b *testing.B) {
	const lines = 10_000
	n := New(Config{})
	for i := range lines {
		n.Send(0, request(b, "c17", "n2", i, i))
		drain(n, 0)
	}
	for done := 0; b.Loop(); done++ {
		if done%lines == 0 {
			if _, err := n.Journal().WriteTo(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	}
}
