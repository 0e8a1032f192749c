package plan

import "time"

// Figures are what a policy did. They are about the calls of the first caller.
type Figures struct {
	Calls   int     `json:"calls"`
	Success float64 `json:"success"` // share of calls that were answered

	Attempts   float64 `json:"attempts_per_call"`   // that the first caller sent
	Deliveries float64 `json:"deliveries_per_call"` // requests that reached the leaf
	Executions float64 `json:"executions_per_call"` // requests that the leaf served

	// Amplification is the load on the leaf for each call: Deliveries.
	Amplification float64 `json:"amplification"`
	// FailedButExecuted is the share of calls that failed although the leaf executed
	// one of their requests, perhaps later.
	FailedButExecuted float64 `json:"failed_but_executed"`
	// RetriesRefused is how many retries budgets refused, at all hops.
	RetriesRefused float64 `json:"retries_refused_per_call"`
	// BreakerRefused is how many attempts circuit breakers refused, at all hops.
	BreakerRefused float64 `json:"breaker_refused_per_call"`
	// Expired is how many requests the leaf dropped because their deadline had passed.
	Expired float64 `json:"expired_per_call"`
	// QueueFull is how many requests found the leaf's queue full.
	QueueFull float64 `json:"queue_full_per_call"`

	// The quantiles of the time from the beginning of a call to success or failure.
	P50  float64 `json:"p50_ms"`
	P90  float64 `json:"p90_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`

	// RetryPeak is how many retries arrive within 100 ms at most, when 500 callers have made
	// a call at the same time and get no reply.
	RetryPeak float64 `json:"retry_peak"`

	// Recovered is how many milliseconds after the end of the outage at least 95 % of
	// the calls that begin succeed, from then on until the end of the run. It is nil
	// if there is no such time. Without an outage, it counts from the beginning.
	Recovered *float64 `json:"recovered_after_ms"`
}

// A Result is what a policy did in one run.
type Result struct {
	Figures

	// TooMany means that the run stopped because more than MostOpen calls and messages
	// were open at the same time. The numbers mean nothing then.
	TooMany bool `json:"-"`

	Load  []Load  `json:"load"`
	Times []Point `json:"-"` // milliseconds, and the share of calls that took no longer

	tally *tally
}

// A tally counts during a run.
type tally struct {
	calls, succeeded, attempts          int
	offered, served, expired, queueFull int
	failedButExecuted, refused          int
	breakerRefused, retryPeak           int
	duringOutage                        int // requests that reached the leaf then
	tooMany                             bool
	times                               times
	loads                               loads
}

func (t *tally) result(m *Model) *Result {
	per := func(n int) float64 { return float64(n) / float64(max(t.calls, 1)) }
	took := t.times.quantiles(0.5, 0.9, 0.99, 0.999)
	f := Figures{
		Calls: t.calls, Success: per(t.succeeded), Attempts: per(t.attempts),
		Deliveries: per(t.offered), Executions: per(t.served), Amplification: per(t.offered),
		FailedButExecuted: per(t.failedButExecuted), RetriesRefused: per(t.refused),
		BreakerRefused: per(t.breakerRefused), Expired: per(t.expired), QueueFull: per(t.queueFull),
		RetryPeak: float64(t.retryPeak),
		P50:       took[0], P90: took[1], P99: took[2], P999: took[3],
	}
	if after, ok := t.loads.recovered(m.Outage); ok {
		ms := float64(after) / float64(time.Millisecond)
		f.Recovered = &ms
	}
	kept := *t // a pointer to t would keep the whole run
	return &Result{Figures: f, TooMany: t.tooMany, Load: t.loads.perSecond(), Times: t.times.shares(200), tally: &kept}
}
