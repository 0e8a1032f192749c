package plan

import (
	"math"
	"testing"
	"time"
)

func TestRecovered(t *testing.T) {
	m := &Model{Duration: 10 * time.Second, Rate: 250, Outage: Window{2 * time.Second, 3 * time.Second}}
	for _, tt := range []struct {
		name string
		bad  []int // slices of one second in which less than 95 % of the calls succeed
		want time.Duration
		ok   bool
	}{
		{"all calls succeed", nil, 0, true},
		{"failures only before its end", []int{2, 3, 4}, 0, true},
		{"failures some time longer", []int{2, 3, 4, 5, 6}, 2 * time.Second, true},
		{"failures again", []int{2, 3, 4, 8}, 4 * time.Second, true},
		{"failures at the end", []int{2, 3, 9}, 0, false},
	} {
		l := newLoads(m)
		if l.width != time.Second {
			t.Fatalf("slices of %v", l.width)
		}
		for i := range l.slices {
			l.slices[i] = loadSlice{begun: 100, useful: 95}
		}
		for _, i := range tt.bad {
			l.slices[i].useful = 94
		}
		if got, ok := l.recovered(m.Outage); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %v, %v", tt.name, got, ok)
		}
	}
	l := newLoads(m)
	for i := range l.slices {
		l.slices[i] = loadSlice{begun: 100, useful: 100}
	}
	if got, ok := l.recovered(Window{}); got != 0 || !ok {
		t.Errorf("without an outage: %v, %v", got, ok)
	}
	l.slices[1].useful = 0
	if got, ok := l.recovered(Window{}); got != 2*time.Second || !ok {
		t.Errorf("without an outage, and a bad second slice: %v, %v", got, ok)
	}
}

func TestSlices(t *testing.T) {
	for _, tt := range []struct {
		m     Model
		width time.Duration
		count int
	}{
		{Model{Duration: time.Minute, Rate: 1000}, 250 * ms, 240},
		{Model{Duration: time.Minute, Rate: 1e6}, 250 * ms, 240},
		{Model{Duration: 10 * time.Second, Rate: 1e6}, 100 * ms, 100},
		{Model{Calls: 1_000_000}, 4167 * ms, 239},
		{Model{Calls: 100}, 250 * ms, 0},
	} {
		l := newLoads(&tt.m)
		if l.width != tt.width || len(l.complete()) != tt.count {
			t.Errorf("%+v: %d slices of %v", tt.m, len(l.complete()), l.width)
		}
	}
}

// In a Poisson process, 1/e of the gaps are longer than the mean, and the standard
// deviation is the mean.
func TestCallTimes(t *testing.T) {
	b := newCallTimes(&Model{Rate: 100, Seed: 3})
	const mean, count = float64(10 * ms), 200_000
	var before time.Duration
	var squares float64
	longer := 0
	for range count {
		at := b.next()
		gap := float64(at - before)
		before = at
		squares += (gap - mean) * (gap - mean)
		if gap > mean {
			longer++
		}
	}
	share(t, "longer than the mean", float64(longer)/count, 1/math.E, count)
	near(t, "mean", float64(before)/count/mean, 1, 1, count)
	near(t, "variance", squares/count/mean/mean, 1, math.Sqrt(8), count)
}
