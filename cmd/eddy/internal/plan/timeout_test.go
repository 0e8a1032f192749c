package plan

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// A reply that arrives at the very moment of its timeout is late, as it is for a node: the
// policy does the same as with replies that take a little longer. The hedge of a call begins,
// and the last attempt has failed.
func TestReplyAtTheTimeout(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    retry.Policy
		at   time.Duration
	}{
		{"hedge", retry.Policy{Attempts: 2, Timeout: 1500 * ms, Hedge: 100 * ms, Budget: retry.Budget{Ratio: 0.2, PerSecond: 10}}, 100 * ms},
		{"late is ignored", retry.Policy{Late: retry.Ignore}, 500 * ms},
		{"late is accepted", retry.Policy{Attempts: 2}, 500 * ms},
		{"the end of the call", retry.Policy{Attempts: 3}, 1500 * ms},
		{"the only attempt", retry.Policy{Attempts: 1}, 500 * ms},
		{"the deadline", retry.Policy{Deadline: 400 * ms}, 400 * ms},
	} {
		for hops := 1; hops <= 2; hops++ {
			m := &Model{Calls: 10_000, Loss: 0.1, Hops: hops, Latency: sim.Constant(tt.at)}
			at := Run(m, &tt.p, Watch{})
			m.Latency = sim.Constant(tt.at + 2)
			later := Run(m, &tt.p, Watch{})
			m.Latency = sim.Constant(tt.at - 2)
			earlier := Run(m, &tt.p, Watch{})
			if at.Success != later.Success || at.Attempts != later.Attempts {
				t.Errorf("%s, %d hops: %v success with %v attempts, a little later %v with %v", tt.name, hops, at.Success, at.Attempts, later.Success, later.Attempts)
			}
			if hops == 1 && at.Success == earlier.Success && at.Attempts == earlier.Attempts {
				t.Errorf("%s: a little earlier makes no difference", tt.name)
			}
		}
	}
}
