package runner

import (
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// temporarilyUnavailable is what a node says that has too much to do.
const temporarilyUnavailable = 11

// expected reports whether an operation's error is one that a good node may
// give: one of the workload's, or, if clients ask as fast as they can, that there
// are too many of them.
func (r *runner) expected(op *history.Op) bool {
	return r.load.ExpectsError(op) || r.cfg.Rate == MaxRate && op.Code == temporarilyUnavailable
}

// excuse tells in which times an error may be the network's doing: when a fault
// was on, or messages were lost, and always if messages take so long that a call
// to another node can't be over within its timeout. Who needs no other node has
// no such excuse.
func (r *runner) excuse() func(from, to time.Duration) bool {
	if r.cfg.Spec.Independent {
		return func(_, _ time.Duration) bool { return false }
	}
	if 2*longest(&r.cfg.Network) >= r.cfg.CallTimeout {
		return func(_, _ time.Duration) bool { return true }
	}
	return checker.FaultPeriodsOf(r.net.Journal()).Overlap
}
