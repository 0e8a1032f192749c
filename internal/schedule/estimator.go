package schedule

import (
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// Granularity is the G of RFC 6298: how fine a node's timeouts are. However
// steady its round trips, an estimate stays that much above them.
const Granularity = time.Millisecond

// An Estimator learns how long the round trip to one destination takes, and so
// how long to wait for a reply, by RFC 6298. The zero value has learned nothing.
//
// Karn's problem (RFC 6298, section 3: of a segment that was sent twice nobody
// knows which copy is acknowledged) does not arise: every attempt has an id of
// its own. So the reply to any attempt is a sample, a late one too, as long as
// its call is open. Without the late ones an estimator that once was too short
// would see only the fast replies and stay too short.
type Estimator struct {
	srtt, rttvar time.Duration
	samples      uint64
	doublings    int           // since the last sample
	doubled      time.Duration // when the last of them was
}

// Sample learns from a reply that came that long after its attempt had been
// written out. What is negative counts as 0, what is over an hour as an hour.
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

// TimedOut doubles the timeout (5.5) because an attempt that was written out at
// a time has met silence for as long as it then was. That is done once a period:
// a hundred calls that wait at the same time and meet the same silence say no
// more than one, so an attempt counts only if it was written after the last
// doubling.
func (e *Estimator) TimedOut(written, now time.Duration) {
	if e.doublings > 0 && written < e.doubled {
		return
	}
	e.doublings++
	e.doubled = now
}

// Timeout is the estimate within a policy's bounds; first is what counts as long
// as there is no sample.
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

// RoundTrip is the smoothed round trip, and how many samples it is made of.
func (e *Estimator) RoundTrip() (smoothed time.Duration, samples uint64) {
	return e.srtt, e.samples
}
