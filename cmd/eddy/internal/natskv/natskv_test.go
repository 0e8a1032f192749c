package natskv

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
	"github.com/eddyrpc/eddy/natsnet"
)

// startServer starts a server that runs until the test ends.
func startServer(t *testing.T, store string) *natsserver.Server {
	t.Helper()
	s, err := natsserver.Start(store, natsserver.AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// serve serves the services at the server of a URL until stop is called. stop returns
// what Serve has returned.
func serve(t *testing.T, url string) (stop func() error) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- Serve(ctx, Config{
			Net: natsnet.Config{Servers: url}, Replicas: 1, Wait: 20 * time.Second, Log: slog.New(slog.DiscardHandler),
		}, func() { close(ready) })
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	return func() error { end(); return <-ended }
}

// client returns a node that calls the services.
func client(t *testing.T, url string) *eddy.Node {
	t.Helper()
	conn, err := natsnet.Dial(natsnet.Config{Servers: url, Node: "c1", Nodes: []string{"c1"}})
	if err != nil {
		t.Fatal(err)
	}
	return serveClient(t, conn)
}

// serveClient serves a node that calls, until the test ends.
func serveClient(t *testing.T, over eddy.Transport) *eddy.Node {
	t.Helper()
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	joined := make(chan struct{})
	n.OnInit(func(context.Context) error { close(joined); return nil })
	ctx, end := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { n.Serve(ctx, over) })
	t.Cleanup(func() { end(); served.Wait() })
	<-joined
	return n
}

// ask calls a service and describes the reply: its type and value, or its text and code.
func ask(n *eddy.Node, service, body string) string {
	reply, _, err := n.RPCWithRetry(context.Background(), service, eddy.Raw(body), &eddy.Policy{Attempts: 1, Timeout: 20 * time.Second})
	if err != nil {
		return err.Error()[strings.LastIndex(err.Error(), "failed: ")+len("failed: "):]
	}
	return fmt.Sprintf("%s %s", reply.Type(), reply.Body.Get("value"))
}

// Without a server Serve ends with an error that says so.
func TestNoServer(t *testing.T) {
	t.Parallel()
	err := Serve(t.Context(), Config{
		Net: natsnet.Config{Servers: "nats://127.0.0.1:1"}, Wait: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}, func() { t.Error("it is ready") })
	if err == nil || err.Error() != "no NATS server was reached within 10ms" {
		t.Error(err)
	}
}

var longKey = strings.Repeat("é", 10_000)

// kvReplies are requests to each of the key-value services, in their order, and the
// replies.
var kvReplies = []struct{ body, want string }{
	{`{"type":"read","key":"k"}`, `key "k" does not exist (key-does-not-exist)`},
	{`{"type":"read","key":"k"}`, `key "k" does not exist (key-does-not-exist)`},
	{`{"type":"cas","key":"k","from":1,"to":2}`, `key "k" does not exist (key-does-not-exist)`},
	{`{"type":"cas","key":"k","from":1,"to":{"b":1e2,"a":[]},"create_if_not_exists":true}`, "cas_ok "},
	{`{"type":"read","key":"k"}`, `read_ok {"b":1e2,"a":[]}`},
	{`{"type":"cas","key":"k","from":{"a":[],"b":1e2},"to":null}`, "cas_ok "},
	{`{"type":"cas","key":"k","from":7,"to":8}`, `key "k" is null, not 7 (precondition-failed)`},
	{`{"type":"read","key":"k"}`, "read_ok null"},
	{`{"type":"write","key":"k","value":3}`, "write_ok "},
	{`{"type":"read","key":"\u006b"}`, "read_ok 3"},
	{`{"type":"write","key":{"a":1,"b":" "},"value":"x"}`, "write_ok "},
	{`{"type":"read","key":{"b":" ","a":1}}`, `read_ok "x"`},
	{`{"type":"read","key":{"b":" ","a":1.0}}`, `read_ok "x"`}, // 1.0 is 1
	// Numbers that a float64 can't tell apart, as a value and as a key.
	{`{"type":"write","key":"big","value":9007199254740993}`, "write_ok "},
	{`{"type":"cas","key":"big","from":9007199254740992,"to":0}`, `key "big" is 9007199254740993, not 9007199254740992 (precondition-failed)`},
	{`{"type":"cas","key":"big","from":9007199254740993,"to":1}`, "cas_ok "},
	{`{"type":"cas","key":"big","from":1.0,"to":2}`, "cas_ok "},
	{`{"type":"write","key":9007199254740993,"value":3}`, "write_ok "},
	{`{"type":"read","key":9007199254740992}`, `key 9007199254740992 does not exist (key-does-not-exist)`},
	{`{"type":"read"}`, "read needs key (malformed-request)"},
	{`{"type":"write","key":1}`, "write needs value (malformed-request)"},
	{`{"type":"cas","key":1,"to":1}`, "cas needs from and to (malformed-request)"},
	{`{"type":"write","key":"` + longKey + `","value":1}`, "write_ok "},
	{`{"type":"write","key":"` + longKey + `1","value":2}`, "write_ok "},
	{`{"type":"read","key":"` + longKey + `"}`, "read_ok 1"},
	{`{"type":"ts"}`, "no handler for type ts (not-supported)"},
}

