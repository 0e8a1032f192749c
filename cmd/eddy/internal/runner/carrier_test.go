package runner

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
)

// A fakeCarrier delivers messages at once, except those that lose selects.
type fakeCarrier struct {
	lose   func(*sim.Record) bool
	change func([]byte) []byte

	ready    chan struct{}
	arrivals []trial.Arrival
	joined   []string
	started  []string // by NewIncarnation
	faults   []string
	checks   int
	err      error
	closed   bool
}

func newFakeCarrier() *fakeCarrier {
	return &fakeCarrier{
		lose: func(*sim.Record) bool { return false }, change: bytes.Clone,
		ready: make(chan struct{}, 1),
	}
}

func (f *fakeCarrier) Open(_ context.Context, nodes, others []string) error {
	f.joined = slices.Concat(nodes, others)
	return nil
}
func (f *fakeCarrier) Join(client, _ string)      { f.joined = append(f.joined, client) }
func (f *fakeCarrier) NewIncarnation(node string) { f.started = append(f.started, node) }
func (f *fakeCarrier) Carry(r *sim.Record) {
	if f.lose(r) {
		return
	}
	f.arrivals = append(f.arrivals, trial.Arrival{Record: r.Index, Body: f.change(r.Body)})
	select {
	case f.ready <- struct{}{}:
	default:
	}
}
func (f *fakeCarrier) Serve(string, []byte)   {}
func (f *fakeCarrier) Ready() <-chan struct{} { return f.ready }
func (f *fakeCarrier) Arrivals() []trial.Arrival {
	all := f.arrivals
	f.arrivals = nil
	return all
}
func (f *fakeCarrier) Servers() []string                   { return []string{"s1", "s2", "s3"} }
func (f *fakeCarrier) ConnectedTo(names []string) []string { return []string{"at " + names[0]} }
func (f *fakeCarrier) Begin(fault *sim.Fault)              { f.faults = append(f.faults, "begin "+fault.String()) }
func (f *fakeCarrier) End(fault *sim.Fault)                { f.faults = append(f.faults, "end "+fault.String()) }
func (f *fakeCarrier) CheckServers()                       { f.checks++ }
func (f *fakeCarrier) ServersChecked() bool                { return true }
func (f *fakeCarrier) Err() error                          { return f.err }
func (f *fakeCarrier) Close()                              { f.closed = true }

func runOver(t *testing.T, f *fakeCarrier, cfg *Config) *trial.Result {
	t.Helper()
	cfg.Carrier = f
	res, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !f.closed {
		t.Error("not closed")
	}
	return res
}

// Every receiver is connected before a message is sent to it, every incarnation is
// announced, and all messages are carried.
func TestRunOverCarrier(t *testing.T) {
	t.Parallel()
	f, cfg := newFakeCarrier(), config(t)
	cfg.Nemeses, cfg.Interval, cfg.TimeLimit = []string{"kill"}, 50*time.Millisecond, 500*time.Millisecond
	carried := 0
	f.lose = func(r *sim.Record) bool {
		carried++
		if !slices.Contains(f.joined, r.Dest) {
			t.Errorf("a message was sent to %s, which is not connected", r.Dest)
		}
		return false
	}
	res := runOver(t, f, cfg)
	if verdict, problems := res.Judge(&cfg.Config); verdict != checker.Pass {
		t.Errorf("%v %v", verdict, problems)
	}
	incarnations := 0
	for _, e := range res.Journal.Events() {
		if e.What == "started" {
			incarnations++
		}
	}
	if len(f.started) < incarnations || incarnations <= len(cfg.Nodes) || carried < res.History.Len() || !slices.Contains(f.joined, "lin-kv") {
		t.Errorf("%d incarnations, %q announced, %d carried, joined %q", incarnations, f.started, carried, f.joined)
	}
}

