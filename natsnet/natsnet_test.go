package natsnet_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/natsnet"
	"github.com/eddyrpc/eddy/retry"
)

func echo() *eddy.Node {
	n := &eddy.Node{}
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	return n
}

// call makes a call with many attempts: at first the other node may not have joined.
func call(t *testing.T, n *eddy.Node, dest string, body string) eddy.Message {
	t.Helper()
	reply, attempts, err := n.RPCWithRetry(t.Context(), dest, eddy.Raw(body), &eddy.Policy{
		Attempts: 100, Timeout: 200 * time.Millisecond,
		RetryOn: []int{int(eddy.TemporarilyUnavailable)}, // until init has ended
		Backoff: retry.Backoff{Kind: retry.Constant, Base: 10 * time.Millisecond},
	})
	if err != nil {
		t.Fatalf("after %d attempts: %v", attempts, err)
	}
	return reply
}

func TestCalls(t *testing.T) {
	for _, name := range []string{"n2", "a.b *>", "ü", "=", "eddy-join"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caller := echo()
			serve(t, config(t, "n1"), caller)
			serve(t, config(t, name), echo())
			for i := range 100 {
				reply := call(t, caller, name, fmt.Sprintf(`{"type":"echo","i":%d,"text":"\u2028 a b"}`, i))
				if got, _ := reply.Body.Get("i").Int(); got != int64(i) || reply.Src != name || reply.Dest != "n1" {
					t.Fatalf("call %d is answered with %+v", i, reply)
				}
			}
		})
	}
}

// A node can call itself.
func TestCallToItself(t *testing.T) {
	t.Parallel()
	n := echo()
	serve(t, config(t, "n1"), n)
	call(t, n, "n1", `{"type":"echo"}`)
}

// A message whose src or dest differs from its subject is dropped.
func TestForgedMessages(t *testing.T) {
	t.Parallel()
	c := dialed(t, config(t, "n1"))
	const good = `{"src":"n2","dest":"n1","body":{"type":"x"}}`
	forged := []string{
		`{"src":"n3","dest":"n1","body":{"type":"x"}}`,
		`{"src":"n2","dest":"n3","body":{"type":"x"}}`,
		"{}\n" + strings.Replace(good, "n2", "n3", 1),
		"", "{", good + good, good + "\n",
	}
	for _, data := range append(forged, good) {
		publish(t, &nats.Msg{Subject: natsnet.Subject(t.Name(), "n1", "n2"), Data: []byte(data)})
	}
	hear(t, c, good)
	if got := c.Counts(); got.Invalid != int64(len(forged)) || got.In != 1 {
		t.Errorf("%+v", got)
	}
	// A node that writes under another name is not heard either.
	say(t, c, `{"src":"n2","dest":"n1","body":{"type":"x"}}`+"\nnonsense")
	if got := c.Counts(); got.Foreign != 2 || got.Out != 0 {
		t.Errorf("%+v", got)
	}
}

// A message that is only a status of NATS, which anyone can send, is dropped and counted
// and does not end the connection.
func TestStatusMessageDoesNotEndConnection(t *testing.T) {
	t.Parallel()
	const good = `{"src":"n2","dest":"n1","body":{"type":"x"}}`
	subject := natsnet.Subject(t.Name(), "n1", "n2")
	send := func(status string, data string) {
		m := &nats.Msg{Subject: subject, Data: []byte(data), Header: nats.Header{}}
		m.Header.Set("Status", status)
		publish(t, m)
	}
	c := dialed(t, config(t, "n1"))
	for _, status := range []string{"503", "404", "408", "409", "100"} {
		send(status, "")
	}
	send("503", good)
	hear(t, c, good)
	if got := c.Counts(); got.Invalid != 5 || got.In != 1 {
		t.Errorf("%+v", got)
	}
	// Neither does one that waits when the connection is closed keep those behind it.
	send("503", "")
	send("100", good)
	joined(t, c)
	c.Close()
	hear(t, c, good)
	if _, err := c.Read(make([]byte, 10)); err != io.EOF {
		t.Errorf("after Close: %v", err)
	}
}

