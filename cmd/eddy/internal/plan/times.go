package plan

import (
	"math/bits"
	"time"
)

// times are how long calls took. Times whose ten highest bits are the same share a
// slot, and a quantile is a slot's mean: right to 1/512, and exactly where all times
// of a slot are the same.
type times struct {
	slots []slot
	count int
}

type slot struct {
	count int
	sum   float64
}

const slotBits = 9 // beside the highest bit

func (t *times) add(d time.Duration) {
	at := slotOf(uint64(d))
	for at >= len(t.slots) {
		t.slots = append(t.slots, make([]slot, at+1-len(t.slots)+1<<slotBits)...)
	}
	t.slots[at].count++
	t.slots[at].sum += float64(d)
	t.count++
}

// slotOf grows with d.
func slotOf(d uint64) int {
	over := bits.Len64(d >> slotBits) // how many bits are too many
	if over <= 1 {
		return int(d)
	}
	return (over-1)<<slotBits + int(d>>(over-1))
}

// quantile is the time that a share q of all are at most.
func (t *times) quantile(q float64) time.Duration {
	rank := int(q * float64(t.count))
	for _, s := range t.slots {
		if rank -= s.count; rank < 0 {
			return time.Duration(s.sum / float64(s.count))
		}
	}
	return 0
}

// shares are points of the distribution, at most n: how long it took, and the
// share of calls that took no longer.
func (t *times) shares(n int) (points []Point) {
	for i := range n {
		q := float64(i) / float64(n-1)
		points = append(points, Point{t.quantile(min(q, 0.9995)).Seconds() * 1000, q})
	}
	return points
}

// A Point is a point of a curve.
type Point struct{ X, Y float64 }
