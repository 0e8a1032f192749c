package eddy_test

import (
	"context"
	"errors"
	"fmt"
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

// A planned call begins at a time and has a policy. Each of its attempts gets the replies
// that are planned for it. No two events of a call happen at the same time: it begins and
// times out at multiples of 20 ms, replies come 1 to 11 ms after such a multiple, and its
// context ends 15 ms after one.
type planned struct {
	from, dest string
	start      time.Duration
	cancel     time.Duration // after start; 0 for never
	policy     eddy.Policy
	replies    [][]plannedReply // of each attempt
}

type plannedReply struct {
	after time.Duration
	kind  fate // inTime, stranger or errorReply
}

// An ending is what a caller learns, in short.
type ending struct {
	attempts int
	took     time.Duration
	with     string
}

// model computes how a planned call ends.
func (p planned) model() ending {
	limit := p.policy.Attempts
	e := ending{took: time.Duration(limit) * p.policy.Timeout, with: "timeout"}
	if p.cancel > 0 && p.cancel < e.took {
		e.took, e.with = p.cancel, "cancelled"
	}
	for k := 0; k < limit && time.Duration(k)*p.policy.Timeout < e.took; k++ {
		sent := time.Duration(k) * p.policy.Timeout
		for _, r := range p.replies[k] {
			late := r.after > p.policy.Timeout
			if r.kind == stranger || late && p.policy.Late == retry.Ignore || sent+r.after > e.took {
				continue
			}
			e.took, e.with = sent+r.after, fmt.Sprintf("%v to %d", r.kind, k)
		}
	}
	for sent := time.Duration(0); e.attempts < limit && sent < e.took; sent += p.policy.Timeout {
		e.attempts++
	}
	return e
}

func drawCall(t *rapid.T) planned {
	const tick = 20 * time.Millisecond
	ticks := func(name string, from, to int) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(t, name)) * tick
	}
	p := planned{
		from:  rapid.SampledFrom([]string{"n1", "n2", "n3"}).Draw(t, "from"),
		dest:  rapid.SampledFrom([]string{"s1", "s2"}).Draw(t, "dest"),
		start: ticks("start", 0, 100),
		policy: eddy.Policy{
			Attempts: rapid.IntRange(1, 5).Draw(t, "attempts"),
			Timeout:  ticks("timeout", 1, 40),
			Late:     rapid.SampledFrom([]retry.Late{retry.Accept, retry.Ignore}).Draw(t, "late"),
		},
	}
	if rapid.IntRange(0, 4).Draw(t, "cancelled") == 0 {
		p.cancel = ticks("cancel", 0, 120) + 15*time.Millisecond
	}
	offset := time.Duration(0)
	for range p.policy.Attempts {
		var replies []plannedReply
		for range rapid.IntRange(0, 2).Draw(t, "replies") {
			offset += time.Millisecond
			replies = append(replies, plannedReply{
				after: ticks("after", 0, 60) + offset,
				kind:  rapid.SampledFrom([]fate{inTime, stranger, errorReply}).Draw(t, "kind"),
			})
		}
		p.replies = append(p.replies, replies)
	}
	return p
}

// Several nodes make many calls at the same time, with random policies and replies. Each
// call ends as if it were the only one.
func TestManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(rapid.Custom(drawCall), 1, 60).Draw(rt, "calls")
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = makeCalls(t, plan) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// makeCalls makes all planned calls and describes the first one that did not end as its
// model says.
func makeCalls(t *testing.T, plan []planned) string {
	net := eddytest.New(t)
	nodes := make(map[string]*eddy.Node)
	for _, name := range []string{"n1", "n2", "n3"} {
		nodes[name] = &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net.Start(name, nodes[name])
	}
	replyPlanned(net, plan)

	endings := make([]ending, len(plan))
	var calls sync.WaitGroup
	for i, p := range plan {
		calls.Go(func() {
			time.Sleep(p.start)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if p.cancel > 0 {
				defer time.AfterFunc(p.cancel, cancel).Stop()
			}
			start := time.Now()
			body := map[string]any{"type": "read", "call": i}
			reply, attempts, err := nodes[p.from].RPCWithRetry(ctx, p.dest, body, &p.policy)
			endings[i] = ending{attempts, time.Since(start), endedWith(reply, err)}
		})
	}
	calls.Wait()
	time.Sleep(time.Minute) // for the last replies
	synctest.Wait()
	for i, p := range plan {
		if want := p.model(); endings[i] != want {
			return fmt.Sprintf("call %d %+v\nended %+v\n want %+v", i, p, endings[i], want)
		}
	}
	for name, n := range nodes {
		if calls, requests := openNow(n); calls != 0 || requests != 0 {
			return fmt.Sprintf("%s has %d calls and %d requests open", name, calls, requests)
		}
	}
	return ""
}

