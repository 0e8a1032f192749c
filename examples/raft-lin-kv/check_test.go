package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/samerun"
)

// The store is linearizable under all faults at once, with three and with five nodes. Killed
// nodes come back with their files.
func TestAllSeeds(t *testing.T) {
	for _, nodes := range []int{3, 5} {
		eddytest.Check(t, func(p *eddytest.Process) error {
			return newNode(filepath.Join(p.Dir(), "raft.log"), p.Number()).Serve(p.Context, p)
		}, eddytest.Test{
			Workload: "lin-kv", Nodes: nodes, Rate: 40, Time: 8 * time.Second, Latency: "exponential:10ms", Loss: 0.1, Duplicate: 0.1,
			Nemesis: "pause,kill,partition,slow,flaky,clog,partition-clients", NemesisInterval: 2 * time.Second, Seeds: longtest.Or(100, 5),
		})
	}
}

// A seed gives the same run in each process.
func TestSameRun(t *testing.T) { samerun.Check(t, 20) }
