package eddy_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
)

// A node ends all its calls while their replies still come.
func TestRaceOfEnd(t *testing.T) {
	for range 30 {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler), Drain: time.Microsecond}
		do := eddy.Raw(`{"type":"do"}`)
		n.HandleInline("relay", func(_ context.Context, req *eddy.Request) (any, error) {
			for range 20 {
				req.Call("n2", do, nil, func(*eddy.Request, eddy.Message, int, error) {})
			}
			return eddy.Later, nil
		})
		n.Handle("wait", func(ctx context.Context, req *eddy.Request) (any, error) {
			for {
				if _, err := n.RPC(ctx, "n2", do); err != nil {
					return nil, err
				}
			}
		})
		ctx, end := context.WithCancel(context.Background())
		time.AfterFunc(20*time.Millisecond, end)
		play(t, ctx, n, 1<<20, func(i int) string {
			return fmt.Sprintf(`{"src":"c1","dest":"n1","body":{"type":%q,"msg_id":%d}}`+"\n", []string{"relay", "relay", "wait"}[i%3], i)
		}, func(l line) string {
			if l.Dest == "n2" {
				return ok(l)
			}
			return ""
		})
	}
}
