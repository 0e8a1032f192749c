package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

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

// An OnInit that fails runs again and asks for its loops again. Each loop still runs once.
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
			if m := c.Call("n1", `{"type":"init","node_id":"n1","node_ids":["n1"]}`); m.Type() != want {
				t.Errorf("the reply is %s, want %s", m.Body, want)
			}
		}
		time.Sleep(2500 * time.Millisecond)
		if before.Load() != 3 || within.Load() != 3 {
			t.Errorf("%d and %d rounds, want 3 and 3", before.Load(), within.Load())
		}
	})
}

// withPeers runs a test with a node and four peers. n2 replies at once, n3 after 100 ms,
// n4 after 200 ms with an error, and n5 never.
func withPeers(t *testing.T, test func(t *testing.T, net *eddytest.Net, n *eddy.Node)) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2", "n3", "n4", "n5")
		n := &eddy.Node{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		n.Handle("ask", func(ctx context.Context, _ *eddy.Request) (any, error) {
			count := 0
			for range n.Broadcast(ctx, peers, eddy.Raw(`{"type":"read"}`), nil) {
				count++
			}
			return map[string]any{"count": count}, nil
		})
		n.HandleInline("inline", func(ctx context.Context, _ *eddy.Request) (any, error) {
			for r := range n.Broadcast(ctx, peers, eddy.Raw(`{"type":"read"}`), nil) {
				return nil, r.Err
			}
			return nil, nil
		})
		n.HandleInline("echo", func(context.Context, *eddy.Request) (any, error) { return map[string]any{}, nil })
		net.Start("n1", n)
		for name, reply := range map[string]string{"n2": `{"type":"read_ok","value":2}`, "n3": `{"type":"read_ok","value":3}`, "n4": `{"type":"error","code":22}`, "n5": ""} {
			peer := net.Client(name)
			peer.Handle(func(m eddy.Message) {
				if reply != "" {
					peer.Reply(m, reply)
				}
			})
		}
		net.Delay("n3", "n1", 100*time.Millisecond)
		net.Delay("n4", "n1", 200*time.Millisecond)
		test(t, net, n)
	})
}

var peers = []string{"n5", "n4", "n3", "n2"}

// texts returns what results say, in their order, and when they came.
func texts(results iter.Seq[eddy.Result], atMost int) string {
	var b strings.Builder
	start := time.Now()
	for r := range results {
		fmt.Fprintf(&b, "%v %s %d", time.Since(start), r.Dest, r.Attempts)
		if value := r.Reply.Body.Get("value"); value != nil {
			fmt.Fprintf(&b, " value %s", value)
		}
		if r.Err != nil {
			fmt.Fprintf(&b, " %v", r.Err)
		}
		b.WriteString("\n")
		if atMost--; atMost == 0 {
			break
		}
	}
	return b.String()
}

const firstTwo = "0s n2 1 value 2\n100ms n3 1 value 3\n"

func TestBroadcast(t *testing.T) {
	body := map[string]any{"type": "read"}
	withPeers(t, func(t *testing.T, net *eddytest.Net, n *eddy.Node) {
		want := firstTwo + "200ms n4 1 RPC to n4 failed: precondition-failed\n1.5s n5 3 RPC failed after 3 attempts\n"
		if got := texts(n.Broadcast(t.Context(), peers, body, nil), 9); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		var order []string
		for _, e := range net.Journal() {
			if e.Message.Src == "n1" && e.At == 0 {
				order = append(order, e.Message.Dest)
			}
		}
		if !slices.Equal(order, peers) {
			t.Errorf("called in the order %v", order)
		}
		if all := slices.Collect(n.Broadcast(t.Context(), nil, body, nil)); all != nil {
			t.Error(all)
		}
		got := strings.Split(texts(n.Broadcast(t.Context(), []string{"n2", "", "n2"}, body, nil), 9), "\n")
		slices.Sort(got) // they come at the same time
		if !slices.Equal(got, []string{"", "0s  0 RPC to  failed before it was sent: dest is empty", "0s n2 1 value 2", "0s n2 1 value 2"}) {
			t.Errorf("%q", got)
		}
		if got := texts(n.Broadcast(t.Context(), peers[:1], func() {}, nil), 9); !strings.Contains(got, "before it was sent") {
			t.Error(got)
		}
	})
}

