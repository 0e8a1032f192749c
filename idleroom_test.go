package eddy_test

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A coroutine that serves nothing keeps nobody's request.
func TestIdleCoroutineKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		var gone atomic.Int32
		n.Handle("work", func(ctx context.Context, req *eddy.Request) (any, error) {
			runtime.SetFinalizer(req, func(*eddy.Request) { gone.Add(1) })
			_, err := n.RPC(ctx, "n2", eddy.Raw(`{"type":"do"}`))
			return eddy.Raw(`{}`), err
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		n2, client := net.Client("n2"), net.Client("c1")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"done"}`) })
		body := `{"type":"work","long":"` + strings.Repeat("x", 1<<20) + `"}`
		const requests = 10
		for range requests {
			client.Call("n1", body)
		}
		synctest.Wait()
		for range 3 {
			runtime.GC()
			synctest.Wait()
		}
		if gone := int(gone.Load()); gone < requests {
			t.Errorf("%d of %d requests are still kept", requests-gone, requests)
		}
	})
}
