package schedule

import "time"

// This file has what a call does with what it shares with other calls: the budget windows,
// the breaker and the round trips.

// share makes what the policy needs the destination to have.
func (s *Schedule) share() {
	if s.dest == nil {
		return
	}
	if s.policy.Breaker.Enabled() && s.dest.Breaker == nil {
		s.dest.Breaker = new(Breaker)
	}
	if s.policy.HedgePercentile > 0 && s.dest.RoundTrips == nil {
		s.dest.RoundTrips = new(RoundTrips)
	}
}

// windows returns the budget windows of the node and of the destination, each nil if
// it is not shared.
func (s *Schedule) windows() [2]*Window {
	if s.dest == nil {
		return [2]*Window{s.node}
	}
	return [2]*Window{s.node, &s.dest.Window}
}

// takeRetry asks the budget for a retry.
func (s *Schedule) takeRetry(now time.Duration) bool {
	allowed := takeRetry(s.policy.Budget, now, s.windows(), s.retrying)
	s.retrying = s.retrying || allowed
	return allowed
}

// breaker returns the breaker, nil if the policy has none.
func (s *Schedule) breaker() *Breaker {
	if s.dest == nil || s.dest.Breaker == nil || !s.policy.Breaker.Enabled() {
		return nil
	}
	return s.dest.Breaker
}

// breakerAllows reports whether the breaker lets an attempt through now, which must then
// be sent.
func (s *Schedule) breakerAllows(now time.Duration) (allowed bool) {
	b := s.breaker()
	if b == nil {
		return true
	}
	allowed, s.probe = b.Allow(s.policy.Breaker, now)
	return allowed
}

// breakerRefuses reports whether the breaker will surely refuse an attempt at a time.
func (s *Schedule) breakerRefuses(at time.Duration) bool {
	b := s.breaker()
	if b == nil || !b.Refuses(s.policy.Breaker, at) {
		return false
	}
	b.refused++
	return true
}

// sendIfAllowed decides to send an attempt now, unless the breaker refuses it.
func (s *Schedule) sendIfAllowed(now time.Duration) Decision {
	if !s.breakerAllows(now) {
		return s.stop(now, BreakerOpen)
	}
	return s.send()
}

// temporarilyUnavailable is the error code of a node that cannot serve a request now. For
// the breaker it is a failure, whether or not the policy retries it.
const temporarilyUnavailable = 11

// judgeReply tells the breaker what a reply means.
func (s *Schedule) judgeReply(now time.Duration, n int, written time.Duration, failed bool) {
	switch b := s.breaker(); {
	case b == nil:
	case n == s.Sent():
		s.judge(now, written, failed)
	default: // it is late, so its timeout or its hedge has been dealt with
		b.Note(s.policy.Breaker, now, written, failed, false)
	}
}

// judge tells the breaker the outcome of the latest attempt. An attempt that has timed out
// and gets a late reply has two.
func (s *Schedule) judge(now, written time.Duration, failed bool) {
	b := s.breaker()
	if b == nil || s.judged && failed {
		return
	}
	if written < 0 { // it is being written
		written = now
	}
	b.Note(s.policy.Breaker, now, written, failed, s.probe)
	s.judged, s.probe = true, false
}

// hedgeDelay returns how long the latest attempt waits before the next one is sent.
func (s *Schedule) hedgeDelay() time.Duration {
	p := s.policy
	if p.HedgePercentile == 0 || s.dest == nil {
		return p.Hedge
	}
	d, ok := s.dest.RoundTrips.Percentile(p.HedgePercentile)
	if !ok {
		return p.Hedge
	}
	return min(max(d, Granularity), s.lastTimeout())
}

// measure adds how long the call has waited for the reply to its first attempt, once.
func (s *Schedule) measure(waited time.Duration) {
	if s.dest != nil && s.dest.RoundTrips != nil && s.policy.HedgePercentile > 0 && !s.measured {
		s.dest.RoundTrips.Add(waited)
		s.measured = true
	}
}

// End says that the call is over: it has settled or given up, or was cancelled.
func (s *Schedule) End() {
	if s.retrying {
		endRetrying(s.windows())
	}
	if s.probe {
		s.breaker().Forget()
	}
	s.retrying, s.probe = false, false
}
