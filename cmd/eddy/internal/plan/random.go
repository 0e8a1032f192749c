package plan

import (
	"math"
	"math/rand/v2"
	"time"
)

// A key is the source of the random numbers of a call. It depends only on the seed and
// on which call it is, among all calls that a call of the first caller leads to.
type key uint64

// derive returns the key of part n of k: an attempt, a random number, or the call of a
// relay. It is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable
// Pseudorandom Number Generators, OOPSLA 2014).
func (k key) derive(n uint64) key {
	x := uint64(k) + (n+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return key(x ^ x>>31)
}

// float returns a number in [0, 1).
func (k key) float() float64 { return float64(k>>11) / (1 << 53) }

// The parts of the key of an attempt.
const (
	requestLost = iota
	replyLost
	roundTrip
	relayed // the call that a relay makes for it
)

// callTimes are the times at which calls begin: a Poisson process.
type callTimes struct {
	random *rand.Rand
	gap    float64 // the mean, in nanoseconds
	latest float64
}

func newCallTimes(m *Model) callTimes {
	return callTimes{random: rand.New(rand.NewPCG(m.Seed, 0xeddc)), gap: float64(time.Second) / m.rate()}
}

func (c *callTimes) next() time.Duration {
	c.latest += -math.Log1p(-c.random.Float64()) * c.gap
	return time.Duration(c.latest)
}
