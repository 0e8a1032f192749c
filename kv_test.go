package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// withServices runs a test in virtual time, with count nodes and the services.
func withServices(t *testing.T, count int, test func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for i := range count {
			ids = append(ids, fmt.Sprint("n", i+1))
		}
		net := eddytest.New(t, ids...)
		net.Services(1)
		nodes := make([]*eddy.Node, count)
		for i, id := range ids {
			nodes[i] = &eddy.Node{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
			net.Start(id, nodes[i])
		}
		test(t, net, nodes)
	})
}

// sent returns how many messages of a type were sent to a service.
func sent(net *eddytest.Net, dest, typ string) (count int) {
	for _, e := range net.Journal() {
		if e.Message.Dest == dest && e.Message.Type() == typ {
			count++
		}
	}
	return count
}

func increment(old int, _ bool) (int, error) { return old + 1, nil }

func TestKV(t *testing.T) {
	withServices(t, 1, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
		ctx, kv := t.Context(), eddy.LinKV[int64](nodes[0])
		if _, err := kv.Read(ctx, "x"); !errors.Is(err, eddy.KeyDoesNotExist) || errors.Is(err, eddy.ErrIndefinite) ||
			err.Error() != `read "x" in lin-kv: key "x" does not exist (key-does-not-exist)` {
			t.Error(err)
		}
		if v, err := kv.ReadOr(ctx, "x", 7); v != 7 || err != nil {
			t.Error(v, err)
		}
		if err := kv.CompareAndSwap(ctx, "x", 1, 2, false); !errors.Is(err, eddy.KeyDoesNotExist) {
			t.Error(err)
		}
		if err := kv.CompareAndSwap(ctx, "x", 1, 2, true); err != nil {
			t.Error(err)
		}
		if err := kv.CompareAndSwap(ctx, "x", 1, 3, true); !errors.Is(err, eddy.PreconditionFailed) || errors.Is(err, eddy.ErrIndefinite) {
			t.Error(err)
		}
		if v, err := kv.ReadOr(ctx, "x", 7); v != 2 || err != nil {
			t.Error(v, err)
		}
		if err := kv.Write(ctx, "x", 1<<62+1); err != nil {
			t.Error(err)
		}
		if v, err := kv.Update(ctx, "x", func(old int64, _ bool) (int64, error) { return old + 1, nil }); v != 1<<62+2 || err != nil {
			t.Error(v, err)
		}
		if v, err := kv.Fresh(ctx, "x"); v != 1<<62+2 || err != nil {
			t.Error(v, err)
		}
		if n := sent(net, "lin-kv", "write"); n != 1 {
			t.Errorf("%d writes: Fresh needs none on lin-kv", n)
		}
		if err := eddy.LWWKV[int](nodes[0]).Write(ctx, "x", 1); err != nil || sent(net, "lww-kv", "write") != 1 {
			t.Error(err)
		}
	})
}

// Keys and values may be any JSON. Update works though a T cannot hold all of a value.
func TestKVTakesAnyJSON(t *testing.T) {
	withServices(t, 1, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
		ctx, raw := t.Context(), eddy.LinKV[eddy.Raw](nodes[0])
		for _, key := range []any{1, "1", map[string]int{"b": 1, "a": 2}, eddy.Raw(`null`)} {
			value := fmt.Sprintf(`{"n":9007199254740993,"of":%q}`, fmt.Sprint(key))
			if err := raw.Write(ctx, key, eddy.Raw(value)); err != nil {
				t.Fatal(err)
			}
			if v, err := raw.Read(ctx, key); string(v) != value || err != nil {
				t.Errorf("%s %v, want %s", v, err, value)
			}
		}
		type part struct {
			N int64 `json:"n"`
		}
		same := func(p part, _ bool) (part, error) { return p, nil }
		if v, err := eddy.LinKV[part](nodes[0]).Update(ctx, 1, same); v.N != 9007199254740993 || err != nil || sent(net, "lin-kv", "cas") != 0 {
			t.Error(v, err)
		}
		if v, err := eddy.LinKV[part](nodes[0]).Update(ctx, 1, func(p part, _ bool) (part, error) { return part{p.N + 1}, nil }); v.N != 9007199254740994 || err != nil {
			t.Error(v, err)
		}
		if _, err := eddy.LinKV[int](nodes[0]).Read(ctx, 1); err == nil || !strings.Contains(err.Error(), "an object is not what was expected") {
			t.Error(err)
		}
		for _, err := range []error{
			raw.Write(ctx, func() {}, nil),
			eddy.LinKV[any](nodes[0]).Write(ctx, 1, func() {}),
			eddy.LinKV[any](nodes[0]).CompareAndSwap(ctx, 1, 2, func() {}, false),
		} {
			if err == nil || errors.Is(err, eddy.ErrIndefinite) {
				t.Error(err)
			}
		}
	})
}

