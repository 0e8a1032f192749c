package shrink

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/trialtest"
	"github.com/eddyrpc/eddy/internal/workload"
)

// A bug is a program with a mistake, and the test that finds it.
type bug struct {
	name, workload string
	program        func(h *trialtest.Host, healthy bool) func(*message.Message)
	nodes          []string
	fixed          bool // the program works only with this number of nodes
	nemeses        []string
	loss           float64
	duplicate      float64
	check          string
	want           Size // without the time
}

var bugs = []bug{
	{
		name: "an acknowledged element is lost if the node is killed soon after", workload: "broadcast",
		program: func(h *trialtest.Host, healthy bool) func(*message.Message) {
			return (&set{Host: h, writesLate: !healthy}).begin()
		},
		nodes: []string{"n1", "n2", "n3"}, nemeses: []string{"kill", "partition", "pause"}, loss: 0.05, duplicate: 0.05,
		check: "lost", want: Size{Faults: 1, Fates: 0, Asks: 1, Nodes: 2},
	},
	{
		name: "an element is forgotten if a message is lost", workload: "broadcast",
		program: func(h *trialtest.Host, healthy bool) func(*message.Message) {
			return (&set{Host: h, sendsOnce: !healthy}).begin()
		},
		nodes: []string{"n1", "n2", "n3"}, nemeses: []string{"kill", "partition", "slow"}, loss: 0.05, duplicate: 0.05,
		check: "lost", want: Size{Faults: 0, Fates: 1, Asks: 1, Nodes: 2},
	},
	{
		name: "a flaky link makes it forget", workload: "broadcast",
		program: func(h *trialtest.Host, healthy bool) func(*message.Message) {
			return (&set{Host: h, sendsOnce: !healthy}).begin()
		},
		nodes: []string{"n1", "n2", "n3"}, nemeses: []string{"flaky", "pause"},
		check: "lost", want: Size{Faults: 1, Fates: 1, Asks: 1, Nodes: 2},
	},
	{
		name: "a duplicated reply gives the same ids again", workload: "unique-ids",
		program: func(h *trialtest.Host, healthy bool) func(*message.Message) {
			return (&issuer{Host: h, acceptsAgain: !healthy}).begin()
		},
		nodes: []string{"n1", "n2", "n3"}, nemeses: []string{"kill", "partition", "slow", "flaky"}, loss: 0.02, duplicate: 0.05,
		check: "duplicate-id", want: Size{Faults: 0, Fates: 1, Asks: 2, Nodes: 2},
	},
	{
		name: "a read is stale while two partitions overlap", workload: "lin-kv",
		program: func(h *trialtest.Host, healthy bool) func(*message.Message) {
			return (&store{Host: h, guesses: !healthy}).begin()
		},
		nodes: []string{"n1", "n2", "n3", "n4"}, fixed: true, nemeses: []string{"partition-halves", "partition-ring"},
		check: "not-linearizable", want: Size{Faults: 2, Fates: 0, Asks: 4, Nodes: 4},
	},
}

// config returns the test that finds a bug, with a seed.
func (b *bug) config(t testing.TB, seed uint64) *trial.Config {
	spec, err := workload.Find(b.workload)
	if err != nil {
		t.Fatal(err)
	}
	return &trial.Config{
		Spec: spec, Nodes: b.nodes, TimeLimit: 5 * time.Second, Rate: 50, Concurrency: 2 * len(b.nodes), Quiesce: -1,
		Network: sim.Config{Seed: seed, Latency: sim.Uniform(ms, 10*ms), Loss: b.loss, Duplicate: b.duplicate},
		Nemeses: b.nemeses, Interval: 1500 * ms, ClientTimeout: time.Second,
	}
}

