package eddy_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// In a chain of nodes each calls the next one, and the last one does not reply. It gets
// n to the power d messages over d hops of n attempts. With propagate it gets d(n-1)+1 at
// most, since no node retries on behalf of a retry.
func TestHopsToDeadNode(t *testing.T) {
	for _, tt := range []struct {
		hops, attempts int
		propagate      bool
		most, least    int
	}{
		{1, 3, false, 3, 3},
		{2, 3, false, 9, 9},
		{3, 3, false, 27, 27},
		{3, 4, false, 64, 64},
		{1, 3, true, 3, 3},
		{2, 3, true, 5, 2},
		{3, 3, true, 7, 3},
		{4, 4, true, 13, 4},
	} {
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := messagesAtTheEnd(t, tt.hops, tt.attempts, tt.propagate); got < tt.least || got > tt.most {
					t.Errorf("%d messages at the last node, want %d to %d", got, tt.least, tt.most)
				}
			})
		})
	}
}

func messagesAtTheEnd(t *testing.T, hops, attempts int, propagate bool) int {
	var count atomic.Int64
	net := eddytest.New(t)
	name := func(hop int) string { return fmt.Sprint("n", hop) }
	for hop := range hops {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		policy := &eddy.Policy{Attempts: attempts, Propagate: propagate}
		n.Handle("get", func(ctx context.Context, _ *eddy.Request) (any, error) {
			reply, _, err := n.RPCWithRetry(ctx, name(hop+1), eddy.Raw(`{"type":"get"}`), policy)
			return reply.Body, err
		})
		net.Start(name(hop), n)
	}
	net.Client(name(hops)).Handle(func(eddy.Message) { count.Add(1) })
	client := net.Client("c1")
	client.Call(name(0), `{"type":"get"}`)
	time.Sleep(time.Minute) // until all calls have ended
	return int(count.Load())
}
