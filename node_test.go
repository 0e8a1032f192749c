package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// Serve refuses invalid fields, and its error names the field. The node can serve when the
// field is valid.
func TestInvalidFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net := eddytest.New(t)
		for want, spoil := range map[string]func(){
			"MaxLine: -1 ":      func() { n.MaxLine = -1 },
			"MaxOpen: -2 ":      func() { n.MaxOpen = -2 },
			"Drain: -3ns ":      func() { n.Drain = -3 },
			"MaxOpenBytes: -4 ": func() { n.MaxOpenBytes = -4 },
		} {
			n.MaxLine, n.MaxOpen, n.MaxOpenBytes, n.Drain = 0, 0, 0, 0
			spoil()
			if err := n.Serve(t.Context(), newPipe()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want %s", err, want)
			}
		}
		n.MaxLine, n.MaxOpen, n.MaxOpenBytes, n.Drain = 0, 0, 0, 0
		//lint:ignore SA1012 that is the mistake
		if err := n.Serve(nil, newPipe()); err == nil || !strings.Contains(err.Error(), "the context is nil") {
			t.Errorf("the error is %v", err)
		}
		if err := n.Serve(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "the transport is nil") {
			t.Errorf("the error is %v", err)
		}
		n.HandleInline("echo", ok)
		net.Start("n1", n)
		net.Client("c1").Call("n1", `{"type":"echo"}`)
	})
}

// Mistakes in what a program gives to functions without an error panic with a sentence.
func TestMistakesPanicWithASentence(t *testing.T) {
	for name, c := range map[string]struct {
		register func(n *eddy.Node)
		want     string
	}{
		"no handler":        {func(n *eddy.Node) { n.Handle("a", nil) }, "eddy: a nil handler for type a"},
		"no inline handler": {func(n *eddy.Node) { n.HandleInline("a", nil) }, "eddy: a nil handler for type a"},
		"two handlers":      {func(n *eddy.Node) { n.Handle("a", ok); n.HandleInline("a", ok) }, "eddy: a second handler for type a"},
		"init":              {func(n *eddy.Node) { n.Handle("init", ok) }, "eddy: the node handles init itself, see OnInit"},
		"no OnInit":         {func(n *eddy.Node) { n.OnInit(nil) }, "eddy: OnInit with a nil function"},
		"two OnInit":        {func(n *eddy.Node) { n.OnInit(noInit); n.OnInit(noInit) }, "eddy: OnInit called twice"},
		"a running node":    {func(n *eddy.Node) { run(n); n.Handle("a", ok) }, "eddy: a handler for type a registered while the node runs"},
		"an ended node":     {func(n *eddy.Node) { run(n)(); n.HandleInline("a", ok) }, "eddy: a handler for type a registered while the node runs"},
		"no Every":          {func(n *eddy.Node) { n.Every(time.Second, nil) }, "eddy: the function of Every is nil"},
		"no EveryAbout":     {func(n *eddy.Node) { n.EveryAbout(time.Second, 0.5, nil) }, "eddy: the function of EveryAbout is nil"},
		"no flush":          {func(n *eddy.Node) { eddy.NewBatcher[int](n, 1, 1, nil) }, "eddy: the function of a Batcher is nil"},
		"Batcher, no node":  {func(*eddy.Node) { eddy.NewBatcher(nil, 1, 1, func(context.Context, []int) {}) }, "eddy: the node of a Batcher is nil"},
		"LinKV, no node":    {func(*eddy.Node) { eddy.LinKV[int](nil) }, "eddy: the node of lin-kv is nil"},
		"SeqKV, no node":    {func(*eddy.Node) { eddy.SeqKV[int](nil) }, "eddy: the node of seq-kv is nil"},
		"LWWKV, no node":    {func(*eddy.Node) { eddy.LWWKV[int](nil) }, "eddy: the node of lww-kv is nil"},
		"LinTSO, no node":   {func(*eddy.Node) { eddy.LinTSO(nil) }, "eddy: the node of lin-tso is nil"},
		"Update, nothing":   {func(n *eddy.Node) { eddy.LinKV[int](n).Update(t.Context(), 1, nil) }, "eddy: the function of Update is nil"},
		"Update, no ctx":    {func(n *eddy.Node) { eddy.LinKV[int](n).Update(noContext, 1, increment) }, "eddy: the context of Update is nil"},
		"Broadcast, no ctx": {func(n *eddy.Node) { n.Broadcast(noContext, []string{"n2"}, do, nil) }, "eddy: the context of Broadcast is nil"},
		"no writer":         {func(*eddy.Node) { eddy.NewLogQueue(nil) }, "eddy: the writer of a LogQueue is nil"},
		"no Dedup handler":  {func(*eddy.Node) { new(eddy.Dedup).Handler(nil) }, "eddy: the handler of a Dedup is nil"},
		"Dedup.MaxReplies":  {func(*eddy.Node) { (&eddy.Dedup{MaxReplies: -1}).Handler(ok) }, "eddy: Dedup.MaxReplies: -1 must not be negative"},
		"Dedup.MaxBytes":    {func(*eddy.Node) { (&eddy.Dedup{MaxBytes: 65535}).Handler(ok) }, "eddy: Dedup.MaxBytes: 65535 must be at least 65536"},
		"Dedup.Window":      {func(*eddy.Node) { (&eddy.Dedup{Window: -1}).Handler(ok) }, "eddy: Dedup.Window: -1ns must not be negative"},
		"Seen.Max":          {func(*eddy.Node) { (&eddy.Seen[int]{Max: -1}).Add(1) }, "eddy: Seen.Max: -1 must not be negative"},
		"two runs":          {func(n *eddy.Node) { run(n)(); n.Serve(context.Background(), newPipe()) }, "eddy: a node serves once"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); got != c.want {
					t.Errorf("the panic says %q, want %q", got, c.want)
				}
			}()
			n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
			c.register(n)
		})
	}
}

