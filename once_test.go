package eddy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/retry"
)

// A rough network, and what is called over it.
type rough struct {
	seed         uint64
	calls        int
	lose, double float64 // of the messages
	delay        time.Duration
	slow         time.Duration // how long the callee may take
	busy         float64       // how often it invites a retry instead
	policy       eddy.Policy
	once         eddy.Once
}

func drawRough(t *rapid.T) *rough {
	ms := func(name string, least, most int) time.Duration {
		return time.Duration(rapid.IntRange(least, most).Draw(t, name)) * time.Millisecond
	}
	r := &rough{
		seed:   rapid.Uint64().Draw(t, "seed"),
		calls:  rapid.IntRange(1, 8).Draw(t, "calls"),
		lose:   rapid.Float64Range(0, 0.6).Draw(t, "lose"),
		double: rapid.Float64Range(0, 0.6).Draw(t, "double"),
		delay:  ms("delay", 0, 200),
		slow:   ms("slow", 0, 100),
		busy:   rapid.Float64Range(0, 0.5).Draw(t, "busy"),
		policy: eddy.Policy{
			Attempts: rapid.IntRange(1, 6).Draw(t, "attempts"),
			Timeout:  ms("timeout", 5, 150),
			RetryOn:  []int{11},
			Backoff:  retry.Backoff{Kind: retry.Constant, Base: ms("pause", 1, 50)},
		},
	}
	if rapid.Bool().Draw(t, "small table") {
		r.once.MaxReplies = rapid.IntRange(1, 4).Draw(t, "replies")
	}
	if rapid.Bool().Draw(t, "hedge") {
		r.policy.Hedge = min(5*time.Millisecond, r.policy.Timeout)
	}
	return r
}

// effects makes the calls, marked or not, and returns how many effects each had,
// and what was wrong with its reply.
func (r *rough) effects(t *testing.T, marked bool) (counts []int, wrong []string) {
	policy := r.policy
	policy.CallID = marked
	counts, wrong = make([]int, r.calls), make([]string, r.calls)
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(r.seed, 0))
		quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
		var mu sync.Mutex
		chance := func(p float64) bool { return random.Float64() < p }
		upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d) + 1)) }

		callee := &eddy.Node{Log: quiet}
		callee.Handle("add", r.once.Handler(func(_ context.Context, req *eddy.Request) (any, error) {
			op, _ := req.Body.Get("op").Int()
			mu.Lock()
			busy, slow := chance(r.busy), upTo(r.slow)
			if !busy {
				counts[op]++
			}
			mu.Unlock()
			if busy {
				return nil, eddy.TemporarilyUnavailable
			}
			time.Sleep(slow)
			return map[string]any{"op": op}, nil
		}))
		caller := &eddy.Node{Log: quiet}

		net := eddytest.New(t, "n1", "n2")
		net.Start("n1", caller)
		net.Start("n2", callee)
		net.Script(func(eddy.Message) eddytest.Fate {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case chance(r.lose):
				return eddytest.Lost
			case chance(r.double):
				return eddytest.Fate{upTo(r.delay), upTo(2 * r.delay)}
			}
			return eddytest.Fate{upTo(r.delay)}
		})
		var all sync.WaitGroup
		for op := range r.calls {
			all.Go(func() {
				time.Sleep(time.Duration(op) * time.Millisecond)
				body := eddy.Raw(fmt.Sprintf(`{"type":"add","op":%d}`, op))
				reply, _, err := caller.RPCWithRetry(context.Background(), "n2", body, &policy)
				if got, _ := reply.Body.Get("op").Int(); err == nil && got != int64(op) {
					wrong[op] = fmt.Sprintf("call %d got the reply %s", op, reply.Body)
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute) // what is still on its way arrives
	})
	return counts, wrong
}

// Under loss, duplication and reordering a marked call has at most one effect on a
// callee with Once, whatever its policy; without the mark some have more, so the
// test would see them.
func TestOnceHasOneEffect(t *testing.T) {
	seeds, more := 0, 0
	for range 30 { // of 100 each
		rapid.Check(t, func(rt *rapid.T) {
			r := drawRough(rt)
			counts, wrong := r.effects(t, true)
			for op, count := range counts {
				if count > 1 {
					rt.Errorf("marked call %d had %d effects", op, count)
				}
				if wrong[op] != "" {
					rt.Errorf("%s", wrong[op])
				}
			}
			counts, _ = r.effects(t, false)
			seeds++
			for _, count := range counts {
				if count > 1 {
					more++
				}
			}
		})
	}
	if more < 100 {
		t.Errorf("only %d unmarked calls of %d networks had more than one effect: they are not rough enough", more, seeds)
	}
	t.Logf("%d networks; without a mark %d calls had more than one effect", seeds, more)
}

// The table takes no more memory than it may, whoever calls.
func TestOnceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		once := eddy.Once{MaxReplies: 50, MaxBytes: 100_000}
		callee := &eddy.Node{}
		callee.Handle("pad", once.Handler(func(_ context.Context, req *eddy.Request) (any, error) {
			return eddy.Raw(fmt.Sprintf(`{"pad":"%01000d"}`, 7)), nil
		}))
		net := eddytest.New(t, "n1")
		net.Start("n1", callee)
		for life := range 1000 {
			c := net.Client(fmt.Sprint("c", life))
			for n := range 3 {
				c.Call("n1", fmt.Sprintf(`{"type":"pad","call":"life-%d/%d"}`, life, n))
			}
			if replies, bytes := once.Size(); replies > 50 || bytes > 100_000 {
				t.Fatalf("%d replies, %d bytes after %d lives", replies, bytes, life+1)
			}
		}
		if replies, bytes := once.Size(); replies == 0 || bytes < 50_000 {
			t.Errorf("%d replies, %d bytes: the room is not used", replies, bytes)
		}
	})
}
