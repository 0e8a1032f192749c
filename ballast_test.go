package eddy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
)

// With many open requests the collector runs less often, unless memory is limited.
// What it does is the whole process's, so each case has one of its own.
func TestBallast(t *testing.T) {
	if open := os.Getenv("EDDY_TEST_OPEN"); open != "" {
		n, err := strconv.Atoi(open)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("goal %d\n", goalWithOpen(t, n))
		return
	}
	t.Parallel()
	for _, tt := range []struct {
		open            int
		limit           string
		atLeast, atMost int // MiB
	}{
		{open: 30_000, limit: "off", atMost: 100},
		{open: 1 << 15, limit: "off", atLeast: 128, atMost: 200},
		{open: 1 << 18, limit: "off", atLeast: 2 * (64 + 128), atMost: 600},
		{open: 1 << 15, limit: "2GiB", atMost: 100},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestBallast$", "-test.v")
		cmd.Env = append(os.Environ(), "EDDY_TEST_OPEN="+strconv.Itoa(tt.open), "GOMEMLIMIT="+tt.limit, "GOGC=100")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var goal int
		_, rest, _ := strings.Cut(string(out), "goal ")
		if _, err := fmt.Sscan(rest, &goal); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		if goal >>= 20; goal < tt.atLeast || goal > tt.atMost {
			t.Errorf("with %d open requests and the limit %s the collector runs at %d MiB, want %d to %d", tt.open, tt.limit, goal, tt.atLeast, tt.atMost)
		}
	}
}

// goalWithOpen is the size of the heap at which the collector would run with so many
// open requests.
func goalWithOpen(t *testing.T, open int) (goal uint64) {
	n := &eddy.Node{MaxOpen: math.MaxInt, StopAtEOF: true, Log: slog.New(slog.DiscardHandler)}
	n.HandleInline("ask", func(_ context.Context, req *eddy.Request) (any, error) {
		req.Call("n2", eddy.Raw(`{"type":"read"}`), &eddy.Policy{Timeout: time.Hour}, func(*eddy.Request, eddy.Message, int, error) {})
		return eddy.Later, nil
	})
	input := io.MultiReader(
		strings.NewReader(`{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}`+"\n"),
		strings.NewReader(strings.Repeat(`{"src":"c1","dest":"n1","body":{"type":"ask"}}`+"\n", open)),
		atRead(func() {
			runtime.GC()
			goals := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
			metrics.Read(goals)
			goal = goals[0].Value.Uint64()
		}),
	)
	if err := n.Serve(t.Context(), struct {
		io.Reader
		io.Writer
	}{input, io.Discard}); err != nil {
		t.Error(err)
	}
	if calls := n.Stats().Calls; calls != int64(open) {
		t.Errorf("%d calls", calls)
	}
	return goal
}

// An atRead is an input that has ended, which calls it when it is asked for.
type atRead func()

func (f atRead) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}
