package eddy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A batchTest has a Batcher of 3 items or 100 ms, and records what flush gets and when.
type batchTest struct {
	*testing.T
	net   *eddytest.Net
	node  *eddy.Node
	start time.Time
	slow  time.Duration // flush takes
	b     *eddy.Batcher[int]
	mu    sync.Mutex
	log   []string
}

func testBatches(t *testing.T, test func(t *batchTest)) {
	synctest.Test(t, func(t *testing.T) {
		bt := &batchTest{T: t, net: eddytest.New(t), start: time.Now(), node: &eddy.Node{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}}
		bt.b = eddy.NewBatcher(bt.node, 3, 100*time.Millisecond, func(_ context.Context, batch []int) {
			bt.mu.Lock()
			bt.log = append(bt.log, fmt.Sprintf("%v%v", time.Since(bt.start), batch))
			bt.mu.Unlock()
			time.Sleep(bt.slow)
		})
		test(bt)
	})
}

func (t *batchTest) want(want string) {
	t.Helper()
	synctest.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	if got := strings.Join(t.log, " "); got != want {
		t.Errorf("batches %s\nwant    %s", got, want)
	}
}

func TestBatcher(t *testing.T) {
	ms := time.Millisecond
	for name, c := range map[string]struct {
		do   func(t *batchTest)
		want string
	}{
		"size": {func(t *batchTest) { t.b.Add(1, 2); t.b.Add(3); t.b.Add(4, 5, 6, 7) }, "0s[1 2 3 4 5 6 7]"},
		"size twice": {func(t *batchTest) {
			t.b.Add(1, 2, 3)
			time.Sleep(10 * ms)
			t.b.Add(4, 5, 6)
		}, "0s[1 2 3] 10ms[4 5 6]"},
		"age, of the first": {func(t *batchTest) {
			t.b.Add(1)
			time.Sleep(60 * ms)
			t.b.Add(2)
			time.Sleep(time.Second)
			t.b.Add(3)
			time.Sleep(time.Second)
		}, "100ms[1 2] 1.16s[3]"},
		"age begins anew after size": {func(t *batchTest) {
			t.b.Add(1)
			time.Sleep(50 * ms)
			t.b.Add(2, 3)
			time.Sleep(10 * ms)
			t.b.Add(4)
			time.Sleep(time.Second)
		}, "50ms[1 2 3] 160ms[4]"},
		"flush": {func(t *batchTest) { t.b.Flush(); t.b.Add(1); t.b.Flush(); synctest.Wait(); t.b.Add(2) }, "0s[1]"},
		"slow flush": {func(t *batchTest) {
			t.slow = time.Second
			for i := range 10 {
				t.b.Add(i)
				time.Sleep(10 * ms)
			}
			time.Sleep(5 * time.Second)
		}, "20ms[0 1 2] 1.02s[3 4 5 6 7 8 9]"},
		"age while flush is slow": {func(t *batchTest) {
			t.slow = 50 * ms
			t.b.Add(1, 2, 3)
			time.Sleep(10 * ms)
			t.b.Add(4)
			time.Sleep(time.Second)
		}, "0s[1 2 3] 110ms[4]"},
		"nothing": {func(t *batchTest) { t.b.Add(); t.b.Flush(); time.Sleep(time.Second) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			testBatches(t, func(t *batchTest) {
				t.net.Start("n1", t.node)
				c.do(t)
				t.want(c.want)
			})
		})
	}
}

func TestBatcherAtTheBeginning(t *testing.T) {
	testBatches(t, func(t *batchTest) {
		t.b.Add(1, 2, 3, 4)
		time.Sleep(time.Second)
		t.want("")
		t.net.Start("n1", t.node)
		t.want("1s[1 2 3 4]")
	})
}

// A node that never got init ends though a batch waits.
func TestBatcherWithoutInit(t *testing.T) {
	testBatches(t, func(t *batchTest) {
		ctx, end := context.WithCancel(t.Context())
		served := make(chan error)
		transport := t.net.Join("n1")
		go func() { served <- t.node.Serve(ctx, transport) }()
		t.b.Add(1)
		synctest.Wait()
		end()
		if err := <-served; err != nil || time.Since(t.start) > time.Second {
			t.Errorf("%v after %v", err, time.Since(t.start))
		}
	})
}

// The node ends when all items are flushed, those that are added meanwhile too. After the
// end of ctx flush can still call, and after the end of the input it can still send.
func TestBatcherDrains(t *testing.T) {
	for name, atEOF := range map[string]bool{"end of the context": false, "end of input": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net, n := eddytest.New(t), &eddy.Node{}
				n2 := net.Client("n2")
				n2.Handle(func(m eddy.Message) {
					time.Sleep(100 * time.Millisecond)
					if m.ID != eddy.NoID {
						n2.Reply(m, `{"type":"gossip_ok"}`)
					}
				})
				var got [][]int
				b := eddy.NewBatcher(n, 100, time.Hour, func(ctx context.Context, batch []int) {
					var err error
					if atEOF {
						err = n.Send("n2", eddy.Raw(`{"type":"gossip"}`))
					} else {
						_, err = n.RPC(ctx, "n2", eddy.Raw(`{"type":"gossip"}`))
					}
					if err != nil {
						t.Error(err)
					}
					got = append(got, batch)
				})
				n.Handle("add", func(context.Context, *eddy.Request) (any, error) {
					time.Sleep(time.Second)
					b.Add(3)
					return map[string]any{}, nil
				})
				ctx, end := context.WithCancel(t.Context())
				served, transport, c := make(chan error), net.Join("n1"), net.Client("c1")
				go func() { served <- n.Serve(ctx, transport) }()
				c.Call("n1", `{"type":"init","node_id":"n1","node_ids":["n1"]}`)
				start := time.Now()
				b.Add(1, 2)
				c.Request("n1", `{"type":"add"}`)
				time.Sleep(100 * time.Millisecond)
				want := time.Second
				if atEOF {
					go net.Stop("n1")
				} else {
					end()
					want += 100 * time.Millisecond // for the last call
				}
				if err := <-served; err != nil || time.Since(start) != want {
					t.Errorf("%v after %v, want %v", err, time.Since(start), want)
				}
				end()
				if fmt.Sprint(got) != "[[1 2] [3]]" {
					t.Errorf("flushed: %v", got)
				}
			})
		})
	}
}

// Many goroutines add items at the same time. Each item is flushed once, and those of one
// goroutine in their order. A flush that panics loses only its own batch.
func TestBatcherConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, n := eddytest.New(t), &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		const adders, each = 20, 200
		last, flushing, count := [adders]int{}, 0, 0
		b := eddy.NewBatcher(n, 16, time.Millisecond, func(_ context.Context, batch [][2]int) {
			if flushing++; flushing != 1 {
				t.Error("two flushes at the same time")
			}
			defer func() { flushing-- }()
			for _, item := range batch {
				if item[1] != last[item[0]]+1 {
					t.Errorf("%d of %d came after %d", item[1], item[0], last[item[0]])
				}
				last[item[0]] = item[1]
				count++
			}
			time.Sleep(time.Duration(count%3) * time.Millisecond)
			if count%7 == 0 {
				panic("seven")
			}
		})
		net.Start("n1", n)
		var all sync.WaitGroup
		for i := range adders {
			all.Go(func() {
				for j := range each {
					b.Add([2]int{i, j + 1})
					time.Sleep(time.Duration(j%2) * time.Millisecond)
				}
			})
		}
		all.Wait()
		net.Stop("n1")
		if count != adders*each {
			t.Errorf("%d items were flushed, want %d", count, adders*each)
		}
	})
}
