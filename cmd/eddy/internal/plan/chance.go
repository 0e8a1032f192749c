package plan

import (
	"math"
	"math/rand/v2"
	"time"
)

// A key is where the chance of a call begins: it depends on the seed and on which
// call it is, of all those that the first caller's call has led to.
type key uint64

// of is the key of something that belongs to k: an attempt, a draw, a relay's
// call. It is SplitMix64's finalizer (Steele, Lea, Flood, OOPSLA 2014).
func (k key) of(n uint64) key {
	x := uint64(k) + (n+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return key(x ^ x>>31)
}

// share is a number from 0 up to 1, 1 excluded.
func (k key) share() float64 { return float64(k>>11) / (1 << 53) }

// What is drawn for an attempt.
const (
	requestLost = iota
	replyLost
	roundTrip
	relayed // the call that a relay makes for it
)

// beginnings are the times at which calls begin: a Poisson process.
type beginnings struct {
	random *rand.Rand
	gap    float64 // mean, in nanoseconds
	at     float64
}

func newBeginnings(m *Model) beginnings {
	return beginnings{random: rand.New(rand.NewPCG(m.Seed, 0xeddc)), gap: float64(time.Second) / m.rate()}
}

func (b *beginnings) next() time.Duration {
	b.at += -math.Log1p(-b.random.Float64()) * b.gap
	return time.Duration(b.at)
}
