package plan

import "time"

// A Load is what went on during a slice of time, in numbers a second.
type Load struct {
	At      float64 `json:"at_ms"`         // when the slice begins
	Begun   float64 `json:"begun_per_s"`   // calls that began
	Offered float64 `json:"offered_per_s"` // requests that reached the leaf
	Served  float64 `json:"served_per_s"`  // requests that the leaf began to serve
	Useful  float64 `json:"useful_per_s"`  // of the calls that began, those that succeeded in the end
}

// loads counts over time.
type loads struct {
	width  time.Duration
	span   time.Duration
	slices []loadSlice
}

type loadSlice struct{ begun, offered, served, useful int }

// leastCalls is how many calls a slice has at least, so that the share of them
// which succeeds means something.
const leastCalls, mostSlices, leastWidth = 250, 240, 100 * time.Millisecond

func newLoads(m *Model) loads {
	width := max(leastWidth, m.span()/mostSlices, time.Duration(leastCalls/m.rate()*float64(time.Second)))
	width = (width + time.Millisecond - 1).Truncate(time.Millisecond)
	return loads{width: width, span: m.span(), slices: make([]loadSlice, m.span()/width+1)}
}

// at is the slice that a time belongs to. What comes after the last call has
// begun counts in a slice that is not shown.
func (l *loads) at(now time.Duration) *loadSlice {
	return &l.slices[min(int(now/l.width), len(l.slices)-1)]
}

// whole are the slices that have ended before calls ceased to begin.
func (l *loads) whole() []loadSlice { return l.slices[:len(l.slices)-1] }

func (l *loads) perSecond() []Load {
	var all []Load
	for i, s := range l.whole() {
		per := func(n int) float64 { return float64(n) / l.width.Seconds() }
		all = append(all, Load{
			At:    float64(time.Duration(i)*l.width) / float64(time.Millisecond),
			Begun: per(s.begun), Offered: per(s.offered), Served: per(s.served), Useful: per(s.useful),
		})
	}
	return all
}

// usefulShare is how much of the load has to be useful for a system to be up.
const usefulShare = 0.95

// recovered is when, after an outage's end, at least 95 % of the calls that begin
// succeed, from then on until the end. Without an outage the beginning counts as
// its end. False if that never happens.
func (l *loads) recovered(outage Window) (after time.Duration, ok bool) {
	whole := l.whole()
	first := len(whole)
	for first > 0 && float64(whole[first-1].useful) >= usefulShare*float64(whole[first-1].begun) {
		first--
	}
	if first == len(whole) {
		return 0, false
	}
	return max(time.Duration(first)*l.width-outage.end(), 0), true
}
