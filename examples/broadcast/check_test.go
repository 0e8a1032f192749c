package main

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/samerun"
)

// No value is lost, in whatever order messages are lost, doubled and delayed.
func TestAllSeeds(t *testing.T) {
	eddytest.Check(t, newNode, eddytest.Test{
		Workload: "broadcast", Nodes: 5, Rate: 50, Time: 8 * time.Second, Nemesis: "pause,partition,slow,flaky,clog,partition-clients",
		Latency: "exponential:30ms", Loss: 0.1, Duplicate: 0.1, NemesisInterval: time.Second, Seeds: longtest.Or(200, 10),
	})
}

// A seed gives the same run in each process.
func TestSameRun(t *testing.T) { samerun.Check(t, 20) }
