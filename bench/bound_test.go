package main

import "testing"

// The case, the metric and the peers of each bound exist; otherwise it would never be checked.
func TestBoundsNameWhatExists(t *testing.T) {
	for _, b := range bounds {
		c := caseNamed(b.Case)
		if c.metric(b.Metric).Title == b.Metric && b.Metric != "p50" && b.Metric != "p99" && b.Metric != "flat" {
			t.Errorf("%s has no column %s", b.Case, b.Metric)
		}
		has := map[string]bool{}
		for _, e := range c.Entries {
			has[e.Peer] = true
		}
		if !has[b.Peer] || b.Against != "" && !has[b.Against] {
			t.Errorf("%s does not run %s and %s", b.Case, b.Peer, b.Against)
		}
		if b.Must == 0 {
			t.Errorf("%s, %s: no limit", b.Case, b.Metric)
		}
	}
}

func TestReached(t *testing.T) {
	least := Bound{Least: true, Must: 35, Aim: 50}
	most := Bound{Must: 0.1}
	for _, c := range []struct {
		b    Bound
		v    float64
		want string
	}{
		{least, 34, "no"}, {least, 35, "yes"}, {least, 51, "aim"},
		{most, 0.1, "yes"}, {most, 0.11, "no"},
	} {
		if got := c.b.reached(c.v); got != c.want {
			t.Errorf("%v of %+v: %s, want %s", c.v, c.b, got, c.want)
		}
	}
}
