package report

import (
	"slices"
	"sort"
	"time"
)

// A scale maps times to heights. It is linear but where nothing happens for
// long: such a silence is cut short, and drawn as a break, since otherwise one
// lost answer's timeout would press all that matters into a few lines.
type scale struct {
	times   []time.Duration // ascending
	heights []float64       // of each
	slope   float64         // per nanosecond, where no break is
	silence time.Duration   // what is longer is cut to this
}

// longest is how high a silence may be drawn, in pixels.
const longest = 110

// newScale makes a scale of a height on which all times have a place.
func newScale(times []time.Duration, height float64) scale {
	slices.Sort(times)
	times = slices.Compact(times)
	s := scale{times: times, heights: make([]float64, len(times)), silence: times[len(times)-1] - times[0]}
	// To cut makes all else higher, and so more to cut; three shares of the
	// whole are never too much.
	most := max(longest, 3*height/float64(len(times)))
	for range 40 {
		next := time.Duration(most * float64(s.total()) / height)
		if next >= s.silence {
			break
		}
		s.silence = next
	}
	s.slope = height / float64(s.total())
	for i := 1; i < len(times); i++ {
		s.heights[i] = s.heights[i-1] + s.slope*float64(min(times[i]-times[i-1], s.silence))
	}
	return s
}

func (s *scale) total() (sum time.Duration) {
	for i := 1; i < len(s.times); i++ {
		sum += min(s.times[i]-s.times[i-1], s.silence)
	}
	return max(sum, 1)
}

// at is the height of a time; beyond the ends it goes on as steeply.
func (s *scale) at(t time.Duration) float64 {
	i := sort.Search(len(s.times), func(i int) bool { return s.times[i] > t })
	switch i {
	case 0:
		return s.slope * float64(t-s.times[0])
	case len(s.times):
		return s.heights[i-1] + s.slope*float64(t-s.times[i-1])
	}
	share := float64(t-s.times[i-1]) / float64(s.times[i]-s.times[i-1])
	return s.heights[i-1] + share*(s.heights[i]-s.heights[i-1])
}

// breaks are the silences that were cut, by their ends.
func (s *scale) breaks() (all [][2]time.Duration) {
	for i := 1; i < len(s.times); i++ {
		if s.times[i]-s.times[i-1] > s.silence {
			all = append(all, [2]time.Duration{s.times[i-1], s.times[i]})
		}
	}
	return all
}