// No other node's name means anything during init: a request from a node of any name is
// replied to like every other, and the node lives.
func TestNameOfStrangerDuringInit(t *testing.T) {
	t.Parallel()
	cfg := config(t, "n1")
	cfg.Nodes = []string{"n1"}
	c := dial(t, cfg)
	n := echo()
	begun, end := make(chan string, 1), make(chan struct{})
	n.OnInit(func(context.Context) error {
		close(begun)
		<-end
		return nil
	})
	serveConn(t, c, n)
	<-begun
	joined(t, c)
	for _, name := range []string{"eddy-join", "init", "c0"} {
		stranger := dialed(t, config(t, name))
		say(t, stranger, fmt.Sprintf(`{"src":%q,"dest":"n1","body":{"type":"echo","msg_id":1}}`, name))
		if line := read(t, stranger); !strings.Contains(line, `"code":11`) {
			t.Errorf("%s gets %q", name, line)
		}
	}
	close(end)
	caller := echo()
	serve(t, config(t, "n2"), caller)
	call(t, caller, "n1", `{"type":"echo"}`)
}

// Calls survive the death of the server.
func TestServerIsRestarted(t *testing.T) {
	t.Parallel()
	first := ownServer(t, -1, "")
	cfg := func(node string) natsnet.Config { return natsnet.Config{Servers: first.ClientURL(), Node: node} }
	caller := echo()
	c := serve(t, cfg("n1"), caller)
	serve(t, cfg("n2"), echo())
	call(t, caller, "n2", `{"type":"echo"}`)
	port := first.Addr().(*net.TCPAddr).Port
	first.Shutdown()
	first.WaitForShutdown()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		call(t, caller, "n2", `{"type":"echo","late":true}`)
	}()
	wait(t, func() bool { return !c.Connected() })
	ownServer(t, port, "")
	<-answered
	if got := c.Counts(); got.Reconnects == 0 {
		t.Errorf("%+v", got)
	}
}

// The reply to a request of an earlier incarnation is dropped: the present one numbers
// its messages from 0 again.
func TestEarlierIncarnation(t *testing.T) {
	t.Parallel()
	a, b := dialed(t, config(t, "n1")), dialed(t, config(t, "n2"))
	for id := range 3 {
		request := fmt.Sprintf(`{"src":"n1","dest":"n2","body":{"type":"x","msg_id":%d}}`, id)
		say(t, a, request)
		hear(t, b, request)
	}
	reply := `{"src":"n2","dest":"n1","body":{"type":"x_ok","in_reply_to":%d}}`
	say(t, b, fmt.Sprintf(reply, 0))
	hear(t, a, fmt.Sprintf(reply, 0))
	a.NewIncarnation()
	say(t, b, fmt.Sprintf(reply, 1))
	oneWay := `{"src":"n2","dest":"n1","body":{"type":"x"}}`
	say(t, b, oneWay)
	hear(t, a, oneWay)
	if got := a.Counts(); got.Stale != 1 {
		t.Errorf("%+v", got)
	}
}

// The log tells that nobody has joined as a node, at most once a second.
func TestNoReceiver(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	cfg := config(t, "n1")
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	c := dialed(t, cfg)
	for range 50 {
		say(t, c, `{"src":"n1","dest":"n9","body":{"type":"x"}}`)
	}
	wait(t, func() bool { return c.Counts().NoReceiver == 50 })
	if got := strings.Count(log.String(), "nobody has joined"); got < 1 || got > 5 || !strings.Contains(log.String(), "dest=n9") {
		t.Errorf("the log:\n%s", log.String())
	}
}

// A message that is too long for the server is not sent, and the log says so.
func TestMessageTooLong(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	cfg := config(t, "n1")
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	c := dialed(t, cfg)
	say(t, c, `{"src":"n1","dest":"n2","body":{"type":"x","pad":"`+strings.Repeat("x", 1<<20)+`"}}`)
	if got := c.Counts(); got.Unsent != 1 || got.Out != 0 || !strings.Contains(log.String(), "maximum payload") {
		t.Errorf("%+v\n%s", got, log.String())
	}
}

// A message to a name that is too long for a subject is not sent, and the server, which
// would close the connection for good, does not receive it.
func TestNameTooLong(t *testing.T) {
	t.Parallel()
	cfg := config(t, "n1")
	cfg.Cluster = "c"
	c := dialed(t, cfg)
	for long := 1950; long <= 2100; long++ { // each of two subjects names it once
		say(t, c, fmt.Sprintf(`{"src":"n1","dest":"%s","body":{"type":"x"}}`, strings.Repeat("x", long)))
	}
	joined(t, c)
	if got := c.Counts(); got.Unsent == 0 || got.Out == 0 || got.Unsent+got.Out != 151 || got.Reconnects != 0 {
		t.Errorf("%+v", got)
	}
}

