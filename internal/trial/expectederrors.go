package trial

import (
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
)

// temporarilyUnavailable is the error code of a node that has too many requests.
const temporarilyUnavailable = 11

// expectsError reports whether a correct node may reply with an operation's error:
// because the workload allows it, or because clients flood the node.
func (t *Trial) expectsError(op *history.Op) bool {
	return t.load.ExpectsError(op) || t.cfg.Rate == MaxRate && op.Code == temporarilyUnavailable
}

// excuse returns a function that reports whether the network excuses an error of an
// operation between two times: because of a fault or lost messages, or because the
// latency is so large that a call to another node cannot end within its timeout.
// Nothing excuses a node that needs no other nodes.
func (t *Trial) excuse() func(from, to time.Duration) bool {
	if t.cfg.Spec.Independent {
		return func(_, _ time.Duration) bool { return false }
	}
	if 2*maxLatency(&t.cfg.Network) >= t.cfg.CallTimeout {
		return func(_, _ time.Duration) bool { return true }
	}
	return checker.FaultPeriodsOf(t.net.Journal()).Overlap
}