// A read is sent again after a timeout. A change is sent once, and its error says that it
// may have had an effect.
func TestKVTimeouts(t *testing.T) {
	withServices(t, 1, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
		ctx, kv := t.Context(), eddy.LinKV[int](nodes[0])
		net.Lose("lin-kv", "n1", 1)
		if v, err := kv.ReadOr(ctx, "x", 7); v != 7 || err != nil || sent(net, "lin-kv", "read") != 2 {
			t.Error(v, err)
		}
		net.Lose("lin-kv", "n1", 1)
		start := time.Now()
		err := kv.Write(ctx, "x", 1)
		if !errors.Is(err, eddy.ErrIndefinite) || !errors.Is(err, eddy.Timeout) || time.Since(start) != 1500*time.Millisecond ||
			err.Error() != `write "x" in lin-kv: RPC failed after 1 attempts; it may have had an effect` {
			t.Error(time.Since(start), err)
		}
		net.Lose("lin-kv", "n1", 1)
		if err := kv.CompareAndSwap(ctx, "x", 1, 2, false); !errors.Is(err, eddy.ErrIndefinite) {
			t.Error(err)
		}
		if w, c := sent(net, "lin-kv", "write"), sent(net, "lin-kv", "cas"); w != 1 || c != 1 {
			t.Errorf("%d writes, %d cas", w, c)
		}

		// With more attempts the error is indefinite too: 22 is the reply to the second one.
		kv.Changes = &eddy.Policy{}
		net.Lose("lin-kv", "n1", 1)
		err = kv.CompareAndSwap(ctx, "x", 2, 3, false)
		if !errors.Is(err, eddy.ErrIndefinite) || !errors.Is(err, eddy.PreconditionFailed) {
			t.Error(err)
		}
		if v, err := kv.Read(ctx, "x"); v != 3 || err != nil {
			t.Error(v, err)
		}
		net.Cut("n1", "lin-kv")
		if _, err := kv.Read(ctx, "x"); !errors.Is(err, eddy.Timeout) || errors.Is(err, eddy.ErrIndefinite) {
			t.Error(err)
		}
	})
}