func (b *bug) run(t testing.TB, cfg *trial.Config, healthy bool) *trial.Result {
	res, err := trialtest.Run(cfg, func(h *trialtest.Host) func(*message.Message) { return b.program(h, healthy) })
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// found reports whether the check of the bug has found something.
func (b *bug) found(res *trial.Result, cfg *trial.Config) bool {
	_, problems := res.Judge(cfg)
	return slices.ContainsFunc(problems, func(p checker.Problem) bool { return p.Check == b.check && !p.Unknown })
}

// seeds are how many tests a bug is searched in.
const seeds = 5

// find returns a test that finds the bug.
func (b *bug) find(t *testing.T) (*trial.Config, *trial.Result) {
	for seed := range uint64(seeds) {
		cfg := b.config(t, seed)
		if res := b.run(t, cfg, false); b.found(res, cfg) {
			return cfg, res
		}
	}
	t.Fatalf("%d tests do not find it", seeds)
	return nil, nil
}

// Each bug is found, and its case shrinks to what is needed.
func TestBugs(t *testing.T) {
	for i := range bugs {
		b := &bugs[i]
		t.Run(strings.ReplaceAll(b.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			cfg, found := b.find(t)
			fails := func(c *trial.Case) bool {
				cfg := c.Apply(cfg)
				return b.found(b.run(t, cfg, false), cfg)
			}
			o := Options{}
			if b.fixed {
				o.MinNodes = len(b.nodes)
			}
			whole := found.Case()
			res := Shrink(whole, fails, o)
			t.Logf("seed %d, %d runs: %v, from %v", cfg.Network.Seed, res.Runs, SizeOf(res.Case), SizeOf(whole))
			got := SizeOf(res.Case)
			got.TimeLimit = 0
			switch {
			case !res.Minimal || !fails(res.Case):
				t.Errorf("minimal: %v", res.Minimal)
			case 3*got.Asks > len(whole.Asks):
				t.Errorf("%d requests are left of %d", got.Asks, len(whole.Asks))
			case got != b.want:
				t.Errorf("shrunk to %v, want %v", got, b.want)
			}
			for _, less := range single(res.Case) {
				if len(less.Nodes) >= o.MinNodes && fails(less) {
					t.Errorf("%v fails, too", SizeOf(less))
				}
			}
			healthy := res.Case.Apply(cfg)
			if b.found(b.run(t, healthy, true), healthy) {
				t.Error("the program without the bug fails, too")
			}
		})
	}
}

// The programs without their bugs pass.
func TestHealthyPrograms(t *testing.T) {
	for i := range bugs {
		b := &bugs[i]
		t.Run(strings.ReplaceAll(b.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(seeds) {
				cfg := b.config(t, seed)
				if verdict, problems := b.run(t, cfg, true).Judge(cfg); verdict != checker.Pass {
					t.Errorf("seed %d: %v %+v", seed, verdict, problems[0])
				}
			}
		})
	}
}

// A replay of the case of a test gives the same history and the same journal, also if the
// case was stored in between.
func TestReplayIsTheSame(t *testing.T) {
	for i := range bugs {
		b := &bugs[i]
		cfg := b.config(t, 3)
		first := b.run(t, cfg, false)
		text, err := json.Marshal(first.Case())
		if err != nil {
			t.Fatal(err)
		}
		c := new(trial.Case)
		if err := json.Unmarshal(text, c); err != nil {
			t.Fatal(err)
		}
		again := b.run(t, c.Apply(cfg), false)
		if operations(first.History) != operations(again.History) {
			t.Errorf("%s: the histories differ: %s", b.name, cmp.Diff(operations(first.History), operations(again.History)))
		}
		if messages(t, first.Journal) != messages(t, again.Journal) {
			t.Errorf("%s: the journals differ: %s", b.name, cmp.Diff(messages(t, first.Journal), messages(t, again.Journal)))
		}
		if diff := cmp.Diff(first.Case(), again.Case(), cmp.Comparer(func(a, b sim.Chance) bool { return a == b })); diff != "" {
			t.Errorf("%s: the cases differ: %s", b.name, diff)
		}
		if len(c.Asks) == 0 || len(c.Faults) == 0 || first.History.Len() < 100 {
			t.Errorf("%s: nothing happened: %v", b.name, SizeOf(c))
		}
	}
}

func operations(h *history.History) string {
	var text strings.Builder
	for op := range h.All() {
		text.WriteString(op.String() + " " + string(op.Value) + " " + string(op.Result) + " " + op.Error + "\n")
	}
	return text.String()
}

func messages(t *testing.T, j *sim.Journal) string {
	var text bytes.Buffer
	if _, err := j.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
