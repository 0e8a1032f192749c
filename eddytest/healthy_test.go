package eddytest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/healthy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// faultMixes are faults that healthy nodes bear. Those for a while are short, because the tests are.
var faultMixes = map[string]func(*eddytest.Test){
	"clients":   func(t *eddytest.Test) { t.ClientLatency, t.ClientLoss = "exponential:20ms", 0.02 },
	"network":   func(t *eddytest.Test) { t.Latency, t.Loss, t.Duplicate = "exponential:5ms", 0.1, 0.1 },
	"partition": func(t *eddytest.Test) { t.Nemesis += ",partition" },
	"pause":     func(t *eddytest.Test) { t.Nemesis += ",pause" },
	"kill":      func(t *eddytest.Test) { t.Nemesis += ",kill" },
}

// Nodes that are correct and unusual pass under all faults that they bear, and in long tests
// also under each of them and without faults.
func TestUnusualNodesPass(t *testing.T) {
	slowWithRaces(t)
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(healthy.Nodes)) {
		node := healthy.Nodes[name]
		if node.Run == nil || node.OnlyProcess {
			continue // TestHealthyNodes of cmd/eddy has it
		}
		bears := node.Bears
		if bears == nil {
			bears = slices.Sorted(maps.Keys(faultMixes))
		}
		mixes := []string{strings.Join(bears, "+")}
		if longtest.On {
			mixes = append(append(mixes, "calm"), bears...)
		}
		for _, mix := range mixes {
			t.Run(name+"/"+mix, func(t *testing.T) {
				t.Parallel()
				test := eddytest.Test{
					Workload: node.Workload, Nodes: 3, Concurrency: 9, Rate: 40, Time: 2 * time.Second,
					ClientTimeout: 2 * time.Second, CallTimeout: healthy.CallTimeout, NemesisInterval: 400 * time.Millisecond,
				}
				for fault := range strings.SplitSeq(mix, "+") {
					if apply := faultMixes[fault]; apply != nil {
						apply(&test)
					}
				}
				test.Nemesis = strings.TrimPrefix(test.Nemesis, ",")
				if node.Workload == "lin-kv" {
					// A service that gets a cas twice does it and then refuses it. If the first
					// reply is lost, the node cannot know, so these nodes are not correct then.
					test.Duplicate = 0
				}
				failed := eddytest.FirstFailure(t, virtually(node.Run), test, longtest.Or[uint64](2, 1))
				if failed != nil && failed.Check != "too-few-ok" && failed.Check != "nothing-ok" {
					t.Error(failed.Describe())
				}
			})
		}
	}
}
