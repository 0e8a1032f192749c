package plan

import "time"

// A Load holds rates, per second, during one slice of time.
type Load struct {
	At      float64 `json:"at_ms"`         // when the slice begins
	Begun   float64 `json:"begun_per_s"`   // calls that began
	Offered float64 `json:"offered_per_s"` // requests that reached the leaf
	Served  float64 `json:"served_per_s"`  // requests that the leaf began to serve
	Useful  float64 `json:"useful_per_s"`  // calls that began and later succeeded
}

// loads counts events in slices of time.
type loads struct {
	width  time.Duration // of a slice
	span   time.Duration // during which calls begin
	runs   int           // of which these are the sums
	slices []loadSlice
}

type loadSlice struct{ begun, offered, served, useful int }

// A slice is wide enough for minCalls, so that the share of calls that succeed means
// something.
const (
	minCalls  = 250
	maxSlices = 240
	minWidth  = 100 * time.Millisecond
)

func newLoads(m *Model) loads {
	width := max(minWidth, m.Span()/maxSlices, time.Duration(minCalls/m.rate()*float64(time.Second)))
	width = (width + time.Millisecond - 1).Truncate(time.Millisecond)
	return loads{width: width, span: m.Span(), runs: 1, slices: make([]loadSlice, m.Span()/width+1)}
}

// at returns the slice of a time. What comes after the last call has begun counts in a
// slice that is not shown.
func (l *loads) at(now time.Duration) *loadSlice {
	return &l.slices[min(int(now/l.width), len(l.slices)-1)]
}

// add adds the counts of another run of the same length.
func (l *loads) add(run *loads) {
	l.runs += run.runs
	for i, s := range run.slices {
		to := &l.slices[i]
		to.begun += s.begun
		to.offered += s.offered
		to.served += s.served
		to.useful += s.useful
	}
}

// complete returns the slices that ended while calls still began.
func (l *loads) complete() []loadSlice { return l.slices[:len(l.slices)-1] }

func (l *loads) perSecond() []Load {
	var all []Load
	for i, s := range l.complete() {
		per := func(n int) float64 { return float64(n) / l.width.Seconds() / float64(l.runs) }
		all = append(all, Load{
			At:    float64(time.Duration(i)*l.width) / float64(time.Millisecond),
			Begun: per(s.begun), Offered: per(s.offered), Served: per(s.served), Useful: per(s.useful),
		})
	}
	return all
}

// recoveredShare is the share of calls that succeed in a system that has recovered.
const recoveredShare = 0.95

// recovered returns how long after the end of the outage at least 95 % of the calls
// that begin succeed, from then on until the end of the run. Without an outage, the
// time counts from the beginning. It reports whether there is such a time.
func (l *loads) recovered(outage Window) (after time.Duration, ok bool) {
	complete := l.complete()
	first := len(complete)
	for first > 0 && float64(complete[first-1].useful) >= recoveredShare*float64(complete[first-1].begun) {
		first--
	}
	if first == len(complete) {
		return 0, false
	}
	return max(time.Duration(first)*l.width-outage.end(), 0), true
}
