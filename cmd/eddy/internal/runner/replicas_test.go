package runner

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// runReplica runs a node for g-set, g-counter or pn-counter, and does not return, if the
// arguments name one and its workload.
func runReplica() {
	if len(os.Args) < 3 {
		return
	}
	for _, replicas := range []map[string]func(bool){testnode.Replicas, testnode.BuggyReplicas} {
		if run := replicas[os.Args[1]]; run != nil {
			run(os.Args[2] == "g-set")
			os.Exit(0)
		}
	}
}

// testReplica runs a short test of a replica and returns the verdict and its reasons.
func testReplica(t *testing.T, name, load string, change func(*Config)) (verdict string, checks []string, text string) {
	cfg := config(t)
	spec, err := workload.Find(load)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Spec, cfg.Args = spec, []string{name, load}
	cfg.Rate, cfg.Concurrency, cfg.TimeLimit = 80, 6, time.Second
	cfg.CallTimeout, cfg.ClientTimeout = 100*time.Millisecond, 2*time.Second
	change(cfg)
	res, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	v, problems := res.Judge(&cfg.Config)
	for _, p := range problems {
		if !slices.Contains(checks, p.Check) {
			checks = append(checks, p.Check)
		}
		text += fmt.Sprintf("%s: %s\n", p.Check, p.Text)
	}
	return v.String(), checks, text + fmt.Sprintf("%v", res.Numbers)
}

// several runs subtests in parallel. They mostly wait.
func several(t *testing.T, count int, test func(t *testing.T, i int)) {
	slots := make(chan bool, 16)
	var running sync.WaitGroup
	for i := range count {
		slots <- true
		running.Go(func() {
			defer func() { <-slots }()
			t.Run(fmt.Sprint(i), func(t *testing.T) { test(t, i) })
		})
	}
	running.Wait()
}

var counters = []string{"g-counter", "pn-counter"}
var setAndCounters = []string{"g-set", "g-counter", "pn-counter"}

// A mix is a mix of faults.
type mix struct {
	name   string
	change func(*Config)
}

var (
	noFaults   = mix{"no faults", func(*Config) {}}
	delayed    = mix{"delayed", func(c *Config) { c.Network.Latency = sim.Constant(10 * time.Millisecond) }}
	lossyLinks = mix{"lossy", func(c *Config) {
		c.Network.Loss, c.Network.Duplicate, c.Network.Latency = 0.2, 0.2, sim.Exponential(10*time.Millisecond)
		c.Nemeses, c.Interval = []string{"partition", "slow", "flaky", "clog", "partition-clients"}, 200*time.Millisecond
	}}
	pausing = mix{"pausing", func(c *Config) {
		c.Nemeses, c.Interval = []string{"partition"}, 200*time.Millisecond
		if cluster.CanPause {
			c.Nemeses = append(c.Nemeses, "pause")
		}
	}}
	killing = mix{"killing", func(c *Config) {
		c.Network.Loss = 0.1
		c.Nemeses, c.Interval = []string{"kill", "partition"}, 200*time.Millisecond
	}}
	unanswered = mix{"unanswered", func(c *Config) { // the service serves requests, but half of its replies are lost
		half := 0.5
		c.Network.Links = map[sim.Link]sim.LinkConfig{}
		for _, node := range c.Nodes {
			c.Network.Links[sim.Link{From: "lin-kv", To: node}] = sim.LinkConfig{Loss: &half}
		}
		c.Concurrency = 30
	}}
	copying = mix{"copying", func(c *Config) { // clients' requests arrive twice
		twice := 0.3
		c.Network.Links = map[sim.Link]sim.LinkConfig{{From: sim.AnyClient, To: "n1"}: {Duplicate: &twice}}
		c.FinalTimeout = 2 * time.Second // the final reads of counters do not agree with the history
	}}
)

