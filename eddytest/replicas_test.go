package eddytest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
)

var counters = []string{"g-counter", "pn-counter"}
var setAndCounters = []string{"g-set", "g-counter", "pn-counter"}

// A faultMix is a mix of faults.
type faultMix struct {
	name   string
	faults eddytest.Test
	change func(*trial.Config)
}

var (
	noFaults   = faultMix{name: "no faults"}
	delayed    = faultMix{name: "delayed", faults: eddytest.Test{Latency: "10ms"}}
	lossyLinks = faultMix{name: "lossy", faults: eddytest.Test{
		Loss: 0.2, Duplicate: 0.2, Latency: "exponential:10ms", Nemesis: "partition,slow,flaky,clog,partition-clients",
	}}
	pausing = faultMix{name: "pausing", faults: eddytest.Test{Nemesis: "partition,pause"}}
	killing = faultMix{name: "killing", faults: eddytest.Test{Loss: 0.1, Nemesis: "kill,partition"}}
	// The service serves requests, but half of its replies are lost.
	unanswered = faultMix{name: "unanswered", faults: eddytest.Test{Concurrency: 30}, change: func(c *trial.Config) {
		half := 0.5
		for _, node := range c.Nodes {
			c.Network.Links[sim.Link{From: "lin-kv", To: node}] = sim.LinkConfig{Loss: &half}
		}
	}}
	// Clients' requests arrive twice.
	copying = faultMix{name: "copying", change: func(c *trial.Config) {
		twice := 0.3
		c.Network.Links[sim.Link{From: sim.AnyClient, To: "n1"}] = sim.LinkConfig{Duplicate: &twice}
	}}
)

// replicaTest returns a test of a replica.
func replicaTest(name, load string, mix faultMix, seed uint64) bugTest {
	test := mix.faults
	test.Workload, test.Nodes, test.Rate, test.Time = load, 3, 80, 2*time.Second
	test.NemesisInterval, test.CallTimeout, test.ClientTimeout = 200*time.Millisecond, 100*time.Millisecond, 2*time.Second
	if test.Concurrency == 0 {
		test.Concurrency = 6
	}
	run := testnode.Replicas[name]
	if run == nil {
		run = testnode.BuggyReplicas[name]
	}
	return bugTest{
		name: fmt.Sprint(load, " ", name, ", ", mix.name, ", ", seed), args: []string{name, load}, test: test, seed: seed, change: mix.change,
		run: func(p *program.Process) { run(p, load == "g-set") },
	}
}

// Correct replicas pass whatever faults there are.
func TestReplicas(t *testing.T) {
	t.Parallel()
	type run struct {
		name, load string
		mix        faultMix
		seed       uint64
	}
	var runs []run
	for seed := range longtest.Or[uint64](20, 2) {
		for _, load := range setAndCounters {
			for _, mix := range []faultMix{lossyLinks, pausing, copying} {
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
	var tests []bugTest
	for _, r := range runs {
		tests = append(tests, replicaTest(r.name, r.load, r.mix, r.seed+1))
	}
	expect(t, tests)
}

// replicaBugs are the nodes with a bug. One of the checks must find it.
var replicaBugs = []struct {
	name, does string
	loads      []string
	mix        faultMix
	checks     string
}{
	{"tells-nobody", "does not send its adds to other nodes", setAndCounters, noFaults, "lost wrong-final-value"},
	{"tells-late", "sends its adds to other nodes every 2 s", setAndCounters, killing, "lost wrong-final-value"},
	{"loses-some", "acknowledges an add and does not store it, 1 of 5", setAndCounters, noFaults, "lost wrong-final-value"},
	{"forgets", "forgets its first add after 300 ms", setAndCounters[:1], noFaults, "lost"},
	{"keeps-some", "fails with error 13, 1 of 4, and has the add for itself", setAndCounters, noFaults, "lost diverged"},
	{"reads-writes", "keeps the value in lin-kv and writes it without compare-and-set", setAndCounters, delayed, "lost wrong-final-value"},
	{"swaps-again", "repeats a compare-and-set that timed out", counters, unanswered, "wrong-final-value"},
	{"counts-copies", "sends each add three times, and counts each copy", counters, noFaults, "wrong-final-value"},
	{"invents", "adds 1,000 with every fifth add", setAndCounters[:1], noFaults, "invented"},
	{"invents", "adds 1,000 with every fifth add", counters, noFaults, "unexplained"},
	{"predicts", "returns the element that comes next", setAndCounters[:1], noFaults, "invented"},
	{"off-by-one", "returns one more than the sum", counters, noFaults, "wrong-final-value"},
	{"drops-negative", "acknowledges negative adds and ignores them", setAndCounters[2:], noFaults, "wrong-final-value"},
	{"refuses-falsely", "fails with error 14, 1 of 4, and does the add", setAndCounters, noFaults, "failed-but-present failed-but-counted"},
	{"returns-twice", "returns an element three times", setAndCounters[:1], noFaults, "duplicated"},
	{"adds-again", "adds an element again that a client adds again", setAndCounters[:1], noFaults, "duplicated"},
	{"flaps", "lacks something in every second read of n1", setAndCounters[:1], noFaults, "vanished"},
	{"flaps", "lacks something in every second read of n1", setAndCounters[2:], noFaults, "wrong-final-value"},
	{"goes-back", "returns half of the sum in every fifth read", setAndCounters[1:2], noFaults, "went-back"},
	{"returns-text", "returns the sum as a text", counters, noFaults, "wrong-body"},
	{"returns-texts", "returns elements as texts", setAndCounters[:1], noFaults, "wrong-body"},
	{"returns-float", "returns the sum with a fraction", counters, noFaults, "wrong-body"},
	{"returns-null", "returns null", setAndCounters, noFaults, "wrong-body"},
	{"returns-no-more", "does not reply to reads after half a second", setAndCounters, noFaults, "no-final-reply"},
	{"no-value", "replies to a read without a value", setAndCounters, noFaults, "wrong-body"},
	{"wrong-field", "replies to a read with the field messages", setAndCounters, noFaults, "wrong-body"},
	{"extra-field", "replies to an add with the field value", setAndCounters, noFaults, "wrong-body"},
	{"wrong-type", "replies to an add with the type ok", setAndCounters, noFaults, "wrong-body"},
	{"skips-one", "does not reply to one of 4 adds", setAndCounters, noFaults, "no-reply"},
	{"mostly-refuses", "fails with error 13, 19 of 20", setAndCounters, noFaults, "too-many-errors"},
}

// Replicas with a bug fail, by a check that names it. Each workload has at least ten.
func TestReplicasWithBugs(t *testing.T) {
	t.Parallel()
	var tests []bugTest
	count := map[string]int{}
	for _, bug := range replicaBugs {
		for _, load := range bug.loads {
			test := replicaTest(bug.name, load, bug.mix, 1)
			test.checks = bug.checks
			change := test.change
			test.change = func(cfg *trial.Config) {
				if cfg.FinalTimeout = time.Second; change != nil {
					change(cfg)
				}
			}
			tests = append(tests, test)
			count[load]++
		}
	}
	expect(t, tests)
	for _, load := range setAndCounters {
		if count[load] < 10 {
			t.Errorf("%s: %d nodes with bugs", load, count[load])
		}
	}
}
