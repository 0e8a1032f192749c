package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// An errand is a request whose handler makes some calls, one after the other or all at
// once, and answers with what they have met.
type errand struct {
	kind  string   // chain, fan or wait: by callback one after the other or at once, or waiting
	start int      // in ms
	calls []string // what each meets: ok, error, late (after its first attempt's timeout) or lost
}

func drawErrand(t *rapid.T) errand {
	return errand{
		kind:  rapid.SampledFrom([]string{"chain", "fan", "wait"}).Draw(t, "kind"),
		start: rapid.IntRange(0, 300).Draw(t, "start"),
		calls: rapid.SliceOfN(rapid.SampledFrom([]string{"ok", "ok", "ok", "error", "late", "lost"}), 1, 4).Draw(t, "calls"),
	}
}

// met is what the errand with this number is to be answered with.
func (e errand) met(number int) string {
	met := ""
	for i, fate := range e.calls {
		switch fate {
		case "ok":
			met += fmt.Sprintf("%d.%d after 1;", number, i)
		case "late":
			met += fmt.Sprintf("%d.%d after 2;", number, i)
		default:
			met += fate + ";"
		}
	}
	return met
}

// A kept error is compared with what it said when it was new.
type kept struct {
	err  *eddy.CallError
	said string
}

// errands are those that a node runs.
type errands struct {
	node *eddy.Node
	mu   sync.Mutex
	kept []kept
}

var errandPolicy = &eddy.Policy{Timeout: 20 * time.Millisecond, Attempts: 2}

// text is what a call has met, in short.
func (s *errands) text(reply eddy.Message, attempts int, err error) string {
	if failed, ok := errors.AsType[*eddy.CallError](err); ok {
		s.mu.Lock()
		s.kept = append(s.kept, kept{failed, failed.Details()})
		s.mu.Unlock()
		if errors.Is(err, eddy.Timeout) {
			return "lost;"
		}
		return "error;"
	}
	text, _ := reply.Body.Get("said").Text()
	return fmt.Sprintf("%s after %d;", text, attempts)
}

// callOf is the body of a call, which says who it is for and what it shall meet.
func callOf(number int64, i int, fate eddy.Raw) eddy.Raw {
	return eddy.Raw(fmt.Sprintf(`{"type":"do","said":"%d.%d","fate":%s}`, number, i, fate))
}

func callsOf(req *eddy.Request) (number int64, all []eddy.Raw) {
	number, _ = req.Body.Get("number").Int()
	var names []string
	if err := req.Body.Get("calls").Decode(&names); err != nil {
		panic(err)
	}
	for _, name := range names {
		all = append(all, eddy.Raw(`"`+name+`"`))
	}
	return number, all
}

func (s *errands) chain(_ context.Context, req *eddy.Request) (any, error) {
	number, all := callsOf(req)
	met := ""
	var next func(i int)
	next = func(i int) {
		if i == len(all) {
			req.Reply(map[string]any{"met": met})
			return
		}
		req.Call("n2", callOf(number, i, all[i]), errandPolicy, func(_ *eddy.Request, reply eddy.Message, attempts int, err error) {
			met += s.text(reply, attempts, err)
			next(i + 1)
		})
	}
	next(0)
	return eddy.Later, nil
}

func (s *errands) fan(_ context.Context, req *eddy.Request) (any, error) {
	number, all := callsOf(req)
	met, open := make([]string, len(all)), len(all)
	for i, fate := range all {
		req.Call("n2", callOf(number, i, fate), errandPolicy, func(req *eddy.Request, reply eddy.Message, attempts int, err error) {
			text := s.text(reply, attempts, err)
			s.mu.Lock()
			defer s.mu.Unlock()
			met[i] = text
			if open--; open == 0 {
				all := ""
				for _, text := range met {
					all += text
				}
				req.Reply(map[string]any{"met": all})
			}
		})
	}
	return eddy.Later, nil
}

func (s *errands) wait(ctx context.Context, req *eddy.Request) (any, error) {
	number, all := callsOf(req)
	met := ""
	for i, fate := range all {
		met += s.text(s.node.RPCWithRetry(ctx, "n2", callOf(number, i, fate), errandPolicy))
	}
	return map[string]any{"met": met}, nil
}