// A name that is too long for a subject is not kept, and the log shows only its beginning.
func TestOverlongNameIsNotKept(t *testing.T) {
	var log lockedBuffer
	c := dial(t, natsnet.Config{
		Servers: "nats://127.0.0.1:1", Node: "n1", // without a server, so that only the connection needs memory
		Observe: func(string, time.Duration) {}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	defer c.Close()
	before := heap()
	name, written := strings.Repeat("é", 1<<18), 0
	for i := range 40 {
		line := fmt.Sprintf(`{"src":"n1","dest":"%d%s","body":{"type":"x","msg_id":%d}}`, i, name, i)
		say(t, c, line)
		written += len(line)
	}
	if kept := heap() - before; kept > written/4 {
		t.Errorf("%d MiB are kept of messages with names of %d MiB", kept>>20, written>>20)
	}
	if got := c.Counts().Unsent; got != 40 {
		t.Errorf("%d messages are counted as unsent", got)
	}
	for line := range strings.Lines(log.String()) {
		if len(line) > 2000 {
			t.Errorf("a line of the log has %d bytes: %.100s", len(line), line)
		}
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Dial does not wait for a server, and the log tells that there is none.
func TestNoServer(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	c := dial(t, natsnet.Config{Servers: "nats://127.0.0.1:1", Node: "n1", Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer c.Close()
	wait(t, func() bool { return strings.Contains(log.String(), "no server can be reached") })
}

// Messages that arrive faster than they are read are lost beyond a limit, and counted.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	cfg := config(t, "n1")
	cfg.MaxWaiting, cfg.Log = 1000, slog.New(slog.NewTextHandler(&log, nil))
	slow, fast := dialed(t, cfg), dialed(t, config(t, "n2"))
	line := `{"src":"n2","dest":"n1","body":{"type":"x","pad":"` + strings.Repeat("x", 100) + `"}}`
	for range 100 {
		say(t, fast, line)
	}
	fast.Close() // which sends them
	wait(t, func() bool { return slow.Counts().Lost > 0 && strings.Contains(log.String(), "slow consumer") })
	slow.Close()
	var all bytes.Buffer
	n, err := all.ReadFrom(slow)
	each := int64(len(line) + 1)
	if err != nil || n == 0 || n > 1000 || n%each != 0 {
		t.Errorf("%d bytes are left, %v", n, err)
	}
	if lost := slow.Counts().Lost; lost != 100-n/each {
		t.Errorf("%d lost, %d read", lost, n/each)
	}
}

func TestInvalidConfigs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cfg  natsnet.Config
		want string
	}{
		{natsnet.Config{}, "the node has no name"},
		{natsnet.Config{Node: strings.Repeat("x", 3000)}, "too long"},
		{natsnet.Config{Node: "n\xff"}, "not valid UTF-8"},
		{natsnet.Config{Node: "n1", MaxWaiting: -1}, "MaxWaiting: -1 must not be negative"},
		{natsnet.Config{Node: "n1", Servers: "nats://127.0.0.1:x"}, "port"},
		{natsnet.Config{Node: "n1", Security: natsnet.Security{Creds: "a", Token: "b"}}, "more than one"},
		{natsnet.Config{Node: "n1", Security: natsnet.Security{Cert: "a"}}, "without its key"},
		{natsnet.Config{Node: "n1", Security: natsnet.Security{Token: "no-such-file"}}, "no-such-file"},
		{natsnet.Config{Node: "n1", Security: natsnet.Security{NKey: "natsnet_test.go"}}, "natsnet_test.go"},
	} {
		c, err := natsnet.Dial(tt.cfg)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.cfg, err, tt.want)
		}
		if c != nil {
			c.Close()
		}
	}
}

// Without faults every message arrives, in order and once.
func TestAllArrives(t *testing.T) {
	t.Parallel()
	from, to := dialed(t, config(t, "n1")), dialed(t, config(t, "n2"))
	const all, ahead = 20_000, 1000
	room := make(chan struct{}, ahead)
	go func() {
		for i := range all {
			room <- struct{}{}
			fmt.Fprintf(from, `{"src":"n1","dest":"n2","body":{"type":"x","i":%d}}`+"\n", i)
		}
	}()
	lines := bufio.NewReader(to)
	for i := range all {
		line, err := lines.ReadString('\n')
		if want := fmt.Sprintf(`{"src":"n1","dest":"n2","body":{"type":"x","i":%d}}`+"\n", i); line != want || err != nil {
			t.Fatalf("read %q, %v, want %q", line, err, want)
		}
		<-room
	}
}
