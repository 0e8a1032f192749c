package schedule

import (
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/quantile"
)

// RoundTrips are how long the latest calls to one destination waited for the reply to
// their first attempt. The zero value knows none.
//
// A call that ends without this reply counts with the time that it has waited. If only
// replies counted, the slow ones would be missing, because a hedge settles their calls. The
// percentile would fall, more hedges would be sent, and still more of the slow ones would
// be missing.
type RoundTrips struct {
	latest [256]time.Duration
	added  uint64
	of     float64       // the percentile that was computed last
	result time.Duration // and its value
	at     uint64        // and for how many values
}

const (
	enoughRoundTrips = 20 // for a percentile
	staleAfter       = 16 // values, a percentile is computed again
)

// Add adds a round trip.
func (r *RoundTrips) Add(d time.Duration) {
	r.latest[r.added%uint64(len(r.latest))] = d
	r.added++
}

// Percentile returns a percentile, which is between 0 and 100. It returns false if there are
// too few values. The result may miss the latest 15.
func (r *RoundTrips) Percentile(p float64) (time.Duration, bool) {
	if r.added < enoughRoundTrips {
		return 0, false
	}
	if r.of != p || r.added-r.at >= staleAfter {
		sorted := r.latest
		known := sorted[:min(r.added, uint64(len(sorted)))]
		slices.Sort(known)
		r.of, r.at, r.result = p, r.added, quantile.Of(known, p/100)
	}
	return r.result, true
}
