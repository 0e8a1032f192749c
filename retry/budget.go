package retry

import (
	"fmt"
	"time"
)

// A Budget bounds the retries of many calls together: at most Ratio of the calls
// of the last Window, and besides PerSecond of them a second. The zero value
// bounds nothing. A first attempt is never refused, and counts no retry.
//
// It holds for a node as a whole and, apart from that, for each destination: a
// retry needs the consent of both. (Finagle's RetryBudget has the ratio, the floor
// and the window: Twitter, 2016.)
type Budget struct {
	// Ratio is how many retries there may be for one call, from 0 to 1.
	Ratio float64 `json:"ratio,omitzero"`
	// PerSecond is the floor: so many retries are granted a second, however few
	// calls there are.
	PerSecond float64 `json:"per_second,omitzero"`
}

// BudgetWindow is the time over which a budget counts calls and retries. It slides
// in steps of a second, so that it covers 9 to 10 seconds.
const BudgetWindow = 10 * time.Second

func (b Budget) on() bool { return b != Budget{} }

func (b Budget) validate() error {
	switch {
	case !(b.Ratio >= 0 && b.Ratio <= 1):
		return fmt.Errorf("ratio: %v is not from 0 to 1", b.Ratio)
	case !(b.PerSecond >= 0 && b.PerSecond <= 1e9):
		return fmt.Errorf("per_second: %v is not from 0 to 1e9", b.PerSecond)
	}
	return nil
}
