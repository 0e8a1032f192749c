package eddy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/retry"
)

// A feed is a transport whose input a test writes. It drops the output, so that all
// memory in use is the node's.
type feed struct {
	*io.PipeReader
	in     *io.PipeWriter
	buffer *bufio.Writer
}

func newFeed() feed {
	r, w := io.Pipe()
	return feed{r, w, bufio.NewWriterSize(w, 64<<10)}
}

func (feed) Write(p []byte) (int, error) { return len(p), nil }

// send adds a line to what flush writes.
func (f feed) send(format string, args ...any) { fmt.Fprintf(f.buffer, format+"\n", args...) }

func (f feed) flush() { f.buffer.Flush() }

// serveFed serves a node n1 until the end of the test.
func serveFed(t *testing.T, n *eddy.Node) feed {
	f := newFeed()
	served := make(chan error, 1)
	go func() { served <- n.Serve(context.Background(), f) }()
	f.send(`{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}`)
	f.flush()
	synctest.Wait()
	t.Cleanup(func() {
		f.in.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return f
}

// usage is what a process uses.
type usage struct {
	heap       uint64
	goroutines int
}

// measure returns what the process uses when it is idle.
func measure() usage {
	synctest.Wait()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return usage{m.HeapAlloc, runtime.NumGoroutine()}
}

// openNow returns how many calls and requests of a node are open.
func openNow(n *eddy.Node) (calls, requests int64) {
	s := n.Stats()
	return s.OpenCalls, s.OpenRequests
}

// goroutines returns how many goroutines there are, see goroutinesOver.
func goroutines() int {
	runtime.GC()
	return runtime.NumGoroutine()
}

// goroutinesOver returns how many goroutines there are if they are more than most, and
// otherwise 0. During a garbage collection runtime.NumGoroutine also counts goroutines
// that have ended, so it is asked again after one.
func goroutinesOver(most int) int {
	if runtime.NumGoroutine() <= most {
		return 0
	}
	if count := goroutines(); count > most {
		return count
	}
	return 0
}

// mustNotGrow runs a round twice, and compares what the process uses after each. The first
// round also makes what stays on purpose, such as buffers.
func mustNotGrow(t *testing.T, n *eddy.Node, round func()) {
	t.Helper()
	round()
	before := measure()
	round()
	after := measure()
	if calls, requests := openNow(n); calls != 0 || requests != 0 {
		t.Errorf("%d calls and %d requests are left open", calls, requests)
	}
	if after.goroutines > before.goroutines+5 {
		t.Errorf("%d goroutines, there were %d", after.goroutines, before.goroutines)
	}
	if after.heap > before.heap+1<<20 {
		t.Errorf("%d bytes of heap, there were %d", after.heap, before.heap)
	}
}

// Late replies, duplicates, and replies to unknown messages leave nothing in memory.
func TestUnwantedRepliesLeaveNothing(t *testing.T) {
	for _, policy := range []*eddy.Policy{{}, {Late: retry.Ignore}} {
		open := 1000 // calls, of 100 unwanted replies each
		if policy.Late == retry.Ignore {
			open = 100
		}
		t.Run(policy.Late.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
				mustNotGrow(t, n, unwantedReplies(t, n, serveFed(t, n), policy, open))
			})
		})
	}
}

func unwantedReplies(t *testing.T, n *eddy.Node, f feed, policy *eddy.Policy, open int) func() {
	return func() {
		before := n.Stats()
		first := before.Out // the msg_id of the next message
		reply := func(id int64) {
			f.send(`{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":%d,"msg_id":7}}`, id)
		}
		var calls sync.WaitGroup
		for range open {
			calls.Go(func() { n.RPCWithRetry(t.Context(), "n2", eddy.Raw(`{"type":"read"}`), policy) })
		}
		time.Sleep(600 * time.Millisecond) // all are in their second attempt
		for id := range int64(open) {
			reply(first + id) // late
		}
		for range 48 { // duplicates, or once more too late
			for id := range int64(open) {
				reply(first + id)
			}
		}
		for id := range int64(open) { // in time, if the late one did not count
			reply(first + int64(open) + id)
		}
		f.flush()
		calls.Wait()
		for id := range int64(50 * open) { // unknown: never sent, or long ago
			reply((first + 1<<40 - id) * (id % 2))
		}
		f.flush()
		synctest.Wait()
		after := n.Stats()
		late, strays := after.Late-before.Late, after.Strays-before.Strays
		switch policy.Late {
		case retry.Accept:
			if late != int64(open) || strays != int64(99*open) {
				t.Errorf("%d late replies and %d strays, want %d and %d", late, strays, open, 99*open)
			}
		case retry.Ignore:
			if late != int64(49*open) || strays != int64(50*open) {
				t.Errorf("%d late replies and %d strays, want %d and %d", late, strays, 49*open, 50*open)
			}
		}
		if failures := after.Failures - before.Failures; failures != 0 {
			t.Errorf("%d calls failed", failures)
		}
	}
}

// Calls whose contexts end during the first or the second attempt leave nothing in memory.
func TestCancelledCallsLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		serveFed(t, n)
		round := func() {
			reason := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			var calls sync.WaitGroup
			for i := range 10_000 {
				calls.Go(func() {
					_, attempts, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"read"}`), &eddy.Policy{
						Timeout: []time.Duration{time.Hour, 300 * time.Millisecond}[i%2],
					})
					if !errors.Is(err, reason) || attempts != i%2+1 {
						t.Errorf("call %d ended with %v after %d attempts", i, err, attempts)
					}
				})
			}
			time.Sleep(500 * time.Millisecond)
			start := time.Now()
			cancel(reason)
			calls.Wait()
			if took := time.Since(start); took != 0 {
				t.Errorf("it took %v for the calls to end", took)
			}
		}
		mustNotGrow(t, n, round)
	})
}

// Calls with callbacks leave nothing in memory, though their context goes on.
func TestCallbacksLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		f := serveFed(t, n)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		const calls = 20_000
		mustNotGrow(t, n, func() {
			ended := 0
			first := n.Stats().Out
			for range calls {
				if err := n.Call(ctx, "n2", eddy.Raw(`{"type":"read"}`), nil, func(eddy.Result) { ended++ }); err != nil {
					t.Fatal(err)
				}
			}
			for id := range int64(calls) {
				f.send(`{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":%d}}`, first+id)
			}
			f.flush()
			synctest.Wait()
			if ended != calls {
				t.Errorf("%d callbacks, want %d", ended, calls)
			}
		})
	})
}

// A context that ended before the call sends nothing.
func TestCallWithEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		serveFed(t, n)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, attempts, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"read"}`), nil)
		var failed *eddy.CallError
		if !errors.Is(err, context.Canceled) || !errors.As(err, &failed) || !failed.Definite() || attempts != 0 {
			t.Errorf("the call ended with %v after %d attempts", err, attempts)
		}
		if n.Stats().Attempts != 0 {
			t.Error("something was sent")
		}
	})
}
