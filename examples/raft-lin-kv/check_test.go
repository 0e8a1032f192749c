package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// The store is linearizable, whatever the network does, and also if nodes are killed and keep their directories.
func TestAllSeeds(t *testing.T) {
	eddytest.Check(t, func(p *eddytest.Process) error {
		n := newNode(filepath.Join(p.Dir(), "raft.log"), p.Number())
		n.Log = slog.New(slog.DiscardHandler)
		return n.Serve(p.Context, p)
	}, eddytest.Test{
		Workload: "lin-kv", Nodes: 3, Rate: 40, Time: 8 * time.Second, Nemesis: "pause,kill,partition,slow,flaky,clog,partition-clients",
		Latency: "exponential:30ms", Loss: 0.1, Duplicate: 0.1, NemesisInterval: time.Second, Seeds: longtest.Or(200, 10),
	})
}
