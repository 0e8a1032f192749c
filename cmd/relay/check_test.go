package main

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/retry"
)

// The relay does what workload relay checks, under every fault, whether or not it ignores late
// replies.
func TestAllSeeds(t *testing.T) {
	for _, late := range []eddy.Late{retry.Accept, retry.Ignore} {
		t.Run(late.String(), func(t *testing.T) {
			newNode := func() *eddy.Node {
				var n eddy.Node
				n.HandleInline("echo", echo)
				n.HandleInline("relay", relay(&eddy.Policy{Late: late}))
				return &n
			}
			eddytest.Check(t, newNode, eddytest.Test{
				Workload: "relay", Nodes: 3, Rate: 40, Time: 8 * time.Second, IgnoreLate: late == retry.Ignore,
				Latency: "exponential:30ms", Loss: 0.1, Duplicate: 0.1, NemesisInterval: time.Second,
				Nemesis: "pause,kill,kill-wipe,partition,slow,flaky,clog,partition-clients", Seeds: longtest.Or(200, 10),
			})
		})
	}
}