// Requests and calls whose memory is used again are never mixed up, and an error that
// somebody keeps goes on saying the same.
func TestErrands(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(rapid.Custom(drawErrand), 1, 40).Draw(rt, "errands")
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = runErrands(t, plan) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// runErrands tells the first thing that is wrong.
func runErrands(t *testing.T, plan []errand) string {
	s := &errands{node: &eddy.Node{Log: slog.New(slog.DiscardHandler)}}
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
			// its second attempt is answered
		default:
			n2.Reply(m, map[string]any{"type": "done", "said": said})
		}
	})

	var wg sync.WaitGroup
	faults := make([]string, len(plan))
	for i, e := range plan {
		client := net.Client(fmt.Sprintf("c%d", i))
		wg.Go(func() {
			time.Sleep(time.Duration(e.start) * time.Millisecond)
			reply := client.Call("n1", map[string]any{"type": e.kind, "number": i, "calls": e.calls})
			if met, _ := reply.Body.Get("met").Text(); met != e.met(i) {
				faults[i] = fmt.Sprintf("errand %d %v: met %q, want %q", i, e, met, e.met(i))
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

// A handler that is not inline may keep its request as long as it likes: it is nobody
// else's, and stays answered.
func TestKeptRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		done := func(req *eddy.Request, reply eddy.Message, _ int, _ error) { req.Reply(reply.Body) }
		var kept *eddy.Request
		n.Handle("kept", func(_ context.Context, req *eddy.Request) (any, error) {
			kept = req
			req.Call("n2", eddy.Raw(`{"type":"do"}`), nil, done)
			return eddy.Later, nil
		})
		n.HandleInline("inline", func(_ context.Context, req *eddy.Request) (any, error) {
			req.Call("n3", eddy.Raw(`{"type":"do"}`), nil, done) // which is silent
			return eddy.Later, nil
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		n2, client := net.Client("n2"), net.Client("c1")
		net.Client("n3")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"done"}`) })
		client.Call("n1", `{"type":"kept"}`)
		for range 3 {
			client.Request("n1", `{"type":"inline"}`)
		}
		synctest.Wait()
		if err := kept.Reply(eddy.Raw(`{}`)); err == nil {
			t.Error("a request was answered twice, or another in its place")
		}
	})
}

// A record is what a line of the log says of a retry.
type record struct {
	dest, from string
	request    int64
}

// A slowLog takes its time over its first line.
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

// A retry that is about to be logged is still the same when its call has been answered
// meanwhile and others have begun.
func TestLogOfRetries(t *testing.T) {
	for _, kind := range []string{"fan", "wait"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { logRetries(t, kind) })
		})
	}
}

func logRetries(t *testing.T, kind string) {
	log := &slowLog{begun: make(chan struct{}), goOn: make(chan struct{})}
	n := &eddy.Node{Log: slog.New(log)}
	policyFor := func(dest string) *eddy.Policy {
		if dest == "patient" {
			return &eddy.Policy{Timeout: time.Second}
		}
		return errandPolicy
	}
	do := eddy.Raw(`{"type":"do"}`)
	n.HandleInline("fan", func(_ context.Context, req *eddy.Request) (any, error) {
		open := 0
		for name := range req.Body.Get("to").Members() {
			open++
			req.Call(string(name), do, policyFor(string(name)), func(req *eddy.Request, _ eddy.Message, _ int, _ error) {
				if open--; open == 0 {
					req.Reply(eddy.Raw(`{}`))
				}
			})
		}
		return eddy.Later, nil
	})
	n.Handle("wait", func(ctx context.Context, req *eddy.Request) (any, error) {
		for name := range req.Body.Get("to").Members() {
			if _, _, err := n.RPCWithRetry(ctx, string(name), do, policyFor(string(name))); err != nil {
				return nil, err
			}
		}
		return eddy.Raw(`{}`), nil
	})
	net := eddytest.New(t)
	net.Start("n1", n)
	first, second, patient := net.Client("first"), net.Client("second"), net.Client("patient")
	client := net.Client("c1")
	request := func(to string) int64 {
		return client.Request("n1", fmt.Sprintf(`{"type":%q,"to":{%s}}`, kind, to))
	}
	warm := request(`"patient":1`) // that a type waits is known once it has
	patient.Reply(patient.Receive(), `{"type":"done"}`)
	client.Await(warm)

	a, b := request(`"first":1`), request(`"second":1,"patient":1`)
	<-log.begun // of a's, while b's waits to be logged
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

// A call that is made by a callback of calls that could not begin has memory of its
// own, though its handler has returned and others run.
func TestCallAfterRefusedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		goOn := make(chan struct{})
		done := func(req *eddy.Request, reply eddy.Message, _ int, err error) {
			if err != nil {
				req.Fail(err)
				return
			}
			req.Reply(reply.Body)
		}
		bad := eddy.Raw(`{}`) // without a type
		n.HandleInline("stubborn", func(_ context.Context, req *eddy.Request) (any, error) {
			req.Call("n2", bad, nil, func(req *eddy.Request, _ eddy.Message, _ int, _ error) {
				req.Call("n2", bad, nil, func(req *eddy.Request, _ eddy.Message, _ int, _ error) {
					<-goOn
					req.Call("n2", eddy.Raw(`{"type":"do","for":"stubborn"}`), nil, done)
				})
			})
			return eddy.Later, nil
		})
		n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) { return req.Body, nil })
		n.HandleInline("relay", func(_ context.Context, req *eddy.Request) (any, error) {
			req.Call("n2", eddy.Raw(`{"type":"do","for":"relay"}`), nil, done)
			return eddy.Later, nil
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		n2, client := net.Client("n2"), net.Client("c1")
		a := client.Request("n1", `{"type":"stubborn"}`)
		client.Call("n1", `{"type":"echo"}`)
		close(goOn)
		first := n2.Receive()
		b := client.Request("n1", `{"type":"relay"}`)
		second := n2.Receive()
		for _, m := range []eddy.Message{first, second} {
			n2.Reply(m, map[string]any{"type": "done", "for": m.Body.Get("for")})
		}
		if got, _ := client.Await(a).Body.Get("for").Text(); got != "stubborn" {
			t.Errorf("stubborn got %q", got)
		}
		if got, _ := client.Await(b).Body.Get("for").Text(); got != "relay" {
			t.Errorf("relay got %q", got)
		}
	})
}
