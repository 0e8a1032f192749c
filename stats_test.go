package eddy_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// The number of destinations is bounded, since a peer may make up names.
func TestDestinationsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1")
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net.Start("n1", n)
		policy := &eddy.Policy{Attempts: 1}
		const most = 4096
		for i := range most + 100 {
			n.RPCWithRetry(context.Background(), fmt.Sprint("n", i+2), eddy.Raw(`{"type":"read"}`), policy)
			if got := len(n.Destinations()); got != min(i+1, most) {
				t.Fatalf("%d destinations after %d", got, i+1)
			}
		}
		last := n.Destinations()[fmt.Sprint("n", most+101)]
		if want := (eddy.DestinationStats{Calls: 1, Attempts: 1, Failures: 1}); last != want {
			t.Errorf("the last is %+v, want %+v", last, want)
		}
	})
}