func TestServices(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	s := startServer(t, store)
	stop := serve(t, s.URL())
	n := client(t, s.URL())
	for _, service := range []string{"lin-kv", "seq-kv", "lww-kv"} {
		for _, tt := range kvReplies {
			if got := ask(n, service, tt.body); got != tt.want {
				t.Errorf("%s %s: %s, want %s", service, tt.body, got, tt.want)
			}
		}
	}
	last := int64(0)
	for range 20 {
		reply, err := n.RPC(context.Background(), "lin-tso", eddy.Raw(`{"type":"ts"}`))
		ts, _ := reply.Body.Get("ts").Int()
		if err != nil || ts <= last {
			t.Errorf("ts %d after %d, %v", ts, last, err)
		}
		last = ts
	}

	// What they keep outlives the services and the server.
	if err := stop(); err != nil {
		t.Error(err)
	}
	s.Stop()
	s = startServer(t, store)
	stop = serve(t, s.URL())
	n = client(t, s.URL())
	for _, service := range []string{"lin-kv", "seq-kv", "lww-kv"} {
		if got := ask(n, service, `{"type":"read","key":"k"}`); got != "read_ok 3" {
			t.Errorf("%s after a restart: %s", service, got)
		}
	}
	if reply, err := n.RPC(context.Background(), "lin-tso", eddy.Raw(`{"type":"ts"}`)); err != nil {
		t.Error(err)
	} else if ts, _ := reply.Body.Get("ts").Int(); ts <= last {
		t.Errorf("ts %d after a restart, %d before it", ts, last)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A registerOp is an operation on one key.
type registerOp struct {
	typ      string
	from, to int
}

// register is the sequential specification of a key of lin-kv; 0 stands for no value.
var register = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		now, op, got := state.(int), input.(registerOp), output.(string)
		switch {
		case strings.Contains(got, "key-does-not-exist"):
			return now == 0, now
		case strings.Contains(got, "precondition-failed"):
			return now != 0 && now != op.from, now
		case op.typ == "read":
			return got == fmt.Sprintf("read_ok %d", now), now
		case op.typ == "write":
			return true, op.to
		}
		return now == op.from, op.to
	},
}

func TestLinKVIsLinearizable(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir())
	stop := serve(t, s.URL())
	defer stop()
	n := client(t, s.URL())
	begun := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	var clients sync.WaitGroup
	for id := range 5 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(id), 0))
			for range 60 {
				op := registerOp{[]string{"read", "write", "cas"}[random.IntN(3)], 1 + random.IntN(3), 1 + random.IntN(3)}
				body := map[string]string{
					"read":  `{"type":"read","key":"r"}`,
					"write": fmt.Sprintf(`{"type":"write","key":"r","value":%d}`, op.to),
					"cas":   fmt.Sprintf(`{"type":"cas","key":"r","from":%d,"to":%d}`, op.from, op.to),
				}[op.typ]
				call := time.Since(begun)
				got := ask(n, "lin-kv", body)
				back := time.Since(begun)
				mu.Lock()
				history = append(history, porcupine.Operation{
					ClientId: id, Input: op, Output: got, Call: int64(call), Return: int64(back),
				})
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	if !porcupine.CheckOperations(register, history) {
		t.Error("the history is not linearizable")
	}
}
