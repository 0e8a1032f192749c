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
			"MaxLine: -1 ": func() { n.MaxLine = -1 },
			"MaxOpen: -2 ": func() { n.MaxOpen = -2 },
			"Drain: -3ns ": func() { n.Drain = -3 },
		} {
			n.MaxLine, n.MaxOpen, n.Drain = 0, 0, 0
			spoil()
			if err := n.Serve(t.Context(), newPipe()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want %s", err, want)
			}
		}
		n.MaxLine, n.MaxOpen, n.Drain = 0, 0, 0
		if err := n.Serve(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "the transport is nil") {
			t.Errorf("the error is %v", err)
		}
		n.HandleInline("echo", ok)
		net.Start("n1", n)
		net.Client("c1").Call("n1", `{"type":"echo"}`)
	})
}

// Mistakes in the registration of functions panic with a sentence.
func TestRegistration(t *testing.T) {
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