// replyPlanned plays s1 and s2, and the node that was not asked.
func replyPlanned(net *eddytest.Net, plan []planned) {
	var mu sync.Mutex
	asked := make([]int, len(plan))
	other := net.Client("other")
	for _, name := range []string{"s1", "s2"} {
		server := net.Client(name)
		server.Handle(func(m eddy.Message) {
			call, _ := m.Body.Get("call").Int()
			mu.Lock()
			attempt := asked[call]
			asked[call]++
			mu.Unlock()
			for _, r := range plan[call].replies[attempt] {
				by, body := server, fmt.Sprintf(`{"type":"read_ok","call":%d,"attempt":%d}`, call, attempt)
				switch r.kind {
				case stranger:
					by = other
				case errorReply:
					body = fmt.Sprintf(`{"type":"error","code":20,"call":%d,"attempt":%d}`, call, attempt)
				}
				time.AfterFunc(r.after, func() { by.Reply(m, body) })
			}
		})
	}
}

func endedWith(reply eddy.Message, err error) string {
	attempt := reply.Body.Get("attempt")
	switch {
	case err == nil:
		return fmt.Sprintf("%v to %s", inTime, attempt)
	case errors.Is(err, eddy.KeyDoesNotExist):
		return fmt.Sprintf("%v to %s", errorReply, attempt)
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, eddy.Timeout):
		return "timeout"
	}
	return err.Error()
}

// Nodes call each other over a network that loses, delays and duplicates at random. Every
// request of a client gets one reply. If it is no error, the request had its effect. If it
// is a definite error, it had none.
func TestNodesOnABadNetwork(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		loss := rapid.IntRange(0, 60).Draw(rt, "loss in percent")
		requests := rapid.IntRange(1, 50).Draw(rt, "requests")
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = onBadNetwork(t, seed, loss, requests) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

func onBadNetwork(t *testing.T, seed uint64, loss, requests int) string {
	net := eddytest.New(t, "n1", "n2", "n3")
	var mu sync.Mutex
	done := make(map[string]int) // how often each key was put
	nodes := make([]*eddy.Node, 3)
	for i := range nodes {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		next := fmt.Sprintf("n%d", (i+1)%3+1)
		n.Handle("put", func(_ context.Context, req *eddy.Request) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			done[string(req.Body.Get("key"))]++
			return eddy.Raw(`{}`), nil
		})
		n.Handle("pass", func(ctx context.Context, req *eddy.Request) (any, error) {
			reply, _, err := n.RPCWithRetry(ctx, next, map[string]any{"type": "put", "key": req.Body.Get("key")}, nil)
			return reply.Body, err
		})
		n.HandleInline("pass-later", func(ctx context.Context, req *eddy.Request) (any, error) {
			body := eddy.Raw(fmt.Sprintf(`{"type":"put","key":%s}`, req.Body.Get("key")))
			return eddy.Later, req.Call(ctx, next, body, nil, func(r eddy.Result) {
				if r.Err != nil {
					req.Fail(r.Err)
					return
				}
				req.Reply(r.Reply.Body)
			})
		})
		net.Start(fmt.Sprintf("n%d", i+1), n)
		nodes[i] = n
	}
	random := rand.New(rand.NewPCG(seed, 0))
	net.Script(func(m eddy.Message) eddytest.Fate {
		delay := func() time.Duration { return time.Duration(random.IntN(800)) * time.Millisecond }
		switch {
		case m.Src == "c1" || m.Dest == "c1":
			return eddytest.Arrives
		case random.IntN(100) < loss:
			return eddytest.Lost
		case random.IntN(100) < 20:
			return eddytest.Fate{delay(), delay()}
		}
		return eddytest.Fate{delay()}
	})
	client := net.Client("c1")
	asked := make([]int64, requests)
	for i := range asked {
		typ := []string{"pass", "pass-later"}[i/3%2]
		asked[i] = client.Request(fmt.Sprintf("n%d", i%3+1), fmt.Sprintf(`{"type":%q,"key":%d}`, typ, i))
	}
	replies := make([]eddy.Message, requests)
	for i, id := range asked {
		replies[i] = client.Await(id)
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	for i, m := range replies {
		puts := done[fmt.Sprint(i)]
		code, _ := m.Body.Get("code").Int()
		if m.Type() == "put_ok" && puts == 0 {
			return fmt.Sprintf("request %d got %s, but never done", i, m.Body)
		}
		if m.Type() == "error" && eddy.Code(code).Definite() && puts > 0 {
			return fmt.Sprintf("request %d got %s, but done", i, m.Body)
		}
		if m.Type() == "error" && loss == 0 && code != int64(eddy.Timeout) {
			return fmt.Sprintf("request %d got %s", i, m.Body)
		}
		if m.Type() != "error" && m.Type() != "put_ok" {
			return fmt.Sprintf("request %d got %s", i, m.Body)
		}
	}
	if m, more := client.TryReceive(); more {
		return fmt.Sprintf("a second reply: %s", m.Body)
	}
	for i, n := range nodes {
		if calls, requests := openNow(n); calls != 0 || requests != 0 {
			return fmt.Sprintf("n%d has %d calls and %d requests open", i+1, calls, requests)
		}
	}
	return ""
}
