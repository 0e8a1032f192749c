package eddy_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/retry"
)

func TestUpdate(t *testing.T) {
	withServices(t, 1, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
		ctx, kv := t.Context(), eddy.LinKV[map[string]int](nodes[0])
		refused := errors.New("no")
		for _, step := range []struct {
			name   string
			f      func(old map[string]int, exists bool) (map[string]int, error)
			want   map[string]int
			err    error
			swaps  int
			exists bool
		}{
			{"an error without the key", func(old map[string]int, _ bool) (map[string]int, error) { return old, refused }, nil, refused, 0, false},
			{"the zero value makes the key", func(old map[string]int, _ bool) (map[string]int, error) { return old, nil }, nil, nil, 1, false},
			{"in place", func(old map[string]int, _ bool) (map[string]int, error) {
				old["a"], old["b"] = 1, 2
				return old, nil
			}, map[string]int{"a": 1, "b": 2}, nil, 1, true},
			{"the same again", func(old map[string]int, _ bool) (map[string]int, error) { return maps.Clone(old), nil }, map[string]int{"a": 1, "b": 2}, nil, 0, true},
			{"an error", func(old map[string]int, _ bool) (map[string]int, error) { return old, refused }, nil, refused, 0, true},
		} {
			before := sent(net, "lin-kv", "cas")
			got, err := kv.Update(ctx, "m", func(old map[string]int, exists bool) (map[string]int, error) {
				if exists != step.exists {
					t.Errorf("%s: exists is %v", step.name, exists)
				}
				return step.f(old, exists)
			})
			if !maps.Equal(got, step.want) || err != step.err {
				t.Errorf("%s: %v, %v", step.name, got, err)
			}
			if swaps := sent(net, "lin-kv", "cas") - before; swaps != step.swaps {
				t.Errorf("%s: %d swaps", step.name, swaps)
			}
		}
		if _, err := eddy.LWWKV[int](nodes[0]).Update(ctx, "m", increment); !errors.Is(err, eddy.NotSupported) {
			t.Error(err)
		}
		kv.Races = &eddy.Policy{Attempts: -1}
		if _, err := kv.Update(ctx, "m", func(old map[string]int, _ bool) (map[string]int, error) { return old, nil }); err == nil || !strings.Contains(err.Error(), "races: attempts: -1") {
			t.Error(err)
		}
	})
}

// While f runs, another node creates the key with the value that f returns. Both updates
// count.
func TestUpdateMakesKeyWhileAnotherDoes(t *testing.T) {
	withServices(t, 2, func(t *testing.T, _ *eddytest.Net, nodes []*eddy.Node) {
		ctx, calls := t.Context(), 0
		got, err := eddy.LinKV[int](nodes[0]).Update(ctx, "x", func(old int, exists bool) (int, error) {
			if calls++; calls == 1 {
				if _, err := eddy.LinKV[int](nodes[1]).Update(ctx, "x", increment); err != nil {
					t.Error(err)
				}
			} else if !exists {
				t.Error("the key is not there in the second race")
			}
			return old + 1, nil
		})
		if got != 2 || err != nil || calls != 2 {
			t.Errorf("%d, %v after %d calls", got, err, calls)
		}
	})
}

// Without a reply Update ends, because a second swap could have a second effect.
func TestUpdateTimeouts(t *testing.T) {
	withServices(t, 1, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
		ctx, kv := t.Context(), eddy.LinKV[int](nodes[0])
		kv.Changes = &eddy.Policy{Attempts: 5, Hedge: 100 * time.Millisecond, RetryOn: []int{22}} // not for Update
		if _, err := kv.Update(ctx, "x", increment); err != nil {
			t.Fatal(err)
		}
		for name, fate := range map[string]func(m eddy.Message) eddytest.Fate{
			"the swap is lost": func(m eddy.Message) eddytest.Fate {
				if m.Type() == "cas" {
					return eddytest.Lost
				}
				return eddytest.Arrives
			},
			"its reply is lost": func(m eddy.Message) eddytest.Fate {
				if m.Type() == "cas_ok" {
					return eddytest.Lost
				}
				return eddytest.Arrives
			},
		} {
			calls, before := 0, sent(net, "lin-kv", "cas")
			net.Script(fate)
			_, err := kv.Update(ctx, "x", func(old int, _ bool) (int, error) { calls++; return old + 1, nil })
			net.Script(nil)
			if !errors.Is(err, eddy.ErrIndefinite) || !errors.Is(err, eddy.Timeout) ||
				err.Error() != `update "x" in lin-kv: RPC failed after 1 attempts; it may have had an effect` {
				t.Errorf("%s: %v", name, err)
			}
			if swaps := sent(net, "lin-kv", "cas") - before; swaps != 1 || calls != 1 {
				t.Errorf("%s: %d swaps, %d calls of f", name, swaps, calls)
			}
		}
		if v, err := kv.Read(ctx, "x"); v != 2 || err != nil {
			t.Error(v, err)
		}
		net.Cut("n1", "lin-kv") // before any swap nothing can have had an effect
		if _, err := kv.Update(ctx, "x", increment); !errors.Is(err, eddy.Timeout) || errors.Is(err, eddy.ErrIndefinite) {
			t.Error(err)
		}
	})
}

