package main

import (
	"math"
	"testing"
)

func TestMedianAndPercentile(t *testing.T) {
	if m := median([]float64{3, 1, 2}); m != 2 {
		t.Error(m)
	}
	if m := median([]float64{4, 1, 2, 3}); m != 2.5 {
		t.Error(m)
	}
	if !math.IsNaN(median(nil)) || !math.IsNaN(percentile(nil, 0.5)) {
		t.Error("of nothing")
	}
	v := make([]float64, 100)
	for i := range v {
		v[i] = float64(i + 1)
	}
	for q, want := range map[float64]float64{0: 1, 0.5: 50, 0.99: 99, 0.991: 100, 1: 100} {
		if got := percentile(v, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
}

func TestRatioPairsRounds(t *testing.T) {
	a := &Outcome{Samples: []Sample{{"x": 10}, {"x": 30}, {"x": 40}}}
	b := &Outcome{Samples: []Sample{{"x": 1}, {"x": 2}}}
	// The second round of b stands for its third.
	x := Metric{Name: "x"}
	if q := ratio(a, b, x); q != (Ratio{15, 10, 20}) {
		t.Error(q)
	}
	if q := ratio(a, nil, x); !math.IsNaN(q.Median) {
		t.Error(q)
	}
	b.Size, x.Whole = 5, true
	if q := ratio(a, b, x); !math.IsNaN(q.Median) {
		t.Error("compares runs of different sizes", q)
	}
}

func TestReadTrace(t *testing.T) {
	const text = `gc 1 @0.004s 3%: 0.02+0.5+0.02 ms clock, 0.03+0.1/0.3/0+0.05 ms cpu, 4->4->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P
something else
gc 2 @0.010s 3%: 0.02+0.5+0.02 ms clock, 0.03+0.1/0.3/0+0.05 ms cpu, 5->6->2 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P
`
	if cycles, allocated := readTrace(text); cycles != 2 || allocated != 8e6 {
		t.Error(cycles, allocated)
	}
}
