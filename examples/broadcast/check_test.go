package main

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/eddytest"
)

// No value is lost, in whatever order messages are lost, doubled and delayed.
func TestAllSeeds(t *testing.T) {
	eddytest.Check(t, newNode, eddytest.Test{
		Workload: "broadcast", Nodes: 5, Rate: 50, Time: 20 * time.Second,
		Latency: "exponential:50ms", Loss: 0.1, Duplicate: 0.05, Nemesis: "partition", Seeds: 20,
	})
}
