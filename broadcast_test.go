package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// beside four peers, of which n2 answers at once, n3 after 100 ms, n4 with an error
// after 200 ms, and n5 never.
func besidePeers(t *testing.T, test func(t *testing.T, net *eddytest.Net, n *eddy.Node)) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2", "n3", "n4", "n5")
		n := &eddy.Node{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		n.Handle("ask", func(ctx context.Context, _ *eddy.Request) (any, error) {
			count := 0
			for range n.Broadcast(ctx, peers, eddy.Raw(`{"type":"read"}`), nil) {
				count++
			}
			return map[string]any{"count": count}, nil
		})
		n.HandleInline("inline", func(ctx context.Context, _ *eddy.Request) (any, error) {
			for a := range n.Broadcast(ctx, peers, eddy.Raw(`{"type":"read"}`), nil) {
				return nil, a.Err
			}
			return nil, nil
		})
		n.HandleInline("echo", func(context.Context, *eddy.Request) (any, error) { return map[string]any{}, nil })
		net.Start("n1", n)
		for name, reply := range map[string]string{"n2": `{"type":"read_ok","value":2}`, "n3": `{"type":"read_ok","value":3}`, "n4": `{"type":"error","code":22}`, "n5": ""} {
			peer := net.Client(name)
			peer.Handle(func(m eddy.Message) {
				if reply != "" {
					peer.Reply(m, reply)
				}
			})
		}
		net.Delay("n3", "n1", 100*time.Millisecond)
		net.Delay("n4", "n1", 200*time.Millisecond)
		test(t, net, n)
	})
}

var peers = []string{"n5", "n4", "n3", "n2"}

// answered is what answers say, in their order, and when they came.
func answered(t *testing.T, answers func(yield func(eddy.Answer) bool), atMost int) string {
	var b strings.Builder
	start := time.Now()
	for a := range answers {
		fmt.Fprintf(&b, "%v %s %d", time.Since(start), a.Dest, a.Attempts)
		if value := a.Reply.Body.Get("value"); value != nil {
			fmt.Fprintf(&b, " value %s", value)
		}
		if a.Err != nil {
			fmt.Fprintf(&b, " %v", a.Err)
		}
		b.WriteString("\n")
		if atMost--; atMost == 0 {
			break
		}
	}
	return b.String()
}

const firstTwo = "0s n2 1 value 2\n100ms n3 1 value 3\n"

func TestBroadcast(t *testing.T) {
	body := map[string]any{"type": "read"}
	besidePeers(t, func(t *testing.T, net *eddytest.Net, n *eddy.Node) {
		want := firstTwo + "200ms n4 1 RPC to n4 failed: precondition-failed\n1.5s n5 3 RPC failed after 3 attempts\n"
		if got := answered(t, n.Broadcast(t.Context(), peers, body, nil), 9); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		var order []string
		for _, e := range net.Journal() {
			if e.Message.Src == "n1" && e.At == 0 {
				order = append(order, e.Message.Dest)
			}
		}
		if !slices.Equal(order, peers) {
			t.Errorf("called in the order %v", order)
		}
		if all := slices.Collect(n.Broadcast(t.Context(), nil, body, nil)); all != nil {
			t.Error(all)
		}
		got := strings.Split(answered(t, n.Broadcast(t.Context(), []string{"n2", "", "n2"}, body, nil), 9), "\n")
		slices.Sort(got) // they come at the same time
		if !slices.Equal(got, []string{"", "0s  0 RPC to  failed before it was sent: dest is empty", "0s n2 1 value 2", "0s n2 1 value 2"}) {
			t.Errorf("%q", got)
		}
		if got := answered(t, n.Broadcast(t.Context(), peers[:1], func() {}, nil), 9); !strings.Contains(got, "before it was sent") {
			t.Error(got)
		}
	})
}

// Leaving the loop ends the other calls: nothing more is sent for them.
func TestBroadcastQuorum(t *testing.T) {
	besidePeers(t, func(t *testing.T, net *eddytest.Net, n *eddy.Node) {
		if got := answered(t, n.Broadcast(t.Context(), peers, eddy.Raw(`{"type":"read"}`), nil), 2); got != firstTwo {
			t.Errorf("%s\nwant\n%s", got, firstTwo)
		}
		time.Sleep(time.Minute)
		if stats := n.Stats(); stats.Attempts != 4 || stats.Failures != 2 || stats.Strays != 1 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestBroadcastUntilItsContextEnds(t *testing.T) {
	besidePeers(t, func(t *testing.T, net *eddytest.Net, n *eddy.Node) {
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		time.AfterFunc(150*time.Millisecond, func() { cancel(enough) })
		got := answered(t, n.Broadcast(ctx, peers, eddy.Raw(`{"type":"read"}`), nil), 9)
		want := firstTwo + "150ms n5 1 RPC to n5 failed: enough\n150ms n4 1 RPC to n4 failed: enough\n"
		if got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		for a := range n.Broadcast(ctx, peers, eddy.Raw(`{"type":"read"}`), nil) {
			if !errors.Is(a.Err, enough) || a.Attempts != 0 {
				t.Errorf("%+v", a)
			}
		}
	})
}

// In a handler it waits for the calls and stops no other; an inline handler can't wait.
func TestBroadcastInHandlers(t *testing.T) {
	besidePeers(t, func(t *testing.T, net *eddytest.Net, n *eddy.Node) {
		c := net.Client("c1")
		asked, start := c.Request("n1", `{"type":"ask"}`), time.Now()
		c.Call("n1", `{"type":"echo"}`)
		if took := time.Since(start); took != 0 {
			t.Errorf("echo took %v", took)
		}
		if m := c.Await(asked); string(m.Body.Get("count")) != "4" || time.Since(start) != 1500*time.Millisecond {
			t.Errorf("%s after %v", m.Body, time.Since(start))
		}
		if m := c.Call("n1", `{"type":"inline"}`); !strings.Contains(m.Body.String(), "the inline handler of inline would wait for a call") {
			t.Errorf("%s", m.Body)
		}
	})
}
