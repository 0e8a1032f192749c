package report

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However times lie, the scale keeps their order and has the height it shall.
func TestScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 100).Draw(t, "gaps")
		times := []time.Duration{0}
		for _, gap := range gaps {
			times = append(times, times[len(times)-1]+time.Duration(gap))
		}
		s := newScale(append(times, times[len(times)-1]+1), 1000)
		last := -1.0
		for _, at := range s.times {
			if h := s.at(at); h <= last {
				t.Fatalf("%v is at %v, what is before it at %v", at, h, last)
			} else {
				last = h
			}
		}
		if last < 999 || last > 1001 {
			t.Fatalf("the height is %v", last)
		}
	})
}

func TestScaleCutsSilence(t *testing.T) {
	var times []time.Duration
	for i := range 50 {
		times = append(times, time.Duration(i)*time.Millisecond, 10*time.Second+time.Duration(i)*time.Millisecond)
	}
	s := newScale(times, 1600)
	if b := s.breaks(); len(b) != 1 || b[0][1] != 10*time.Second {
		t.Errorf("breaks: %v", b)
	}
	if h := s.at(10*time.Second) - s.at(49*time.Millisecond); h > longest+1 {
		t.Errorf("the silence is %v high", h)
	}
	if s := newScale([]time.Duration{0, 5, 9, 16, 21}, 500); len(s.breaks()) > 0 {
		t.Errorf("even times are broken at %v", s.breaks())
	}
}
