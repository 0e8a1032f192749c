package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// A Want is what a policy must reach, as --want says it. Every run must reach it.
type Want struct{ goals []goal }

// A goal is a bound of one number.
type goal struct {
	name  string
	bound float64
	least bool // the number must be at least the bound; otherwise at most
	value func(*Figures) float64
}

// goals are the numbers that --want knows.
var goals = []goal{
	{"success", 0, true, func(f *Figures) float64 { return f.Success }},
	{"p50", 0, false, func(f *Figures) float64 { return f.P50 }},
	{"p90", 0, false, func(f *Figures) float64 { return f.P90 }},
	{"p99", 0, false, func(f *Figures) float64 { return f.P99 }},
	{"p99.9", 0, false, func(f *Figures) float64 { return f.P999 }},
	{"load", 0, false, func(f *Figures) float64 { return f.Deliveries }},
	{"peak", 0, false, func(f *Figures) float64 { return f.RetryPeak }},
	{"recovered", 0, false, (*Figures).recovered},
}

// ParseWant parses goals such as success=99.9%,p99=300ms.
func ParseWant(text string) (Want, error) {
	var w Want
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		i := slices.IndexFunc(goals, func(g goal) bool { return g.name == name })
		if !ok || i < 0 {
			return w, fmt.Errorf("%q: must be a number and its bound, such as success=99.9%%,p99=300ms; the numbers are success, p50, p90, p99, p99.9, load, peak and recovered", part)
		}
		g := goals[i]
		var err error
		if g.bound, err = parseBound(name, value); err != nil {
			return w, fmt.Errorf("%q: %w", part, err)
		}
		w.goals = append(w.goals, g)
	}
	return w, nil
}

// parseBound parses the bound of a goal: a share for success, a number for load and peak,
// and otherwise a time.
func parseBound(name, value string) (float64, error) {
	switch name {
	case "success":
		number, isPercent := strings.CutSuffix(value, "%")
		v, err := strconv.ParseFloat(number, 64)
		if isPercent {
			v /= 100
		}
		if err != nil || !(v > 0 && v <= 1) {
			return 0, fmt.Errorf("must be a share of more than 0 and at most 1, such as 99.9%% or 0.999")
		}
		return v, nil
	case "load", "peak":
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || !(v >= 0) {
			return 0, fmt.Errorf("must be a number of at least 0")
		}
		return v, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("must be a time, such as 300ms")
	}
	return float64(d) / float64(time.Millisecond), nil
}

// misses returns by how much figures miss the goals in all, 0 if they reach them. slack is the
// share of a bound that may be missing. A share of failures counts, not one of successes.
func (w *Want) misses(f *Figures, slack float64) (sum float64) {
	for _, g := range w.goals {
		value, bound := g.value(f), g.bound
		if g.least {
			value, bound = 1-value, 1-bound
			bound += slack * 3 / float64(max(f.Calls, 1)) // a few calls more or less
		}
		bound *= 1 + slack + 1e-9
		if value > bound {
			sum += value/max(bound, 1e-9) - 1
		}
	}
	return sum
}

// Bounds are what a search varies, each from its first value to its last.
type Bounds struct {
	Attempts [2]int
	Timeout  [2]time.Duration
	Backoff  [2]time.Duration // the base of an exponential backoff with full jitter; besides, there is no pause
}

// DefaultBounds are the bounds of a search that names none.
var DefaultBounds = Bounds{[2]int{1, 6}, [2]time.Duration{10 * time.Millisecond, 2 * time.Second}, [2]time.Duration{20 * time.Millisecond, 500 * time.Millisecond}}

// ParseBounds parses bounds such as attempts=1-6,timeout=10ms-2s,backoff=20ms-500ms. One that
// is left out has its default.
func ParseBounds(text string) (Bounds, error) {
	b := DefaultBounds
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		low, high, _ := strings.Cut(value, "-")
		var err, err2 error
		ok := true
		switch name {
		case "attempts":
			b.Attempts[0], err = strconv.Atoi(low)
			b.Attempts[1], err2 = strconv.Atoi(high)
			ok = b.Attempts[0] >= 1 && b.Attempts[1] >= b.Attempts[0] && b.Attempts[1] <= 100
		case "timeout":
			ok = parseRange(&b.Timeout, low, high)
		case "backoff":
			ok = parseRange(&b.Backoff, low, high)
		default:
			ok = false
		}
		if err != nil || err2 != nil || !ok {
			return b, fmt.Errorf("%q: must be attempts, timeout or backoff with two bounds, such as attempts=1-6,timeout=10ms-2s,backoff=20ms-500ms", part)
		}
	}
	return b, nil
}

func parseRange(to *[2]time.Duration, low, high string) bool {
	a, err := time.ParseDuration(low)
	b, err2 := time.ParseDuration(high)
	*to = [2]time.Duration{a, b}
	return err == nil && err2 == nil && a > 0 && b >= a
}

