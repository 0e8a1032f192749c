package runner

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
)

// A Config describes a test of processes.
type Config struct {
	trial.Config

	Args       []string
	Dirs, Logs string // see cluster.Options
	MaxLine    int
	QueueLimit int // of the bytes queued for a node; 0 for the default of package cluster

	Carrier Carrier   // nil if messages go only over the simulated network
	Stderr  io.Writer // unless nil, gets what nodes write to stderr
}

// A Carrier is a carrier of a trial that takes time to open.
type Carrier interface {
	trial.Carrier

	// Open connects the nodes and the other members, and returns when all of them
	// can be reached.
	Open(ctx context.Context, nodes, others []string) error
	// Ready receives a value when Arrivals may return some.
	Ready() <-chan struct{}
	Close()
}

// CheckNemeses returns an error if a name is not one of sim.Kinds, or if this
// operating system, or a network without servers, does not support it.
func CheckNemeses(names []string, overServers bool) error {
	if slices.Contains(names, string(sim.Pause)) && !cluster.CanPause {
		return fmt.Errorf("pause is not supported on this operating system")
	}
	return trial.CheckNemeses(names, overServers)
}
