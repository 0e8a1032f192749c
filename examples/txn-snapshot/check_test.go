package main

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/samerun"
)

// Transactions have snapshot isolation, whatever the network does, and also if nodes are killed.
func TestAllSeeds(t *testing.T) {
	eddytest.Check(t, newNode, eddytest.Test{
		Workload: "txn-list-append", ConsistencyModels: "snapshot-isolation", Nodes: 3, Rate: 40, Time: 8 * time.Second, Nemesis: "pause,kill,kill-wipe,partition,slow,flaky,clog,partition-clients",
		Latency: "exponential:30ms", Loss: 0.1, Duplicate: 0.1, NemesisInterval: time.Second, Seeds: longtest.Or(200, 10),
	})
}

// A seed gives the same run in each process.
func TestSameRun(t *testing.T) { samerun.Check(t, 20) }