func noInit(context.Context) error { return nil }

var noContext context.Context

// Without a context or a callback no call begins, and the error says so.
func TestCallsWithoutContextOrCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		told := make(chan error, 2)
		n.Handle("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
			told <- req.Call(noContext, "n2", do, nil, func(eddy.Result) {})
			told <- req.Call(ctx, "n2", do, nil, nil)
			return eddy.Raw(`{}`), nil
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		net.Client("c1").Call("n1", `{"type":"ask"}`)
		_, _, blocking := n.RPCWithRetry(noContext, "n2", do, nil)
		_, single := n.RPC(noContext, "n2", do)
		_, read := eddy.LinKV[int](n).Read(noContext, "x")
		for what, errs := range map[string][]error{
			"the context is nil":  {<-told, blocking, single, read, n.Call(noContext, "n2", do, nil, func(eddy.Result) {})},
			"the callback is nil": {<-told, n.Call(t.Context(), "n2", do, nil, nil)},
		} {
			for _, err := range errs {
				if failed, ok := errors.AsType[*eddy.CallError](err); !ok || !failed.Definite() || !strings.Contains(err.Error(), what) {
					t.Errorf("the error is %v, want %s", err, what)
				}
			}
		}
		if n.Stats().Attempts != 0 {
			t.Error("something was sent")
		}
	})
}

// run lets a node serve until end is called.
func run(n *eddy.Node) (end func()) {
	p, served := newPipe(), make(chan error, 1)
	p.arrive([]byte(initLine))
	go func() { served <- n.Serve(context.Background(), p) }()
	for n.ID() == "" {
		time.Sleep(0)
	}
	return func() {
		p.eof()
		<-served
	}
}

// A process has one standard input, and one node that reads it.
func TestStandardInputHasOneNode(t *testing.T) {
	open := func() (panics any) {
		defer func() { panics = recover() }()
		eddy.Stdio()
		return nil
	}
	open() // unless this test ran before
	const want = "eddy: another node of this process has standard input already"
	if got := open(); got != want {
		t.Errorf("the second Stdio panics with %v, want %s", got, want)
	}
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	if err := n.Run(); err == nil || err.Error() != want {
		t.Errorf("Run returns %v, want %s", err, want)
	}
}

// A node that drains ends as soon as it has nothing left to do, whatever happens at that
// moment: the input ends, a call ends, a timeout comes, or a message is written.
func TestDrainEnds(t *testing.T) {
	for range longtest.Or(20_000, 500) {
		synctest.Test(t, func(t *testing.T) {
			n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
			n.Handle("wait", func(ctx context.Context, _ *eddy.Request) (any, error) {
				_, err := n.RPC(ctx, "n2", do)
				return nil, err
			})
			ctx, cancel := context.WithCancel(t.Context())
			p, served := newPipe(), make(chan error, 1)
			go func() { served <- n.Serve(ctx, p) }()
			p.arrive([]byte(initLine + requestLine("wait", 1)))
			short, end := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer end()
			for _, ctx := range []context.Context{t.Context(), short} {
				go n.RPC(ctx, "n2", do)
				go n.Call(ctx, "n2", do, &eddy.Policy{Attempts: 1}, func(eddy.Result) {})
			}
			start := time.Now()
			time.Sleep(500 * time.Millisecond) // when the calls time out
			go p.eof()
			cancel()
			if err := <-served; err != nil || time.Since(start) > time.Second {
				t.Errorf("Serve returned %v after %v", err, time.Since(start))
			}
		})
		if t.Failed() {
			return
		}
	}
}

// A dest that is not UTF-8 is refused, also by Send.
func TestSendWithoutUTF8(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net := eddytest.New(t)
		net.Start("n1", n)
		if err := n.Send("n\xff", do); err == nil || errors.Is(err, eddy.TemporarilyUnavailable) {
			t.Errorf("the error is %v", err)
		}
	})
}
