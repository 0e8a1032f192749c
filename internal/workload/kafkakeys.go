package workload

import (
	"math/rand/v2"
	"slices"
)

// activeKeys are the keys that are in use. New keys are 0, 1, 2, ... in their order.
type activeKeys struct {
	rand   *rand.Rand
	keys   []int64
	writes []int // of each key
	next   int64 // the next new key
	limit  int   // the number of writes after which a new key takes a key's place
}

func newActiveKeys(random *rand.Rand, count, limit int) *activeKeys {
	k := &activeKeys{rand: random, limit: limit, writes: make([]int, count), next: int64(count)}
	for key := range int64(count) {
		k.keys = append(k.keys, key)
	}
	return k
}

// pick returns a key at random. Each is twice as likely as the one before.
func (k *activeKeys) pick() int64 {
	i := len(k.keys) - 1
	for i > 0 && k.rand.IntN(2) == 0 {
		i--
	}
	return k.keys[i]
}

// written counts a write to a key.
func (k *activeKeys) written(key int64) {
	i := slices.Index(k.keys, key)
	if k.writes[i]++; k.writes[i] >= k.limit {
		k.keys[i], k.writes[i] = k.next, 0
		k.next++
	}
}
