package main

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/eddytest"
)

// Transactions have snapshot isolation under all faults at once.
func TestAllFaults(t *testing.T) {
	eddytest.Check(t, newNode, eddytest.Test{
		Workload: "txn-list-append", ConsistencyModels: "snapshot-isolation", Nodes: 3, Rate: 30, Time: 20 * time.Second,
		Latency: "exponential:10ms", Loss: 0.1, Duplicate: 0.1, Nemesis: "partition,kill,pause", NemesisInterval: 2 * time.Second, Seeds: 20,
	})
}