// The carrier injects faults of servers. The journal has the nodes that were
// connected to them, and when all servers had recovered. Messages that the carrier
// does not deliver are lost.
func TestRunServerFaults(t *testing.T) {
	t.Parallel()
	f, cfg := newFakeCarrier(), config(t)
	cfg.Nemeses, cfg.Interval, cfg.TimeLimit = []string{"kill-server", "partition-servers"}, 100*time.Millisecond, time.Second
	on := false
	f.lose = func(*sim.Record) bool {
		on = len(f.faults) > 0 && strings.HasPrefix(f.faults[len(f.faults)-1], "begin")
		return on
	}
	res := runOver(t, f, cfg)
	if verdict, problems := res.Judge(&cfg.Config); verdict == checker.Fail {
		t.Errorf("%v %v", verdict, problems)
	}
	ongoing, lost := 0, 0
	for _, e := range res.Journal.Events() {
		switch {
		case e.Begun != nil:
			ongoing++
			if !slices.Equal(e.Begun.Nodes, []string{"at " + e.Begun.Servers[0]}) {
				t.Errorf("%+v", e.Begun)
			}
		case e.What == "servers-recovered":
			ongoing = 0
		}
	}
	for m := range res.Journal.All() {
		if m.Fate == sim.LostByCarrier {
			lost++
		}
	}
	if len(f.faults) < 4 || ongoing != 0 || lost == 0 {
		t.Errorf("%q, %d ongoing, %d lost", f.faults, ongoing, lost)
	}
	if !slices.ContainsFunc(res.Notes, func(note string) bool { return strings.Contains(note, "over NATS") }) ||
		slices.ContainsFunc(res.Notes, func(note string) bool { return strings.Contains(note, "although there was no fault") }) {
		t.Errorf("%q", res.Notes)
	}
}

// A final request is repeated if the carrier loses it or its reply. If the carrier
// loses every one, the verdict is unknown.
func TestRunFinalPhaseOverCarrier(t *testing.T) {
	for _, test := range []struct {
		name    string
		times   int
		replies bool
		want    checker.Verdict
	}{
		{"a request", 1, false, checker.Pass},
		{"a reply", 1, true, checker.Pass},
		{"every request", 1000, false, checker.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, cfg := newFakeCarrier(), config(t)
			inFinal, times := false, 0
			f.lose = func(r *sim.Record) bool {
				// The second check follows all other operations.
				inFinal = f.checks >= 2
				if inFinal && (r.Src == "n2" && test.replies || r.Dest == "n2" && !test.replies) && times < test.times {
					times++
					return true
				}
				return false
			}
			res := runOver(t, f, cfg)
			verdict, problems := res.Judge(&cfg.Config)
			if verdict != test.want || times == 0 {
				t.Errorf("%v %v, %d lost", verdict, problems, times)
			}
			if test.want == checker.Unknown && !strings.Contains(res.Stopped, "a final request to n2") {
				t.Errorf("stopped: %q", res.Stopped)
			}
			if !slices.ContainsFunc(res.Notes, func(note string) bool { return strings.Contains(note, "although there was no fault") }) {
				t.Errorf("%q", res.Notes)
			}
		})
	}
}

// A message that the carrier changes ends the test with an error.
func TestRunChangedByCarrier(t *testing.T) {
	t.Parallel()
	f, cfg := newFakeCarrier(), config(t)
	f.change = func(body []byte) []byte { return bytes.Replace(body, []byte("echo 3"), []byte("echo 4"), 1) }
	cfg.Carrier = f
	if _, err := Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "echo 4") {
		t.Error(err)
	}
}

// A failure of the carrier ends the test early, without violations.
func TestRunCarrierFails(t *testing.T) {
	t.Parallel()
	f, cfg := newFakeCarrier(), config(t)
	cfg.TimeLimit = time.Hour
	cfg.OnProgress = func(p trial.Progress) {
		if p.OK > 3 {
			f.err = errors.New("the NATS server s2 ended by itself")
		}
	}
	res := runOver(t, f, cfg)
	verdict, problems := res.Judge(&cfg.Config)
	if verdict != checker.Unknown || res.Stopped != "the NATS server s2 ended by itself" || len(res.Violations) > 0 {
		t.Errorf("%v %v, %q", verdict, problems, res.Stopped)
	}
	if !slices.ContainsFunc(slices.Collect(res.History.All()), func(op *history.Op) bool { return op.Outcome == history.OK }) {
		t.Error("no operation ended ok")
	}
}