// Correct replicas pass whatever faults there are.
func TestReplicas(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	type run struct {
		name, load string
		mix        mix
		seed       uint64
	}
	var runs []run
	for seed := range longtest.Or[uint64](5, 2) {
		for _, load := range setAndCounters {
			for _, mix := range []mix{lossyLinks, pausing, copying} {
				runs = append(runs, run{"gossips", load, mix, seed})
			}
			runs = append(runs,
				run{"durable", load, killing, seed}, run{"durable", load, lossyLinks, seed},
				run{"reads-late", load, killing, seed},
				run{"refuses", load, noFaults, seed}, run{"refuses", load, lossyLinks, seed},
				run{"forwards", load, noFaults, seed}, run{"forwards", load, lossyLinks, seed},
				run{"service", load, killing, seed}, run{"service", load, lossyLinks, seed})
		}
	}
	several(t, len(runs), func(t *testing.T, i int) {
		r := runs[i]
		verdict, _, text := testReplica(t, r.name, r.load, func(c *Config) {
			c.FinalTimeout = 0 // as long as in other tests
			r.mix.change(c)
			c.Network.Seed = r.seed
		})
		if verdict != "pass" {
			t.Errorf("%s %s, %s, seed %d: %s\n%s", r.load, r.name, r.mix.name, r.seed, verdict, text)
		}
	})
}

// replicaBugs are the nodes with a bug. One of the checks must find it.
var replicaBugs = []struct {
	name   string
	loads  []string
	mix    mix
	checks string
}{
	{"tells-nobody", setAndCounters, noFaults, "lost wrong-final-value"},
	{"tells-late", setAndCounters, killing, "lost wrong-final-value"},
	{"loses-some", setAndCounters, noFaults, "lost wrong-final-value"},
	{"forgets", setAndCounters[:1], noFaults, "lost"},
	{"keeps-some", setAndCounters, noFaults, "lost diverged"},
	{"reads-writes", setAndCounters, delayed, "lost wrong-final-value"},
	{"swaps-again", counters, unanswered, "wrong-final-value"},
	{"counts-copies", counters, noFaults, "wrong-final-value"},
	{"invents", setAndCounters[:1], noFaults, "invented"},
	{"invents", counters, noFaults, "unexplained"},
	{"predicts", setAndCounters[:1], noFaults, "invented"},
	{"off-by-one", counters, noFaults, "wrong-final-value"},
	{"drops-negative", setAndCounters[2:], noFaults, "wrong-final-value"},
	{"refuses-falsely", setAndCounters, noFaults, "failed-but-present failed-but-counted"},
	{"returns-twice", setAndCounters[:1], noFaults, "duplicated"},
	{"adds-again", setAndCounters[:1], noFaults, "duplicated"},
	{"flaps", setAndCounters[:1], noFaults, "vanished"},
	{"flaps", setAndCounters[2:], noFaults, "wrong-final-value"},
	{"goes-back", setAndCounters[1:2], noFaults, "went-back"},
	{"returns-text", counters, noFaults, "wrong-body"},
	{"returns-texts", setAndCounters[:1], noFaults, "wrong-body"},
	{"returns-float", counters, noFaults, "wrong-body"},
	{"returns-null", setAndCounters, noFaults, "wrong-body"},
	{"returns-no-more", setAndCounters, noFaults, "no-final-reply"},
	{"no-value", setAndCounters, noFaults, "wrong-body"},
	{"wrong-field", setAndCounters, noFaults, "wrong-body"},
	{"extra-field", setAndCounters, noFaults, "wrong-body"},
	{"wrong-type", setAndCounters, noFaults, "wrong-body"},
	{"skips-one", setAndCounters, noFaults, "no-reply"},
	{"mostly-refuses", setAndCounters, noFaults, "too-many-errors"},
}

// Replicas with a bug fail, by a check that names it. Each workload has at least ten.
func TestReplicasWithBugs(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	type run struct{ bug, load int }
	var runs []run
	count := map[string]int{}
	for i, bug := range replicaBugs {
		for j, load := range bug.loads {
			runs = append(runs, run{i, j})
			count[load]++
		}
	}
	several(t, len(runs), func(t *testing.T, i int) {
		bug := replicaBugs[runs[i].bug]
		load := bug.loads[runs[i].load]
		var verdict, text string
		for seed := range uint64(3) { // chance may hide a bug
			var checks []string
			verdict, checks, text = testReplica(t, bug.name, load, func(c *Config) {
				c.FinalTimeout = time.Second
				bug.mix.change(c)
				c.Network.Seed = seed
			})
			if verdict == "fail" && slices.ContainsFunc(strings.Fields(bug.checks), func(check string) bool { return slices.Contains(checks, check) }) {
				t.Logf("%s %s: %s\n%s", load, bug.name, verdict, text)
				return
			}
		}
		t.Errorf("%s %s: %s, want fail by %s\n%s", load, bug.name, verdict, bug.checks, text)
	})
	for _, load := range setAndCounters {
		if count[load] < 10 {
			t.Errorf("%s: %d nodes with bugs", load, count[load])
		}
	}
}
