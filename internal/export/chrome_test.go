package export

import (
	"testing"

	"github.com/go-json-experiment/json"
)

// Spans of one thread do not overlap. Each process has a name. Each flow begins and ends where
// a span starts.
func TestChromeRules(t *testing.T) {
	var file chromeFile
	if err := json.Unmarshal(written(t, Chrome, stored(t)), &file); err != nil {
		t.Fatal(err)
	}
	named := map[int]bool{}
	ended := map[place]float64{}
	type start struct {
		place
		at float64
	}
	starts := map[start]bool{}
	flows := map[int]string{}
	for _, e := range file.Events {
		at := place{e.Process, e.Thread}
		switch e.Phase {
		case "M":
			named[e.Process] = e.Args["name"] != ""
		case "X":
			if *e.Duration < 0 || e.Time < ended[at] {
				t.Errorf("%s at %v: overlaps another span, or takes %v", e.Name, e.Time, *e.Duration)
			}
			ended[at] = e.Time + *e.Duration
			starts[start{at, e.Time}] = true
		case "s", "f":
			flows[e.ID] += e.Phase
			if !starts[start{at, e.Time}] {
				t.Errorf("flow %d has an end without a span", e.ID)
			}
		}
		if !named[e.Process] {
			t.Errorf("%s: process %d has no name", e.Name, e.Process)
		}
	}
	for id, ends := range flows {
		if ends != "sf" {
			t.Errorf("flow %d: %s", id, ends)
		}
	}
	if len(ended) < 5 || len(flows) < 5 {
		t.Errorf("%d threads and %d flows", len(ended), len(flows))
	}
}
