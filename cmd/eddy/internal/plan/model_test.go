package plan

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

func TestValidate(t *testing.T) {
	for want, m := range map[string]Model{
		"":                {Calls: 1, Loss: 1, Hops: 10, Capacity: 1, Queue: 1, Outage: Window{1, 1}},
		"--calls":         {Calls: -1},
		"--duration":      {Duration: -1},
		"--rate":          {Rate: math.NaN()},
		"--loss":          {Loss: 1.1},
		"--hops":          {Hops: 11},
		"--capacity":      {Capacity: -1},
		"--queue -":       {Queue: -1},
		"--queue 5":       {Queue: 5},
		"--outage":        {Outage: Window{-1, 0}},
		"must be at most": {Duration: 1000 * time.Hour, Rate: 1e9},
		"would take":      {Calls: 1000, Rate: 1e-6},
	} {
		err := m.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if n := (&Model{Duration: time.Minute, Calls: 100}).Expected(); n != 100 {
		t.Errorf("%d calls", n)
	}
}

// Durations that could overflow are refused.
func TestValidatePolicy(t *testing.T) {
	for p, want := range map[*retry.Policy]bool{
		nil:                                      true,
		{}:                                       true,
		{Attempts: 1_000_000}:                    true,
		{Timeout: 10_000 * time.Hour}:            false,
		{Attempts: 1 << 40}:                      false,
		{Attempts: 1 << 40, Deadline: time.Hour}: true,
	} {
		if err := ValidatePolicy(p); (err == nil) != want {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
