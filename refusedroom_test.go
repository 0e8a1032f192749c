package eddy_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

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
