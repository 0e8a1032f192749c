package eddy_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// Nodes increment a number in seq-kv and read it, on a network that loses, delays and
// duplicates. Every fresh read returns at least the value of the last update that ended
// before the read began. Some plain reads do not, so that the test would find it.
func TestFreshOnABadNetwork(t *testing.T) {
	fresh, stale := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		lose, double := rapid.Float64Range(0, 0.3).Draw(rt, "lose"), rapid.Float64Range(0, 0.5).Draw(rt, "double")
		delay := int64(rapid.IntRange(1, 300).Draw(rt, "delay")) * int64(time.Millisecond)
		count, rounds := rapid.IntRange(2, 4).Draw(rt, "nodes"), rapid.IntRange(1, 10).Draw(rt, "rounds")
		withServices(t, count, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
			net.Script(func(eddy.Message) (fate eddytest.Fate) {
				for p := 1.0; random.Float64() < p; p = double {
					if random.Float64() >= lose {
						fate = append(fate, time.Duration(random.Int64N(delay)))
					}
				}
				return fate
			})
			var mu sync.Mutex
			ended := 0 // the highest value of an update that has ended
			// read reads several times, and counts the values that are older than that.
			read := func(f func(context.Context, any) (int, error), times int) (good, old int) {
				for range times {
					mu.Lock()
					least := ended
					mu.Unlock()
					switch got, err := f(context.Background(), "x"); {
					case err != nil: // a timeout, or the key does not exist yet
					case got < least:
						old++
					default:
						good++
					}
				}
				return good, old
			}
			var all sync.WaitGroup
			all.Go(func() {
				_, old := read(eddy.SeqKV[int](nodes[0]).Read, 10*rounds)
				mu.Lock()
				defer mu.Unlock()
				stale += old
			})
			for _, n := range nodes[1:] {
				kv := eddy.SeqKV[int](n)
				all.Go(func() {
					for range rounds {
						v, _ := kv.Update(context.Background(), "x", increment)
						mu.Lock()
						ended = max(ended, v)
						mu.Unlock()
					}
				})
				all.Go(func() {
					good, old := read(kv.Fresh, rounds)
					if old > 0 {
						rt.Errorf("%d fresh reads were stale", old)
					}
					mu.Lock()
					defer mu.Unlock()
					fresh += good
				})
			}
			all.Wait()
		})
	})
	if fresh < 100 || stale < 20 {
		t.Errorf("%d fresh reads, and %d stale ones: too few", fresh, stale)
	}
	t.Logf("%d fresh reads; %d plain ones were stale", fresh, stale)
}