// With Again Update goes on after a timeout. If it fails then, its error says that an
// earlier swap may have had an effect, also if f fails.
func TestUpdateAgain(t *testing.T) {
	withServices(t, 1, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
		ctx, kv := t.Context(), eddy.LinKV[[]string](nodes[0])
		kv.Again = true
		add := func(id string) func([]string, bool) ([]string, error) {
			return func(old []string, _ bool) ([]string, error) {
				if slices.Contains(old, id) {
					return old, nil
				}
				return append(old, id), nil
			}
		}
		for id, lost := range map[string]string{"a swap that is lost": "cas", "a reply that is lost": "cas_ok"} {
			loseOne(net, lost)
			if _, err := kv.Update(ctx, "x", add(id)); err != nil {
				t.Error(err)
			}
		}
		if ids, err := kv.Read(ctx, "x"); len(ids) != 2 || err != nil {
			t.Error(ids, err)
		}

		loseOne(net, "cas")
		calls, refused := 0, errors.New("no")
		_, err := kv.Update(ctx, "x", func(old []string, _ bool) ([]string, error) {
			if calls++; calls == 2 {
				return nil, refused
			}
			return append(old, "late"), nil
		})
		if !errors.Is(err, eddy.ErrIndefinite) || !errors.Is(err, refused) || err.Error() != "no; it may have had an effect" {
			t.Error(err)
		}

		kv.Races = &eddy.Policy{Attempts: 2}
		net.Script(func(m eddy.Message) eddytest.Fate {
			if m.Type() == "cas" {
				return eddytest.Lost
			}
			return eddytest.Arrives
		})
		_, err = kv.Update(ctx, "x", add("never written"))
		if !errors.Is(err, eddy.ErrIndefinite) || err.Error() != `update "x" in lin-kv: 2 races lost, attempts used up: RPC failed after 1 attempts; it may have had an effect` {
			t.Error(err)
		}
	})
}

// A handler that returns the error of Update must not reply with a definite code if a swap
// that timed out may have had an effect.
func TestUpdateAgainIsIndefinite(t *testing.T) {
	for name, second := range map[string]func(ctx context.Context, kv *eddy.KV[int]) error{
		"f refuses in the second race": func(context.Context, *eddy.KV[int]) error { return eddy.Abort },
		"and that one is lost":         func(ctx context.Context, kv *eddy.KV[int]) error { return kv.Write(ctx, "x", 7) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := eddytest.New(t, "n1")
				net.Services(1)
				var n eddy.Node
				kv, calls := eddy.LinKV[int](&n), 0
				kv.Again, kv.Races = true, &eddy.Policy{Attempts: 2}
				n.Handle("add", func(ctx context.Context, _ *eddy.Request) (any, error) {
					_, err := kv.Update(ctx, "x", func(old int, _ bool) (int, error) {
						if calls++; calls == 2 {
							return old + 1, second(ctx, kv)
						}
						return old + 1, nil
					})
					return nil, err
				})
				net.Start("n1", &n)
				loseOne(net, "cas_ok")
				m := net.Client("c1").Call("n1", `{"type":"add"}`)
				if code, ok := m.Body.Get("code").Int(); !ok || code != int64(eddy.Timeout) || calls != 2 {
					t.Errorf("the reply is %s after %d calls of f", m.Body, calls)
				}
			})
		})
	}
}

// loseOne makes the network lose the next message of a type.
func loseOne(net *eddytest.Net, typ string) {
	lost := false
	net.Script(func(m eddy.Message) eddytest.Fate {
		if m.Type() == typ && !lost {
			lost = true
			return eddytest.Lost
		}
		return eddytest.Arrives
	})
}

// lose returns an f that loses every race: another node changes the value while f runs.
func lose(t *testing.T, n *eddy.Node, calls *int) func(int, bool) (int, error) {
	return func(old int, _ bool) (int, error) {
		*calls++
		if err := eddy.SeqKV[int](n).Write(t.Context(), "x", old+1000); err != nil {
			t.Error(err)
		}
		return old + 1, nil
	}
}

