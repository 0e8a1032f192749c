package trial_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/trialtest"
	"github.com/eddyrpc/eddy/internal/workload"
)

const ms = time.Millisecond

// echo returns a program that replies after some time, and tells the other nodes of
// each request.
func echo(wait time.Duration) trialtest.Program {
	return func(h *trialtest.Host) func(*message.Message) {
		return func(m *message.Message) {
			if m.Type != "echo" {
				return
			}
			for _, name := range h.Nodes {
				if name != h.Name {
					h.Send(name, `{"type":"heard","what":%s}`, message.Member(m.Body, "echo"))
				}
			}
			h.After(wait, func() { h.Reply(m, `{"type":"echo_ok","echo":%s}`, message.Member(m.Body, "echo")) })
		}
	}
}

func config(t *testing.T) *trial.Config {
	spec, err := workload.Find("echo")
	if err != nil {
		t.Fatal(err)
	}
	return &trial.Config{
		Spec: spec, Nodes: []string{"n1", "n2"}, TimeLimit: 2 * time.Second, Rate: 100, Concurrency: 4, Quiesce: -1,
		Network: sim.Config{Seed: 5, Loss: 0.1, Duplicate: 0.1}, Nemeses: []string{"flaky", "kill"}, Interval: 300 * ms,
	}
}