// Leaving the loop ends the other calls. Nothing more is sent for them.
func TestBroadcastQuorum(t *testing.T) {
	withPeers(t, func(t *testing.T, net *eddytest.Net, n *eddy.Node) {
		if got := texts(n.Broadcast(t.Context(), peers, eddy.Raw(`{"type":"read"}`), nil), 2); got != firstTwo {
			t.Errorf("%s\nwant\n%s", got, firstTwo)
		}
		time.Sleep(time.Minute)
		if stats := n.Stats(); stats.Attempts != 4 || stats.Failures != 2 || stats.Strays != 1 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestBroadcastUntilItsContextEnds(t *testing.T) {
	withPeers(t, func(t *testing.T, net *eddytest.Net, n *eddy.Node) {
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		time.AfterFunc(150*time.Millisecond, func() { cancel(enough) })
		got := texts(n.Broadcast(ctx, peers, eddy.Raw(`{"type":"read"}`), nil), 9)
		want := firstTwo + "150ms n5 1 RPC to n5 failed: enough\n150ms n4 1 RPC to n4 failed: enough\n"
		if got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		for r := range n.Broadcast(ctx, peers, eddy.Raw(`{"type":"read"}`), nil) {
			if !errors.Is(r.Err, enough) || r.Attempts != 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}

// In a handler Broadcast waits for the calls and delays no other handler. An inline
// handler cannot wait.
func TestBroadcastInHandlers(t *testing.T) {
	withPeers(t, func(t *testing.T, net *eddytest.Net, n *eddy.Node) {
		c := net.Client("c1")
		asked, start := c.Request("n1", `{"type":"ask"}`), time.Now()
		c.Call("n1", `{"type":"echo"}`)
		if took := time.Since(start); took != 0 {
			t.Errorf("echo took %v", took)
		}
		if m := c.Await(asked); string(m.Body.Get("count")) != "4" || time.Since(start) != 1500*time.Millisecond {
			t.Errorf("%s after %v", m.Body, time.Since(start))
		}
		if m := c.Call("n1", `{"type":"inline"}`); !strings.Contains(m.Body.String(), "the inline handler of inline would wait for a reply") {
			t.Errorf("%s", m.Body)
		}
	})
}

// A Seen knows exactly the latest Max keys that were new.
func TestSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := eddy.Seen[int]{Max: rapid.IntRange(1, 5).Draw(t, "max")}
		var model []int
		for _, key := range rapid.SliceOfN(rapid.IntRange(0, 8), 0, 60).Draw(t, "keys") {
			isNew := true
			for _, known := range model {
				isNew = isNew && known != key
			}
			if isNew {
				model = append(model, key)
				model = model[max(0, len(model)-seen.Max):]
			}
			if got := seen.Add(key); got != isNew || seen.Len() != len(model) {
				t.Fatalf("Add(%d) is %v with %d keys, want %v with %v", key, got, seen.Len(), isNew, model)
			}
		}
	})
}

func TestSeenByDefault(t *testing.T) {
	var seen eddy.Seen[int]
	for i := range 100_001 {
		if !seen.Add(i) {
			t.Fatalf("%d is not new", i)
		}
	}
	if seen.Len() != 100_000 || seen.Add(1) || !seen.Add(0) {
		t.Errorf("it has %d keys", seen.Len())
	}
}

func TestSeenConcurrently(t *testing.T) {
	var seen eddy.Seen[int]
	var news atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 1000 {
				if seen.Add(i) {
					news.Add(1)
				}
			}
		})
	}
	all.Wait()
	if news.Load() != 1000 {
		t.Errorf("%d were new", news.Load())
	}
}
