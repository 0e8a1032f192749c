package retry

import (
	"fmt"
	"slices"
	"strconv"
)

// Warnings names the fields of a valid policy that have no effect, each with the reason. A
// policy with warnings works; it does not do what its author may have meant. A nil p has
// none.
func (p *Policy) Warnings() []string {
	if p == nil {
		return nil
	}
	var w warnings
	if p.MaxAttempts() == 1 {
		p.warnSingle(&w)
	} else {
		p.warnHedges(&w)
		p.warnBackoff(&w)
	}
	p.warnErrors(&w)
	p.warnTimes(&w)
	return w.texts
}

// warnings collects the fields that have no effect.
type warnings struct{ texts []string }

// add adds a field if it is set in vain.
func (w *warnings) add(invain bool, field, why string, args ...any) {
	if invain {
		w.texts = append(w.texts, field+": has no effect, because "+fmt.Sprintf(why, args...))
	}
}

// warnSingle warns about fields that need a second attempt.
func (p *Policy) warnSingle(w *warnings) {
	const why = "there is only one attempt"
	w.add(p.Hedge > 0, "hedge", why)
	w.add(p.HedgePercentile > 0, "hedge_percentile", why)
	w.add(p.MaxHedges > 0, "max_hedges", why)
	w.add(p.Timeout > 0 && p.LastTimeout > 0, "timeout", "the only attempt is the last, whose timeout is last_timeout")
	w.add(p.Late == Ignore, "late", "the call ends with the timeout of its only attempt")
	w.add(p.Backoff.Kind != NoBackoff, "backoff", why)
	w.add(len(p.BackoffAfter) > 0, "backoff_after", why)
	w.add(len(p.RetryOn) > 0, "retry_on", why)
	w.add(p.Budget != Budget{}, "budget", why)
}

func (p *Policy) warnHedges(w *warnings) {
	hedges := p.MaxAttempts() - 1
	if p.Hedge == 0 {
		w.add(p.HedgePercentile > 0, "hedge_percentile", "there is no hedge")
		w.add(p.MaxHedges > 0, "max_hedges", "there is no hedge")
		return
	}
	w.add(p.MaxHedges >= hedges, "max_hedges", "%d attempts have at most %d hedges", hedges+1, hedges)
	if p.Hedges(hedges) && p.LastTimeout > 0 { // no attempt is left that would have the timeout
		w.add(p.Timeout > 0, "timeout", "every attempt has hedge or last_timeout as its timeout")
		w.add(p.Adaptive != nil, "adaptive", "every attempt has hedge or last_timeout as its timeout")
	}
}

func (p *Policy) warnBackoff(w *warnings) {
	warn := func(field string, b Backoff) {
		full := b.WithDefaults()
		w.add(b.Jitter == Jitter{1, 1}, field+".jitter", "it multiplies each pause by 1")
		w.add(b.Cap > 0 && b.Kind == Constant && b.Jitter.High <= 1, field+".cap", "no pause is longer than the base")
		w.add((b.Kind == Exponential || b.Kind == Decorrelated) && full.Cap == full.Base, field+".kind", "the cap is the base, so the pauses do not grow")
		w.add(b.Kind == Exponential && p.MaxAttempts() == 2 && full.Cap != full.Base, field+".kind", "there is only one pause")
	}
	warn("backoff", p.Backoff)
	for _, kind := range p.backoffKinds() {
		warn("backoff_after."+kind, p.BackoffAfter[kind])
	}
}

// warnErrors warns about fields that need an error reply that is retried.
func (p *Policy) warnErrors(w *warnings) {
	seen := make(map[int]bool)
	for i, code := range p.RetryOn {
		w.add(seen[code], "retry_on."+strconv.Itoa(i), "the code %d is in the list already", code)
		seen[code] = true
	}
	retries := p.MaxAttempts() > 1 && (len(p.RetryOn) > 0 || p.RetryIf != nil)
	w.add(p.MaxPushback > 0 && !retries, "max_pushback", "no error reply leads to a retry")
	if p.MaxAttempts() == 1 {
		return
	}
	for _, kind := range p.backoffKinds() {
		code, err := strconv.Atoi(kind)
		w.add(kind == AfterPushback && !retries, "backoff_after.pushback", "no error reply leads to a retry")
		w.add(err == nil && p.RetryIf == nil && !slices.Contains(p.RetryOn, code), "backoff_after."+kind, "the code is not in retry_on")
	}
}

// warnTimes warns about times that others make void.
func (p *Policy) warnTimes(w *warnings) {
	w.add(p.Adaptive == nil && p.LastTimeout > 0 && p.LastTimeout == p.timeout(), "last_timeout", "it is the timeout")
	retries := len(p.RetryOn) > 0 || p.RetryIf != nil
	if first := p.AttemptTimeout(1); p.Deadline > 0 && p.Deadline <= first && p.Adaptive == nil && p.HedgePercentile == 0 && p.MaxAttempts() > 1 && !retries {
		w.add(true, "attempts", "the first one waits until the deadline, %v", p.Deadline)
	}
	w.add(p.Breaker.MinAttempts > 0 && p.Breaker.Ratio == 0, "breaker.min_attempts", "there is no ratio")
}
