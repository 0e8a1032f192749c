package schedule

import (
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// Granularity is the clock granularity G of RFC 6298: timeouts are accurate to this.
// An estimate stays at least this much above the round trip, however steady that is.
const Granularity = time.Millisecond

// An Estimator learns from the round trips to one destination how long to wait for a
// reply (RFC 6298). The zero value has learned nothing.
//
// The RFC forbids samples of retransmitted segments, because nobody knows which copy
// an acknowledgment is for (section 3, Karn's algorithm). Here every attempt has its
// own id, so every reply is a sample while its call is open, also a late one. Without
// the late ones, an estimator that was once too short would see only fast replies and
// stay too short.
type Estimator struct {
	srtt, rttvar time.Duration
	samples      uint64
	doublings    int           // since the latest sample
	doubled      time.Duration // when the latest doubling was
}

// Sample adds the round trip of one attempt, from its message being written out to its
// reply. It counts as at least 0 and at most one hour.
func (e *Estimator) Sample(roundTrip time.Duration) {
	r := min(max(roundTrip, 0), time.Hour)
	if e.samples == 0 { // (2.2)
		e.srtt, e.rttvar = r, r/2
	} else { // (2.3)
		e.rttvar += ((e.srtt - r).Abs() - e.rttvar) / 4
		e.srtt += (r - e.srtt) / 8
	}
	e.samples++
	e.doublings = 0
}

// TimedOut doubles the timeout (5.5), because an attempt that was written out at a time
// has timed out. The timeout doubles once per period: a hundred calls that wait at the
// same time and get no reply tell no more than one of them. So an attempt counts only
// if it was written out after the latest doubling.
func (e *Estimator) TimedOut(written, now time.Duration) {
	if e.doublings > 0 && written < e.doubled {
		return
	}
	e.doublings++
	e.doubled = now
}

// Timeout returns the timeout, within the bounds of a. Without a sample, first takes
// the place of the estimate.
func (e *Estimator) Timeout(a retry.Adaptive, first time.Duration) time.Duration {
	d := first
	if e.samples > 0 {
		d = e.srtt + max(Granularity, 4*e.rttvar) // (2.2), (2.3)
	}
	a = a.WithDefaults()
	d = max(d, a.Min)
	for n := e.doublings; n > 0 && d < a.Max; n-- {
		d = times(d, 2)
	}
	return min(d, a.Max)
}

// RoundTrip returns the smoothed round trip and the number of its samples.
func (e *Estimator) RoundTrip() (smoothed time.Duration, samples uint64) {
	return e.srtt, e.samples
}
