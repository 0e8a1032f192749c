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

// A planned call is made at a time, with a policy, and each attempt meets the
// replies that are planned for it. No two things that can happen to a call
// happen at one time: it starts and times out at multiples of 20 ms, replies
// come 1 to 11 ms after one, and its context ends 15 ms after one.
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

// ending is what a caller is told, in short.
type ending struct {
	attempts int
	took     time.Duration
	met      string
}

// model reckons how a planned call ends.
func (p planned) model() ending {
	limit := p.policy.Attempts
	e := ending{took: time.Duration(limit) * p.policy.Timeout, met: "silence"}
	if p.cancel > 0 && p.cancel < e.took {
		e.took, e.met = p.cancel, "cancelled"
	}
	for k := 0; k < limit && time.Duration(k)*p.policy.Timeout < e.took; k++ {
		sent := time.Duration(k) * p.policy.Timeout
		for _, r := range p.replies[k] {
			late := r.after > p.policy.Timeout
			if r.kind == stranger || late && p.policy.Late == retry.Ignore || sent+r.after > e.took {
				continue
			}
			e.took, e.met = sent+r.after, fmt.Sprintf("%v to %d", r.kind, k)
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

// Many calls at once from several nodes to several, with random policies and
// fates: each ends as if it were alone.
func TestManyCallsAtOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(rapid.Custom(drawCall), 1, 60).Draw(rt, "calls")
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = makeCalls(t, plan) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// makeCalls makes all planned calls and tells the first that did not end as the
// model has it.
func makeCalls(t *testing.T, plan []planned) string {
	net := eddytest.New(t)
	nodes := make(map[string]*eddy.Node)
	for _, name := range []string{"n1", "n2", "n3"} {
		nodes[name] = &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net.Start(name, nodes[name])
	}
	answerPlanned(net, plan)

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
			endings[i] = ending{attempts, time.Since(start), met(reply, err)}
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
		if calls, requests := n.OpenCalls(); calls != 0 || requests != 0 {
			return fmt.Sprintf("%s has %d calls and %d requests left open", name, calls, requests)
		}
	}
	return ""
}

// answerPlanned plays s1 and s2, and the stranger.
func answerPlanned(net *eddytest.Net, plan []planned) {
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

func met(reply eddy.Message, err error) string {
	attempt := reply.Body.Get("attempt")
	switch {
	case err == nil:
		return fmt.Sprintf("%v to %s", inTime, attempt)
	case errors.Is(err, eddy.KeyDoesNotExist):
		return fmt.Sprintf("%v to %s", errorReply, attempt)
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, eddy.Timeout):
		return "silence"
	}
	return err.Error()
}

// Nodes call each other over a network that loses, delays and duplicates at
// random. Every request of a client gets exactly one answer; one that says ok is
// true; one that says that there was no effect is true.
func TestNodesOnABadNetwork(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		loss := rapid.IntRange(0, 60).Draw(rt, "loss in percent")
		requests := rapid.IntRange(1, 50).Draw(rt, "requests")
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = badNetwork(t, seed, loss, requests) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

func badNetwork(t *testing.T, seed uint64, loss, requests int) string {
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
		n.HandleInline("pass-later", func(_ context.Context, req *eddy.Request) (any, error) {
			body := eddy.Raw(fmt.Sprintf(`{"type":"put","key":%s}`, req.Body.Get("key")))
			req.Call(next, body, nil, func(req *eddy.Request, reply eddy.Message, _ int, err error) {
				if err != nil {
					req.Fail(err)
					return
				}
				req.Reply(reply.Body)
			})
			return eddy.Later, nil
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
	answers := make([]eddy.Message, requests)
	for i, id := range asked {
		answers[i] = client.Await(id)
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	for i, m := range answers {
		puts := done[fmt.Sprint(i)]
		code, _ := m.Body.Get("code").Int()
		if m.Type == "put_ok" && puts == 0 {
			return fmt.Sprintf("request %d was answered with %s, but never done", i, m.Body)
		}
		if m.Type == "error" && eddy.Code(code).Definite() && puts > 0 {
			return fmt.Sprintf("request %d was answered with %s, but done", i, m.Body)
		}
		if m.Type == "error" && loss == 0 && code != int64(eddy.Timeout) {
			return fmt.Sprintf("request %d was answered with %s", i, m.Body)
		}
		if m.Type != "error" && m.Type != "put_ok" {
			return fmt.Sprintf("request %d was answered with %s", i, m.Body)
		}
	}
	if m, more := client.TryReceive(); more {
		return fmt.Sprintf("a second answer: %s", m.Body)
	}
	for i, n := range nodes {
		if calls, requests := n.OpenCalls(); calls != 0 || requests != 0 {
			return fmt.Sprintf("n%d has %d calls and %d requests left open", i+1, calls, requests)
		}
	}
	return ""
}
