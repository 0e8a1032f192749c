package eddy_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

func TestEveryAbout(t *testing.T) {
	for name, c := range map[string]struct {
		jitter      float64
		takes       time.Duration // by a round
		least, most time.Duration // from one round's beginning to the next one's
	}{
		"no jitter":   {0, 0, 100 * time.Millisecond, 100 * time.Millisecond},
		"a fifth":     {0.2, 0, 80 * time.Millisecond, 120 * time.Millisecond},
		"any":         {1, 0, 0, 200 * time.Millisecond},
		"slow rounds": {0.2, time.Second, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := eddytest.New(t)
				firsts := map[time.Duration]bool{}
				var sum time.Duration
				const nodes, rounds = 20, 50
				for i := range nodes {
					n, init := &eddy.Node{}, time.Now()
					beginnings := make(chan time.Time, 10*rounds)
					n.EveryAbout(100*time.Millisecond, c.jitter, func(context.Context) {
						beginnings <- time.Now()
						time.Sleep(c.takes)
					})
					name := fmt.Sprint("n", i)
					net.Start(name, n)
					var begun []time.Time
					for range rounds + 1 {
						begun = append(begun, <-beginnings)
					}
					net.Stop(name)
					time.Sleep(c.takes) // a round that has begun ends
					first := begun[0].Sub(init)
					if firsts[first] = true; first < 0 || first >= 100*time.Millisecond {
						t.Errorf("the first round began after %v", first)
					}
					for j := range rounds {
						d := begun[j+1].Sub(begun[j])
						if sum += d; d < c.least || d > c.most {
							t.Errorf("round %d came after %v", j+1, d)
						}
					}
				}
				if len(firsts) < nodes/2 {
					t.Errorf("%d nodes began at %d times", nodes, len(firsts))
				}
				mean := sum / (nodes * rounds)
				if want := max(100*time.Millisecond, c.takes); mean < want*9/10 || mean > want*11/10 {
					t.Errorf("a round came each %v, want %v", mean, want)
				}
			})
		})
	}
}

func TestEveryAboutEndsWithDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, n := eddytest.New(t), &eddy.Node{}
		var rounds atomic.Int64
		n.EveryAbout(time.Second, 0.5, func(context.Context) { rounds.Add(1) })
		net.Start("n1", n)
		time.Sleep(10 * time.Second)
		net.Stop("n1")
		before := rounds.Load()
		time.Sleep(time.Minute)
		if after := rounds.Load() - before; before < 6 || after != 0 {
			t.Errorf("%d rounds, and %d after the end", before, after)
		}
	})
}

func TestEveryAboutMistakes(t *testing.T) {
	for name, begin := range map[string]func(n *eddy.Node){
		"no period":    func(n *eddy.Node) { n.EveryAbout(0, 0.1, nil) },
		"below 0":      func(n *eddy.Node) { n.EveryAbout(1, -0.1, nil) },
		"over 1":       func(n *eddy.Node) { n.EveryAbout(1, 1.1, nil) },
		"no size":      func(n *eddy.Node) { eddy.NewBatcher[int](n, 0, 1, nil) },
		"no age":       func(n *eddy.Node) { eddy.NewBatcher[int](n, 1, 0, nil) },
		"plain, no d":  func(n *eddy.Node) { n.Every(0, nil) },
		"plain, below": func(n *eddy.Node) { n.Every(-1, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			begin(new(eddy.Node))
		})
	}
}

// An OnInit that fails is run again, and so asks for its loops again: they must not be
// two then.
func TestLoopsOfAnOnInitThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1")
		n, inits := &eddy.Node{}, 0
		var before, within atomic.Int32
		n.Every(time.Second, func(context.Context) { before.Add(1) })
		n.OnInit(func(context.Context) error {
			n.Every(time.Second, func(context.Context) { within.Add(1) })
			if inits++; inits == 1 {
				return eddy.Abort
			}
			return nil
		})
		transport := net.Join("n1")
		go n.Serve(t.Context(), transport)
		c := net.Client("c1")
		for _, want := range []string{"error", "init_ok"} {
			if m := c.Call("n1", `{"type":"init","node_id":"n1","node_ids":["n1"]}`); m.Type != want {
				t.Errorf("answered with %s, want %s", m.Body, want)
			}
		}
		time.Sleep(2500 * time.Millisecond)
		if before.Load() != 3 || within.Load() != 3 {
			t.Errorf("%d and %d rounds, want 3 and 3", before.Load(), within.Load())
		}
	})
}
