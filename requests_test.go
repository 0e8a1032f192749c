package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A task is a request whose handler makes some calls, and replies with how each has ended.
type task struct {
	kind  string   // chain, fan or wait: with callbacks one after the other or together, or waiting
	start int      // in ms
	calls []string // ok, error, late (after the first attempt's timeout) or lost
}

func drawTask(t *rapid.T) task {
	return task{
		kind:  rapid.SampledFrom([]string{"chain", "fan", "wait"}).Draw(t, "kind"),
		start: rapid.IntRange(0, 300).Draw(t, "start"),
		calls: rapid.SliceOfN(rapid.SampledFrom([]string{"ok", "ok", "ok", "error", "late", "lost"}), 1, 4).Draw(t, "calls"),
	}
}

// ends returns what the reply to the task with this number must say.
func (k task) ends(number int) string {
	ends := ""
	for i, fate := range k.calls {
		switch fate {
		case "ok":
			ends += fmt.Sprintf("%d.%d after 1;", number, i)
		case "late":
			ends += fmt.Sprintf("%d.%d after 2;", number, i)
		default:
			ends += fate + ";"
		}
	}
	return ends
}

// A keptError is compared with what it said when it was new.
type keptError struct {
	err  *eddy.CallError
	said string
}

// tasks are the handlers of a node.
type tasks struct {
	node *eddy.Node
	mu   sync.Mutex
	kept []keptError
}

var taskPolicy = &eddy.Policy{Timeout: 20 * time.Millisecond, Attempts: 2}

// text says how a call has ended.
func (s *tasks) text(reply eddy.Message, attempts int, err error) string {
	if failed, ok := errors.AsType[*eddy.CallError](err); ok {
		s.mu.Lock()
		s.kept = append(s.kept, keptError{failed, failed.Details()})
		s.mu.Unlock()
		if errors.Is(err, eddy.Timeout) {
			return "lost;"
		}
		return "error;"
	}
	text, _ := reply.Body.Get("said").Text()
	return fmt.Sprintf("%s after %d;", text, attempts)
}

// callsOf returns the bodies of the calls that a request asks for.
func callsOf(req *eddy.Request) (bodies []eddy.Raw) {
	number, _ := req.Body.Get("number").Int()
	var fates []string
	if err := req.Body.Get("calls").Decode(&fates); err != nil {
		panic(err)
	}
	for i, fate := range fates {
		bodies = append(bodies, fmt.Appendf(nil, `{"type":"do","said":"%d.%d","fate":%q}`, number, i, fate))
	}
	return bodies
}

func (s *tasks) chain(ctx context.Context, req *eddy.Request) (any, error) {
	bodies, ends := callsOf(req), ""
	var next func(i int) error
	next = func(i int) error {
		if i == len(bodies) {
			return req.Reply(map[string]any{"ends": ends})
		}
		return req.Call(ctx, "n2", bodies[i], taskPolicy, func(r eddy.Result) {
			ends += s.text(r.Reply, r.Attempts, r.Err)
			if err := next(i + 1); err != nil {
				req.Fail(err)
			}
		})
	}
	return eddy.Later, next(0)
}