// candidates returns the policies that a search tries: base with other attempts, timeouts and
// backoffs. Those that make no sense are left out.
func (b *Bounds) candidates(base *retry.Policy) (all []*retry.Policy) {
	for attempts := b.Attempts[0]; attempts <= b.Attempts[1]; attempts++ {
		for _, timeout := range steps(b.Timeout, 12) {
			backoffs := []retry.Backoff{{}}
			if attempts > 1 {
				for _, pause := range steps(b.Backoff, 3) {
					backoffs = append(backoffs, retry.Backoff{Kind: retry.Exponential, Base: pause, Jitter: retry.FullJitter})
				}
			}
			for _, backoff := range backoffs {
				p := *base
				p.Attempts, p.Timeout, p.Backoff = attempts, timeout, backoff
				if p.Validate() == nil && ValidatePolicy(&p) == nil {
					all = append(all, &p)
				}
			}
		}
	}
	return all
}

// steps returns n values from the first to the last of a range, each greater by the same
// factor, rounded to two digits.
func steps(r [2]time.Duration, n int) (all []time.Duration) {
	for i := range n {
		v := float64(r[0]) * math.Pow(float64(r[1])/float64(r[0]), float64(i)/float64(n-1))
		unit := math.Pow10(int(math.Floor(math.Log10(v))) - 1)
		d := min(max(time.Duration(math.Round(v/unit)*unit), r[0]), r[1])
		if len(all) == 0 || d > all[len(all)-1] {
			all = append(all, d)
		}
	}
	return all
}

const (
	foundMost  = 5  // policies that a search returns
	searchMost = 40 // policies that a search runs in full
	firstCalls = 20_000
)

// A Search looks for policies that reach what is wanted.
type Search struct {
	Model  *Model
	Base   *retry.Policy // gives the fields that the search does not vary
	Want   Want
	Bounds Bounds
	Run    func(p *retry.Policy) *Sample // runs a policy in full
	Tried  func(n, of int)               // is called with the progress; may be nil
}

// Find returns the best policies: of those that reach the goals in every run, each that no
// other one beats in load and in p99, the least load first. If there is none, it returns the
// policy that comes closest.
func (s *Search) Find() (found []Planned, closest *Planned) {
	all := s.Bounds.candidates(s.Base)
	first := *s.Model
	if first.Outage.For == 0 {
		first.Calls, first.Duration = min(first.Expected(), firstCalls), 0
	}
	type tried struct {
		p      *retry.Policy
		f      Figures
		misses float64
	}
	var promising []tried
	for i, p := range all {
		if s.Tried != nil {
			s.Tried(i, len(all))
		}
		r := Run(&first, p, Watch{})
		if !r.TooMany {
			promising = append(promising, tried{p, r.Figures, s.Want.misses(&r.Figures, 0.2)})
		}
	}
	// Those that reached the goals with some slack come first, by their load.
	slices.SortStableFunc(promising, func(a, b tried) int {
		if a.misses != b.misses {
			return cmp.Compare(a.misses, b.misses)
		}
		if !alike(a.f.Deliveries, b.f.Deliveries) {
			return cmp.Compare(a.f.Deliveries, b.f.Deliveries)
		}
		return cmp.Compare(a.f.P99, b.f.P99)
	})
	least, p99, ran := math.Inf(1), math.Inf(1), 0
	var reached []Planned
	for _, t := range promising {
		switch {
		case ran >= searchMost, t.misses > 0 && len(reached) > 0:
			return best(reached), closest
		case t.misses == 0 && t.f.P99 > 1.05*p99:
			continue // another one that costs no more is surely faster
		}
		ran++
		p99 = min(p99, t.f.P99)
		planned := Planned{Policy: t.p, Sample: s.Run(t.p)}
		misses := max(s.Want.misses(&planned.Sample.Least, 0), s.Want.misses(&planned.Sample.Greatest, 0))
		switch {
		case planned.TooMany():
		case misses == 0:
			reached = append(reached, planned)
		case misses < least:
			least, closest = misses, &planned
		}
	}
	return best(reached), closest
}

// best returns the policies that no other one beats in load and in p99.
func best(all []Planned) (found []Planned) {
	slices.SortStableFunc(all, func(a, b Planned) int {
		if !alike(a.Sample.Deliveries, b.Sample.Deliveries) {
			return cmp.Compare(a.Sample.Deliveries, b.Sample.Deliveries)
		}
		return cmp.Compare(a.Sample.P99, b.Sample.P99)
	})
	p99 := math.Inf(1)
	for _, p := range all {
		if p.Sample.P99 < 0.99*p99 && len(found) < foundMost {
			p99 = p.Sample.P99
			found = append(found, p)
		}
	}
	return found
}

// alike reports whether two loads differ by less than half a percent, rounded so that it is
// the same relation among all.
func alike(a, b float64) bool { return math.Round(math.Log(a)*200) == math.Round(math.Log(b)*200) }
