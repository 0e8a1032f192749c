package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/healthy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

func init() {
	for name, node := range healthy.Nodes {
		if node.Run != nil {
			testNodes["healthy-"+name] = program.Main(node.Run)
		}
	}
	testNodes["busy"] = func() { // until its input ends, as it does with the process that has started it
		var over atomic.Bool
		go func() {
			for !over.Load() {
			}
		}()
		io.Copy(io.Discard, os.Stdin)
		over.Store(true)
	}
}

// mixes are faults that healthy nodes bear. Faults for a while are short, because the tests
// are.
var mixes = map[string][]string{
	"clients":   {"--client-latency", "exponential:20ms", "--client-loss", "0.02"},
	"network":   {"--latency", "exponential:5ms", "--loss", "0.1", "--duplicate", "0.1"},
	"partition": {"--nemesis", "partition"},
	"pause":     {"--nemesis", "pause"},
	"kill":      {"--nemesis", "kill"},
}

// borne returns the names of the mixes that a node bears.
func borne(n healthy.Node) []string {
	if n.Bears != nil {
		return n.Bears
	}
	return slices.Sorted(maps.Keys(mixes))
}

// allOf returns the flags of several mixes together.
func allOf(names []string) (flags []string) {
	var nemeses []string
	for _, name := range names {
		if mix := mixes[name]; mix[0] == "--nemesis" {
			nemeses = append(nemeses, mix[1])
		} else {
			flags = append(flags, mix...)
		}
	}
	if len(nemeses) > 0 {
		flags = append(flags, "--nemesis", strings.Join(nemeses, ","), "--nemesis-interval", "0.4")
	}
	return flags
}

// A healthyRun is a test of a healthy node that must pass.
type healthyRun struct {
	node, mix string
	seed      int
	flags     []string
}

// asProcesses are nodes that run as processes, too. Package eddytest runs all that need no
// process of their own, in virtual time.
var asProcesses = []string{"echo-queue", "echo-loud", "unique-ids-leases", "broadcast-no-type", "lin-kv-leader", "relay-ids-downwards", "relay-late-end"}

// healthyRuns returns one run of some nodes with all faults that they bear, and with -healthy
// runs of all nodes without faults, with each of the mixes and with all of them, for five seeds.
func healthyRuns() (all []healthyRun) {
	_, noPython := exec.LookPath("python3")
	for _, name := range slices.Sorted(maps.Keys(healthy.Nodes)) {
		node := healthy.Nodes[name]
		if !*allHealthy && node.Script == "" && !node.OnlyProcess && !slices.Contains(asProcesses, name) {
			continue
		}
		if node.Script != "" && (noPython != nil || runtime.GOOS == "windows") {
			continue
		}
		mixes, seeds := map[string][]string{"all": allOf(borne(node))}, 1
		if *allHealthy {
			mixes["calm"], seeds = nil, 5
			for _, mix := range borne(node) {
				mixes[mix] = allOf([]string{mix})
			}
		}
		for _, mix := range slices.Sorted(maps.Keys(mixes)) {
			for seed := 1; seed <= seeds; seed++ {
				all = append(all, healthyRun{name, mix, seed, slices.Concat(mixes[mix], node.Flags)})
			}
		}
	}
	return all
}

var allHealthy = flag.Bool("healthy", false, "run the healthy nodes under each fault, with five seeds")

// Nodes that are correct and unusual pass, under all faults that they bear.
func TestHealthyNodes(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	checkHealthy(t)
}

// They also pass while other processes keep the processors busy.
func TestHealthyNodesOnBusyMachine(t *testing.T) {
	if !*allHealthy {
		t.Skip("needs -healthy: two processes keep processors busy for minutes")
	}
	for range 2 {
		busy := exec.Command("busy")
		input, err := busy.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := busy.Start(); err != nil {
			t.Fatal(err)
		}
		defer busy.Wait()
		defer input.Close()
	}
	checkHealthy(t)
}

func checkHealthy(t *testing.T) {
	all := healthyRuns()
	if only := os.Getenv("EDDY_HEALTHY"); only != "" { // to look for the cause of a failure
		all = slices.DeleteFunc(all, func(r healthyRun) bool { return !strings.Contains(r.node+" "+r.mix, only) })
	}
	sideBySide(t, len(all), func(t *testing.T, i int) {
		r := all[i]
		workload, count := healthy.Nodes[r.node].Workload, "3"
		program := "healthy-" + r.node
		if script := healthy.Nodes[r.node].Script; script != "" {
			program = "testdata/healthy/" + script
		}
		if (workload == "echo" || workload == "unique-ids") && !*allHealthy {
			count = "2"
		}
		flags := append([]string{"-w", workload, "--bin", program, "--node-count", count,
			"--concurrency", "3n", "--rate", "40", "--time-limit", "1", "--client-timeout", "2s",
			"--call-timeout", healthy.CallTimeout.String(), "--seed", strconv.Itoa(r.seed)}, r.flags...)
		if at := slices.Index(flags, "--duplicate"); at >= 0 && workload == "lin-kv" {
			// A service that gets a cas twice does it and then refuses it. If the first
			// reply is lost, the node cannot know, so these nodes are not correct then.
			flags = slices.Delete(flags, at, at+2)
		}
		got := eddyTest(t, flags...)
		if got.Verdict == "unknown" && slices.Contains([]string{"nothing-ok", "nothing-checked", "too-few-ok"}, got.checks()) {
			return // on a busy machine with faults almost nothing ends ok in so short a test
		}
		if got.Verdict != "pass" {
			t.Errorf("healthy-%s, %s, seed %d: %s\n%s%s", r.node, r.mix, r.seed, got.Verdict, got.text(), fmt.Sprint(flags))
		}
	})
}