func (s *tasks) fan(ctx context.Context, req *eddy.Request) (any, error) {
	bodies := callsOf(req)
	ends, open := make([]string, len(bodies)), len(bodies)
	for i, body := range bodies {
		err := req.Call(ctx, "n2", body, taskPolicy, func(r eddy.Result) {
			text := s.text(r.Reply, r.Attempts, r.Err)
			s.mu.Lock()
			defer s.mu.Unlock()
			ends[i] = text
			if open--; open == 0 {
				req.Reply(map[string]any{"ends": strings.Join(ends, "")})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return eddy.Later, nil
}

func (s *tasks) wait(ctx context.Context, req *eddy.Request) (any, error) {
	ends := ""
	for _, body := range callsOf(req) {
		ends += s.text(s.node.RPCWithRetry(ctx, "n2", body, taskPolicy))
	}
	return map[string]any{"ends": ends}, nil
}

// Many requests make calls at the same time. Each gets the replies to its own calls, and a
// kept error goes on saying the same.
func TestTasks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(rapid.Custom(drawTask), 1, 40).Draw(rt, "tasks")
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = runTasks(t, plan) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// runTasks returns the first fault.
func runTasks(t *testing.T, plan []task) string {
	s := &tasks{node: &eddy.Node{Log: slog.New(slog.DiscardHandler)}}
	s.node.HandleInline("chain", s.chain)
	s.node.HandleInline("fan", s.fan)
	s.node.Handle("wait", s.wait)
	net := eddytest.New(t)
	net.Start("n1", s.node)
	n2 := net.Client("n2")
	tries := make(map[string]int)
	n2.Handle(func(m eddy.Message) {
		fate, _ := m.Body.Get("fate").Text()
		said, _ := m.Body.Get("said").Text()
		tries[said]++
		switch {
		case fate == "lost":
		case fate == "error":
			n2.Reply(m, `{"type":"error","code":22,"text":"no"}`)
		case fate == "late" && tries[said] == 1:
			// the second attempt gets a reply
		default:
			n2.Reply(m, map[string]any{"type": "done", "said": said})
		}
	})

	var wg sync.WaitGroup
	faults := make([]string, len(plan))
	for i, k := range plan {
		client := net.Client(fmt.Sprintf("c%d", i))
		wg.Go(func() {
			time.Sleep(time.Duration(k.start) * time.Millisecond)
			reply := client.Call("n1", map[string]any{"type": k.kind, "number": i, "calls": k.calls})
			if ends, _ := reply.Body.Get("ends").Text(); ends != k.ends(i) {
				faults[i] = fmt.Sprintf("task %d %v: %q, want %q", i, k, ends, k.ends(i))
			}
		})
	}
	wg.Wait()
	for _, fault := range faults {
		if fault != "" {
			return fault
		}
	}
	for _, k := range s.kept {
		if now := k.err.Details(); now != k.said {
			return fmt.Sprintf("an error said %q and says %q now", k.said, now)
		}
	}
	return ""
}

// A handler may keep its request. It stays the same request, and has its reply, however
// many requests come after it.
func TestKeptRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		var kept []*eddy.Request
		call := func(dest string) eddy.Handler {
			return func(ctx context.Context, req *eddy.Request) (any, error) {
				kept = append(kept, req)
				return eddy.Later, req.Call(ctx, dest, eddy.Raw(`{"type":"do"}`), nil, func(r eddy.Result) { req.Reply(r.Reply.Body) })
			}
		}
		n.Handle("kept", call("n2"))
		n.HandleInline("kept-inline", call("n2"))
		n.HandleInline("other", call("n3")) // which does not reply
		net := eddytest.New(t)
		net.Start("n1", n)
		n2, client := net.Client("n2"), net.Client("c1")
		net.Client("n3")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"done"}`) })
		client.Call("n1", `{"type":"kept"}`)
		client.Call("n1", `{"type":"kept-inline"}`)
		for range 100 {
			client.Request("n1", `{"type":"other"}`)
		}
		synctest.Wait()
		for i, req := range kept[:2] {
			if req.Src != "c1" || req.Type() != []string{"kept", "kept-inline"}[i] || req.ID != int64(i+1) {
				t.Errorf("request %d is now %d, %s of %s", i+1, req.ID, req.Type(), req.Src)
			}
			if err := req.Reply(eddy.Raw(`{}`)); err == nil {
				t.Error("a request got two replies, or another one got the second")
			}
			if err := req.Call(t.Context(), "n2", eddy.Raw(`{"type":"do"}`), nil, func(eddy.Result) {}); err == nil || !strings.Contains(err.Error(), "the request is over") {
				t.Errorf("a call for a request that is over: %v", err)
			}
		}
	})
}

// Arrived is when the request was read, also if its handler starts later. A one-way
// message says so.
func TestRequestFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		start := time.Now()
		var got []string
		note := func(_ context.Context, req *eddy.Request) (any, error) {
			got = append(got, fmt.Sprintf("%v: %s %d of %s, one-way %v, arrived at %v", time.Since(start), req.Type(), req.ID, req.Src, req.OneWay(), req.Arrived().Sub(start)))
			time.Sleep(50 * time.Millisecond)
			return eddy.Raw(`{}`), nil
		}
		n.HandleInline("inline", note)
		n.Handle("own", note)
		p := newPipe()
		served := make(chan error, 1)
		go func() { served <- n.Serve(t.Context(), p) }()
		p.arrive([]byte(initLine))
		time.Sleep(time.Second)
		p.arrive([]byte(`{"src":"c1","dest":"n1","body":{"type":"inline"}}` + "\n" + requestLine("inline", 0) + requestLine("inline", 7)))
		time.Sleep(100 * time.Millisecond)
		p.arrive([]byte(requestLine("own", 8)))
		time.Sleep(time.Second)
		p.arrive([]byte(`{"src":"c2","dest":"n1","body":{"type":"own","msg_id":9}}` + "\n"))
		p.eof()
		if err := <-served; err != nil {
			t.Error(err)
		}
		want := []string{
			"1s: inline -1 of c1, one-way true, arrived at 1s",
			"1.05s: inline 0 of c1, one-way false, arrived at 1s",
			"1.1s: inline 7 of c1, one-way false, arrived at 1s",
			"1.15s: own 8 of c1, one-way false, arrived at 1.15s",
			"2.1s: own 9 of c2, one-way false, arrived at 2.1s",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// A record is what the log says about a retry.
type record struct {
	dest, from string
	request    int64
}

// A slowLog waits in its first line until the test lets it go on.
type slowLog struct {
	slog.Handler
	begun, goOn chan struct{}
	records     []record
}

func (l *slowLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *slowLog) Handle(_ context.Context, r slog.Record) error {
	var line record
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "dest":
			line.dest = a.Value.String()
		case "from":
			line.from = a.Value.String()
		case "request":
			line.request = a.Value.Int64()
		}
		return true
	})
	if line == (record{}) {
		return nil // no retry
	}
	if l.records = append(l.records, line); len(l.records) == 1 {
		close(l.begun)
		<-l.goOn
	}
	return nil
}

// A log line about a retry is right, though its call has ended and others have begun before
// it is logged.
func TestLogOfRetries(t *testing.T) {
	synctest.Test(t, logRetries)
}

func logRetries(t *testing.T) {
	log := &slowLog{begun: make(chan struct{}), goOn: make(chan struct{})}
	n := &eddy.Node{Log: slog.New(log)}
	policyFor := func(dest string) *eddy.Policy {
		if dest == "patient" {
			return &eddy.Policy{Timeout: time.Second}
		}
		return taskPolicy
	}
	n.HandleInline("fan", func(ctx context.Context, req *eddy.Request) (any, error) {
		open := 0
		for name := range req.Body.Get("to").Members() {
			open++
			err := req.Call(ctx, string(name), do, policyFor(string(name)), func(eddy.Result) {
				if open--; open == 0 {
					req.Reply(eddy.Raw(`{}`))
				}
			})
			if err != nil {
				return nil, err
			}
		}
		return eddy.Later, nil
	})
	net := eddytest.New(t)
	net.Start("n1", n)
	first, second, patient := net.Client("first"), net.Client("second"), net.Client("patient")
	client := net.Client("c1")
	request := func(to string) int64 {
		return client.Request("n1", fmt.Sprintf(`{"type":"fan","to":{%s}}`, to))
	}
	a := request(`"first":1`)
	synctest.Wait() // so that a's call is the first one
	b := request(`"second":1,"patient":1`)
	<-log.begun // a's retry, while b's waits to be logged
	second.Reply(second.Receive(), `{"type":"done"}`)
	patient.Reply(patient.Receive(), `{"type":"done"}`)
	client.Await(b)
	c := request(`"patient":1`)
	patient.Receive()
	close(log.goOn)
	synctest.Wait()
	first.Reply(first.Receive(), `{"type":"done"}`)
	client.Await(a)
	if want := []record{{"first", "c1", a}, {"second", "c1", b}}; !slices.Equal(log.records[:2], want) {
		t.Errorf("logged %v, want %v; c is %d", log.records, want, c)
	}
}

// An ending is how one of the calls of a request ends, and what its callback does then.
type callEnding struct {
	by   string        // reply, timeout or cancel: in goroutines of their own
	at   time.Duration // when
	does string        // nothing, reply, call, panic or exit
}

// Whatever order the callbacks of a request end in, and whatever they do, the request gets one
// reply.
func TestCallbacksInAnyOrderLeadToOneReply(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		endings := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) callEnding {
			return callEnding{
				by:   rapid.SampledFrom([]string{"reply", "timeout", "cancel"}).Draw(t, "by"),
				at:   time.Duration(rapid.IntRange(1, 4).Draw(t, "at")) * time.Millisecond,
				does: rapid.SampledFrom([]string{"nothing", "nothing", "reply", "call", "panic", "exit"}).Draw(t, "does"),
			}
		}), 0, 5).Draw(rt, "callbacks")
		own := rapid.SampledFrom([]string{"later", "later", "nothing", "reply", "error", "panic", "exit", "stands"}).Draw(rt, "handler")
		inline, call := rapid.Bool().Draw(rt, "inline"), rapid.Bool().Draw(rt, "dedup")
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = endCallbacks(t, endings, own, inline, call) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

func endCallbacks(t *testing.T, endings []callEnding, own string, inline, dedup bool) string {
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	act := func(req *eddy.Request, does string) {
		switch does {
		case "reply":
			req.Reply(eddy.Raw(`{"type":"ok"}`))
		case "call":
			req.Call(t.Context(), "nobody", do, &eddy.Policy{Attempts: 1, Timeout: time.Millisecond}, func(eddy.Result) {})
		case "panic":
			panic("on purpose")
		case "exit":
			runtime.Goexit()
		case "stands":
			time.Sleep(10 * time.Millisecond)
		}
	}
	handler := func(ctx context.Context, req *eddy.Request) (any, error) {
		for i, e := range endings {
			callCtx, cancel := context.WithCancel(ctx)
			policy := &eddy.Policy{Attempts: 1, Timeout: time.Hour}
			body := eddy.Raw(`{"type":"do"}`)
			switch e.by {
			case "reply":
				body = fmt.Appendf(nil, `{"type":"do","after":%d}`, e.at)
			case "timeout":
				policy.Timeout = e.at
			case "cancel":
				time.AfterFunc(e.at, cancel)
			}
			err := req.Call(callCtx, "n2", body, policy, func(eddy.Result) {
				defer cancel()
				act(req, e.does)
			})
			if err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		}
		act(req, own)
		switch own {
		case "later", "stands":
			return eddy.Later, nil
		case "error":
			return nil, eddy.PreconditionFailed
		}
		return nil, nil
	}
	var table eddy.Dedup
	if dedup {
		handler = table.Handler(handler)
	}
	if inline {
		n.HandleInline("act", handler)
	} else {
		n.Handle("act", handler)
	}
	net := eddytest.New(t)
	n2, client := net.Client("n2"), net.Client("c1")
	n2.Handle(func(m eddy.Message) {
		if after, ok := m.Body.Get("after").Int(); ok {
			time.AfterFunc(time.Duration(after), func() { n2.Reply(m, `{"type":"done"}`) })
		}
	})
	net.Start("n1", n)
	ids := []int64{client.Request("n1", `{"type":"act","call":"a/1"}`), client.Request("n1", `{"type":"act","call":"a/1"}`)}
	client.Request("n1", map[string]any{"type": "nobody"})
	for _, id := range ids {
		client.Await(id)
	}
	time.Sleep(2 * time.Hour)
	synctest.Wait()
	for more := true; more; {
		m, ok := client.TryReceive()
		if more = ok; ok && m.InReplyTo != 3 {
			return fmt.Sprintf("a second reply: %s", m.Body)
		}
	}
	if calls, requests := openNow(n); calls+requests != 0 {
		return fmt.Sprintf("%d calls and %d requests are open", calls, requests)
	}
	return ""
}