func TestUpdateLosesRaces(t *testing.T) {
	for name, c := range map[string]struct {
		races *eddy.Policy
		limit time.Duration // of ctx
		want  string
		is    []error
		calls int
		took  time.Duration // at least; at most 100 ms more
	}{
		"used up":             {&eddy.Policy{Attempts: 3}, 0, "3 races lost, attempts used up", []error{eddy.PreconditionFailed}, 3, 0},
		"pauses":              {&eddy.Policy{Attempts: 4, Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Second}}, 0, "4 races lost, attempts used up", []error{eddy.PreconditionFailed}, 4, 3 * time.Second},
		"deadline":            {&eddy.Policy{Attempts: 9, Deadline: 2500 * time.Millisecond, Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Second}}, 0, "3 races lost, deadline passed", []error{eddy.PreconditionFailed}, 3, 2 * time.Second},
		"the ctx's deadline":  {&eddy.Policy{Attempts: 9, Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Second}}, 1500 * time.Millisecond, "2 races lost, deadline passed", []error{eddy.PreconditionFailed}, 2, time.Second},
		"the ctx ends":        {&eddy.Policy{Attempts: 9, Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Second}}, -1500 * time.Millisecond, "context canceled after 2 lost races", []error{eddy.PreconditionFailed, context.Canceled}, 2, 1500 * time.Millisecond},
		"the default is long": {nil, -2 * time.Second, "context canceled after", []error{context.Canceled}, 0, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			withServices(t, 2, func(t *testing.T, _ *eddytest.Net, nodes []*eddy.Node) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				switch {
				case c.limit > 0:
					ctx, cancel = context.WithTimeout(ctx, c.limit)
					defer cancel()
				case c.limit < 0:
					time.AfterFunc(-c.limit, cancel)
				}
				kv, calls, start := eddy.SeqKV[int](nodes[0]), 0, time.Now()
				kv.Races = c.races
				if err := kv.Write(ctx, "x", 0); err != nil {
					t.Fatal(err)
				}
				_, err := kv.Update(ctx, "x", lose(t, nodes[1], &calls))
				if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, eddy.ErrIndefinite) {
					t.Errorf("%v, want %s", err, c.want)
				}
				for _, is := range c.is {
					if !errors.Is(err, is) {
						t.Errorf("%v is not %v", err, is)
					}
				}
				if took := time.Since(start); took < c.took || took > c.took+100*time.Millisecond || c.calls > 0 && calls != c.calls {
					t.Errorf("it took %v and %d calls", took, calls)
				}
			})
		})
	}
}

// On seq-kv Update asks f again if f has refused or kept a value that may be old.
func TestUpdateDecidesOnFreshValues(t *testing.T) {
	withServices(t, 2, func(t *testing.T, _ *eddytest.Net, nodes []*eddy.Node) {
		ctx, ours, theirs := t.Context(), eddy.SeqKV[int](nodes[0]), eddy.SeqKV[int](nodes[1])
		odd, old, stale := errors.New("odd"), errors.New("old"), 0
		for i := range 200 {
			if err := theirs.Write(ctx, "x", i); err != nil {
				t.Fatal(err)
			}
			v, err := ours.Update(ctx, "x", func(got int, _ bool) (int, error) {
				switch {
				case got != i:
					stale++
					return got, old
				case i%2 == 1:
					return 0, odd
				}
				return got, nil
			})
			if i%2 == 0 && (v != i || err != nil) || i%2 == 1 && err != odd {
				t.Errorf("%d: %d, %v", i, v, err)
			}
		}
		if stale == 0 {
			t.Error("f never got an old value")
		}
	})
}

// A handler that waits in Update delays no other, also in a pause.
func TestUpdateInHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		net.Services(1)
		var n, other eddy.Node
		kv, calls := eddy.LinKV[int](&n), 0
		kv.Races = &eddy.Policy{Attempts: 3, Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Hour}}
		n.HandleInline("echo", func(context.Context, *eddy.Request) (any, error) { return map[string]any{}, nil })
		n.Handle("add", func(ctx context.Context, _ *eddy.Request) (any, error) {
			v, err := kv.Update(ctx, "x", func(old int, _ bool) (int, error) {
				if calls++; calls < 3 {
					return old + 1, eddy.LinKV[int](&other).Write(ctx, "x", 10*calls)
				}
				return old + 1, nil
			})
			return map[string]any{"value": v}, err
		})
		net.Start("n1", &n)
		net.Start("n2", &other)
		c := net.Client("c1")
		c.Patience = 3 * time.Hour
		asked := c.Request("n1", `{"type":"add"}`)
		for range 3 {
			start := time.Now()
			c.Call("n1", `{"type":"echo"}`)
			if took := time.Since(start); took > time.Second {
				t.Errorf("echo took %v", took)
			}
			time.Sleep(30 * time.Minute)
		}
		if m := c.Await(asked); string(m.Body.Get("value")) != "21" {
			t.Errorf("the reply is %s", m.Body)
		}
	})
}