func run(t *testing.T, cfg *trial.Config, wait time.Duration) *trial.Result {
	res, err := trialtest.Run(cfg, echo(wait))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// fates counts the messages between nodes by what became of them.
func fates(res *trial.Result) map[string]int {
	count := map[string]int{}
	for m := range res.Journal.All() {
		if sim.IsClient(m.Src) || sim.IsClient(m.Dest) {
			continue
		}
		if count[m.Fate.String()]++; m.IsDuplicate() {
			count["duplicate"]++
		}
	}
	return count
}

// Only the fates of the case happen, and those of a flaky link only while it is flaky.
func TestCaseFates(t *testing.T) {
	cfg := config(t)
	res := run(t, cfg, 0)
	all := res.Case()
	counts := map[string]int{}
	for _, f := range all.Fates {
		name, _, _ := strings.Cut(f.String(), " ")
		counts[name]++
	}
	was := fates(res)
	if counts["lost"]+counts["duplicate-lost"] != was["lost"] || counts["lost-by-fault"] != was["lost-by-fault"] || counts["duplicated"]+counts["duplicated-by-fault"] != was["duplicate"] {
		t.Errorf("recorded %v, in the journal %v", counts, was)
	}
	for _, name := range []string{"lost", "lost-by-fault", "duplicated", "duplicated-by-fault"} {
		if counts[name] == 0 {
			t.Errorf("the test tests little: no message is %s", name)
		}
	}

	none := *all
	none.Fates = nil
	if got := fates(run(t, none.Apply(cfg), 0)); got["lost"]+got["lost-by-fault"]+got["duplicate"] > 0 {
		t.Errorf("without fates: %v", got)
	}
	one := *all
	one.Fates = slices.DeleteFunc(slices.Clone(all.Fates), func(c sim.Chance) bool { return !strings.HasPrefix(c.String(), "lost ") })[:1]
	if got := fates(run(t, one.Apply(cfg), 0)); got["lost"] != 1 || got["lost-by-fault"]+got["duplicate"] > 0 {
		t.Errorf("with one loss: %v", got)
	}
	calm := *all
	calm.Faults = nil
	got := run(t, calm.Apply(cfg), 0)
	if was := fates(got); was["lost-by-fault"] > 0 || was["lost"] < counts["lost"] {
		t.Errorf("without faults: %v, and the chances %v", was, counts)
	}
	if got.Case().Faults != nil || slices.ContainsFunc(got.Case().Fates, func(c sim.Chance) bool { return strings.HasSuffix(c.String(), "by-fault") }) {
		t.Errorf("the case of a replay without faults: %+v", got.Case())
	}
}

// What a request asks and how long its messages take does not depend on the others.
func TestCaseWithoutARequest(t *testing.T) {
	cfg := config(t)
	cfg.Network.Latency = sim.Uniform(ms, 50*ms)
	res := run(t, cfg, 0)
	// sent returns what was sent between nodes, and how long it took.
	sent := func(res *trial.Result) map[string]bool {
		all := map[string]bool{}
		for m := range res.Journal.All() {
			if m.Type == "heard" && m.Fate != sim.Killed && m.Fate != sim.Down {
				all[fmt.Sprint(m.Sent, m.Done, m.Fate, m.Src, m.Dest, string(m.Body))] = true
			}
		}
		return all
	}
	less := *res.Case()
	less.Asks = slices.Delete(slices.Clone(less.Asks), 3, 4)
	before, after := sent(res), sent(run(t, less.Apply(cfg), 0))
	gone := 0
	for m := range before {
		if !after[m] {
			gone++
		}
	}
	if gone > 2 || len(after) < len(before)-2 || len(after) == len(before) {
		t.Errorf("%d messages of %d are gone, %d are left", gone, len(before), len(after))
	}
}

// A request waits for its client and for its node.
func TestCaseWaits(t *testing.T) {
	cfg := config(t)
	c := &trial.Case{Version: trial.CaseVersion, Nodes: cfg.Nodes, TimeLimit: time.Second,
		Asks: []trial.Ask{
			{At: 100 * ms, Client: 0, Node: "n1", Turn: 1},
			{At: 120 * ms, Client: 0, Node: "n2", Turn: 2}, // the client waits until 150 ms
			{At: 130 * ms, Client: 1, Node: "n1", Turn: 3},
			{At: 300 * ms, Client: 1, Node: "n2", Turn: 4}, // the node is down until 500 ms
			{At: 310 * ms, Client: 1, Node: "n1", Turn: 5}, // after the one before
			{At: 320 * ms, Client: 2, Node: "n1", Turn: 6},
			{At: 1200 * ms, Client: 2, Node: "n1", Turn: 7}, // too late
		},
		Faults: []sim.Planned{{Fault: sim.Fault{Kind: sim.Kill, Nodes: []string{"n2"}}, Begin: 250 * ms, End: 500 * ms}},
	}
	want := "[{100ms 0 n1 1} {130ms 1 n1 3} {150ms 0 n2 2} {320ms 2 n1 6} {500ms 1 n2 4} {550ms 1 n1 5}]"
	if got := fmt.Sprint(run(t, c.Apply(cfg), 50*ms).Case().Asks); got != want {
		t.Errorf("sent  %s\nwant  %s", got, want)
	}
}

// The JSON of a case is the one that its doc comment shows.
func TestCaseJSON(t *testing.T) {
	const text = `{"version":1,"workload":"lin-kv","nodes":["n1","n2"],"time_limit_ns":10000000000,` +
		`"faults":[{"kind":"kill","nodes":["n1"],"begin_ns":1200000000,"end_ns":2500000000}],` +
		`"fates":["lost 1f0a9c3e55d20b47"],` +
		`"asks":[{"at_ns":1000000,"client":0,"node":"n1","turn":1}]}`
	var c trial.Case
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if c.TimeLimit != 10*time.Second || c.Faults[0].End != 2500*ms || c.Faults[0].Kind != sim.Kill || c.Asks[0].At != ms || c.Fates[0].String() != "lost 1f0a9c3e55d20b47" {
		t.Errorf("%+v", c)
	}
	if got, err := json.Marshal(&c); err != nil || string(got) != text {
		t.Errorf("%v\n%s\nwant\n%s", err, got, text)
	}
	if err := json.Unmarshal([]byte(`{"fates":["found 1f"]}`), &c); err == nil || !strings.Contains(err.Error(), `"found 1f"`) {
		t.Errorf("an unknown fate: %v", err)
	}
}

// A case that does not fit the test is refused.
func TestCaseIsRefused(t *testing.T) {
	cfg := config(t)
	fits := trial.Case{Version: trial.CaseVersion, Nodes: cfg.Nodes, TimeLimit: time.Second}
	for _, test := range []struct {
		want   string
		change func(*trial.Case)
	}{
		{"", func(*trial.Case) {}},
		{"version 9", func(c *trial.Case) { c.Version = 9 }},
		{"the case is of workload lin-kv, and not of echo", func(c *trial.Case) { c.Workload = "lin-kv" }},
		{"client 4", func(c *trial.Case) { c.Asks = []trial.Ask{{Node: "n1", Client: 4}} }},
		{"to n3", func(c *trial.Case) { c.Asks = []trial.Ask{{Node: "n3"}} }},
		{"of n3", func(c *trial.Case) {
			c.Faults = []sim.Planned{{Fault: sim.Fault{Kind: sim.Kill, Nodes: []string{"n1", "n3"}}}}
		}},
		{"needs NATS servers", func(c *trial.Case) {
			c.Faults = []sim.Planned{{Fault: sim.Fault{Kind: sim.KillServer, Servers: []string{"s1"}}}}
		}},
	} {
		c := fits
		test.change(&c)
		_, err := trialtest.Run(c.Apply(cfg), echo(0))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	other := *fits.Apply(cfg)
	other.Nodes = []string{"n1"}
	if _, err := trialtest.Run(&other, echo(0)); err == nil {
		t.Error("a test with other nodes is not refused")
	}
}

// refuse is a program that refuses all operations, sooner or later, and sends messages to
// other nodes and services.
func refuse(h *trialtest.Host) func(*message.Message) {
	served := 0
	return func(m *message.Message) {
		if m.ID == message.None || m.IsReply() {
			return
		}
		if m.Type == "topology" {
			h.Reply(m, `{"type":"topology_ok"}`)
			return
		}
		served++
		h.Send(h.Nodes[served%len(h.Nodes)], `{"type":"heard","what":%q}`, m.Type)
		h.Send("lin-kv", `{"type":"read","key":1,"msg_id":%d}`, 1000*int64(h.Incarnation)+int64(served))
		h.After(time.Duration(1+served*7%60)*ms, func() { h.Reply(m, `{"type":"error","code":%d}`, 11+served%3) })
	}
}

// A replay is the same with all workloads, faults and ways to let clients ask.
func TestReplayOfAllWorkloads(t *testing.T) {
	journal := func(res *trial.Result) string {
		var text strings.Builder
		if _, err := res.Journal.WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		for op := range res.History.All() {
			fmt.Fprintln(&text, op, string(op.Value), op.Error, op.GaveUp)
		}
		return text.String()
	}
	for i, spec := range workload.Specs {
		cfg := config(t)
		cfg.Spec, cfg.Nodes, cfg.ClientTimeout, cfg.FinalClientTimeout, cfg.FinalTimeout = spec, []string{"n1", "n2", "n3"}, 300*ms, 300*ms, 300*ms
		cfg.Txn = workload.TxnConfig{KeyCount: 3, MaxLength: 4, MaxWritesPerKey: 5}
		cfg.CallTimeout, cfg.CallAttempts = 100*ms, 3
		cfg.Network.ClientLoss, cfg.Network.Latency, cfg.Network.ClientLatency = 0.05, sim.Exponential(10*ms), sim.Uniform(0, 20*ms)
		cfg.Nemeses = []string{"partition", "partition-clients", "pause", "kill", "kill-wipe", "slow", "flaky", "clog"}
		if i%2 == 1 {
			cfg.Rate = trial.MaxRate
		}
		first, err := trialtest.Run(cfg, refuse)
		if err != nil {
			t.Fatal(err)
		}
		again, err := trialtest.Run(first.Case().Apply(cfg), refuse)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := journal(first), journal(again); a != b {
			t.Errorf("%s: the replay differs: %s", spec.Name, cmp.Diff(a, b))
		}
		if c := first.Case(); len(c.Asks) < 20 || len(c.Fates) < 20 || len(c.Faults) < 5 {
			t.Errorf("%s: the test tests little: %d requests, %d fates, %d faults", spec.Name, len(c.Asks), len(c.Fates), len(c.Faults))
		}
	}
}