// A handler that returns the error of a KV replies with a code that is true for its client.
func TestKVErrorsPassedOn(t *testing.T) {
	withServices(t, 0, func(t *testing.T, net *eddytest.Net, _ []*eddy.Node) {
		n := &eddy.Node{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		kv := eddy.LinKV[int](n)
		kv.Races = &eddy.Policy{Attempts: 1}
		n.Handle("read", func(ctx context.Context, _ *eddy.Request) (any, error) {
			v, err := kv.Read(ctx, "x")
			return map[string]any{"value": v}, err
		})
		n.Handle("add", func(ctx context.Context, _ *eddy.Request) (any, error) {
			v, err := kv.Update(ctx, "x", increment)
			return map[string]any{"value": v}, err
		})
		n.HandleInline("inline", func(ctx context.Context, _ *eddy.Request) (any, error) {
			_, err := kv.Update(ctx, "x", increment)
			return nil, err
		})
		net.Start("n1", n)
		c := net.Client("c1")
		code := func(body string) int64 {
			code, ok := c.Call("n1", body).Body.Get("code").Int()
			if !ok {
				return -1
			}
			return code
		}
		net.Lose("lin-kv", "n1", 1) // the second attempt receives 20
		if got := code(`{"type":"read"}`); got != 20 {
			t.Errorf("read without the key: %d", got)
		}
		if got := code(`{"type":"add"}`); got != -1 {
			t.Errorf("add: %d", got)
		}
		net.Script(func(m eddy.Message) eddytest.Fate { // the reply is lost
			if m.Type() == "cas_ok" {
				return eddytest.Lost
			}
			return eddytest.Arrives
		})
		if got := code(`{"type":"add"}`); got != 0 {
			t.Errorf("add, perhaps: %d", got)
		}
		net.Script(func(m eddy.Message) eddytest.Fate { // another change comes first
			if m.Type() == "cas" {
				return eddytest.Fate{time.Second}
			}
			return eddytest.Arrives
		})
		asked := c.Request("n1", `{"type":"add"}`)
		time.Sleep(500 * time.Millisecond)
		c.Call("lin-kv", `{"type":"write","key":"x","value":7}`)
		if got, _ := c.Await(asked).Body.Get("code").Int(); got != 22 {
			t.Errorf("add that loses: %d", got)
		}
		if got := code(`{"type":"inline"}`); got != 13 {
			t.Errorf("add in an inline handler: %d", got)
		}
	})
}

// A plain read of seq-kv may miss what another node has written. Fresh does not.
func TestFresh(t *testing.T) {
	withServices(t, 2, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
		ctx, ours, theirs := t.Context(), eddy.SeqKV[int](nodes[0]), eddy.SeqKV[int](nodes[1])
		stale := 0
		for i := range 200 {
			if err := theirs.Write(ctx, "x", i); err != nil {
				t.Fatal(err)
			}
			if v, err := ours.ReadOr(ctx, "x", -1); err != nil || v != i {
				stale++
			}
			net.Duplicate("n1", "seq-kv", i%3) // a copy of the write that Fresh makes
			net.Lose("seq-kv", "n1", i%2)      // or a timeout
			if v, err := ours.Fresh(ctx, "x"); v != i || err != nil {
				t.Errorf("Fresh is %d, %v, want %d", v, err, i)
			}
		}
		if stale == 0 {
			t.Error("no plain read was ever stale")
		}
		if _, err := eddy.LWWKV[int](nodes[0]).Fresh(ctx, "x"); !errors.Is(err, eddy.NotSupported) {
			t.Error(err)
		}
		net.Cut("n1", "seq-kv")
		if _, err := ours.Fresh(ctx, "x"); !errors.Is(err, eddy.Timeout) || errors.Is(err, eddy.ErrIndefinite) {
			t.Error(err)
		}
	})
}

// LinTSO returns timestamps that grow, whatever the network loses and duplicates.
func TestTSO(t *testing.T) {
	withServices(t, 2, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
		net.Duplicate("n1", "lin-tso", 20)
		last := int64(-1)
		for i := range 50 {
			if i%10 == 0 {
				net.Lose("lin-tso", "n2", 1)
			}
			ts, err := eddy.LinTSO(nodes[i%2]).Next(t.Context())
			if err != nil || ts <= last {
				t.Fatalf("%d after %d: %v", ts, last, err)
			}
			last = ts
		}
		net.Cut("n1", "lin-tso")
		tso, start := eddy.LinTSO(nodes[0]), time.Now()
		if _, err := tso.Next(t.Context()); !errors.Is(err, eddy.Timeout) || time.Since(start) != 1500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		tso.Policy = &eddy.Policy{Attempts: 1, Timeout: time.Second}
		start = time.Now()
		if _, err := tso.Next(t.Context()); !errors.Is(err, eddy.Timeout) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// A reply that no such service sends is an error, and not a zero value.
func TestKVRubbish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1")
		n := &eddy.Node{}
		net.Start("n1", n)
		for _, name := range []string{"lin-kv", "lin-tso"} {
			c := net.Client(name)
			c.Handle(func(m eddy.Message) { c.Reply(m, `{"type":"hello"}`) })
		}
		if v, err := eddy.LinKV[int](n).Read(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "lin-kv replied with hello without a value") {
			t.Error(v, err)
		}
		if v, err := eddy.LinTSO(n).Next(t.Context()); err == nil || !strings.Contains(err.Error(), "lin-tso replied with hello without an integer ts") {
			t.Error(v, err)
		}
	})
}
