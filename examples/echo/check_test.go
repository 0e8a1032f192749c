package main

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/samerun"
)

// Every request gets its echo, whatever else happens.
func TestAllSeeds(t *testing.T) {
	eddytest.Check(t, newNode, eddytest.Test{
		Workload: "echo", Nodes: 3, Rate: 50, Time: 5 * time.Second, Nemesis: "pause,kill,kill-wipe,partition,slow,flaky,clog,partition-clients",
		Latency: "exponential:30ms", Loss: 0.1, Duplicate: 0.1, NemesisInterval: time.Second, Seeds: longtest.Or(200, 10),
	})
}

// A seed gives the same run in each process.
func TestSameRun(t *testing.T) { samerun.Check(t, 20) }
