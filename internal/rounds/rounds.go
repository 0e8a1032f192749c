// Package rounds waits between the rounds of an update of a value that other clients update too.
package rounds

import (
	"context"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/metadata"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// Rounds are the rounds of one update. Each reads the value and swaps it.
type Rounds struct {
	races schedule.Races
	begun time.Time
}

// Begin begins the first round. The deadline of ctx holds, and p says how often there is another
// round and how long the pause before it is. The error names the field of p that is invalid.
func Begin(ctx context.Context, p *retry.Policy, process *metadata.Incarnation) (*Rounds, error) {
	r := &Rounds{begun: time.Now()}
	start := schedule.Start{CallNumber: process.NextCall(), Incarnation: process.Number()}
	if at, ok := ctx.Deadline(); ok {
		start.Deadline = max(at.Sub(r.begun), 1)
	}
	if err := r.races.Begin(p, start); err != nil {
		return nil, fmt.Errorf("races: %w", err)
	}
	return r, nil
}

// Next waits until the next round, after one that has lost its race with err. retryAfter is how
// long the service asks to be left alone. If there is no further round, Next returns an error
// that wraps err.
func (r *Rounds) Next(ctx context.Context, err error, retryAfter time.Duration) error {
	next := r.races.Lost(time.Since(r.begun), retryAfter)
	if next.Action == schedule.Pause {
		select {
		case <-time.After(next.Until - time.Since(r.begun)):
		case <-ctx.Done():
			return fmt.Errorf("%w after %d lost races: %w", context.Cause(ctx), r.races.Rounds(), err)
		}
		next = r.races.Resume(time.Since(r.begun))
	}
	if next.Action == schedule.GiveUp {
		return fmt.Errorf("%d races lost, %v: %w", r.races.Rounds(), next.Reason, err)
	}
	return nil
}
