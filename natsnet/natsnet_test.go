package natsnet_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/natsnet"
)

// serverAt starts a server for the test, on loopback; port -1 is a free one.
func serverAt(t *testing.T, port int) *server.Server {
	t.Helper()
	return lockedServer(t, port, "")
}

// lockedServer is one that wants to see a token.
func lockedServer(t *testing.T, port int, token string) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, Authorization: token, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s
}

func dial(t *testing.T, cfg natsnet.Config) *natsnet.Conn {
	t.Helper()
	c, err := natsnet.Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// join serves a node until the test ends. It returns once the node has its name.
func join(t *testing.T, url, name string, node *eddy.Node) *natsnet.Conn {
	t.Helper()
	c := dial(t, natsnet.Config{Servers: url, Node: name, Nodes: []string{"n1", "n2"}})
	ready := make(chan struct{})
	node.OnInit(func(context.Context) error { close(ready); return nil })
	node.Log = slog.New(slog.DiscardHandler)
	ctx, end := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := node.Serve(ctx, c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	t.Cleanup(func() { end(); served.Wait() })
	<-ready
	return c
}

// joined waits until a connection hears what is for it.
func joined(t *testing.T, c *natsnet.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Joined(ctx); err != nil {
		t.Fatal(err)
	}
}

func echo() *eddy.Node {
	n := &eddy.Node{}
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	return n
}

// call makes calls until one is answered: at first the other may not have joined.
func call(t *testing.T, n *eddy.Node, dest string, body string) eddy.Message {
	t.Helper()
	reply, attempts, err := n.RPCWithRetry(t.Context(), dest, eddy.Raw(body), &eddy.Policy{Attempts: 100, Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatalf("after %d attempts: %v", attempts, err)
	}
	return reply
}

func TestCalls(t *testing.T) {
	url := serverAt(t, -1).ClientURL()
	for _, name := range []string{"n2", "a.b *>", "ü", "="} {
		t.Run(name, func(t *testing.T) {
			caller := echo()
			join(t, url, "n1", caller)
			join(t, url, name, echo())
			for i := range 100 {
				reply := call(t, caller, name, fmt.Sprintf(`{"type":"echo","i":%d,"text":"\u2028 a b"}`, i))
				if got, _ := reply.Body.Get("i").Int(); got != int64(i) || reply.Src != name || reply.Dest != "n1" {
					t.Fatalf("call %d is answered with %+v", i, reply)
				}
			}
		})
	}
}

// A node may call itself.
func TestCallToItself(t *testing.T) {
	n := echo()
	join(t, serverAt(t, -1).ClientURL(), "n1", n)
	call(t, n, "n1", `{"type":"echo"}`)
}

// What is not what its subject says is dropped, whoever has sent it.
func TestForgedMessages(t *testing.T) {
	url := serverAt(t, -1).ClientURL()
	c := dial(t, natsnet.Config{Servers: url, Node: "n1"})
	defer c.Close()
	forger, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer forger.Close()
	const good = `{"src":"n2","dest":"n1","body":{"type":"x"}}`
	forged := []string{
		`{"src":"n3","dest":"n1","body":{"type":"x"}}`,
		`{"src":"n2","dest":"n3","body":{"type":"x"}}`,
		"{}\n" + strings.Replace(good, "n2", "n3", 1),
		"", "{", good + good, good + "\n",
	}
	joined(t, c)
	for _, data := range append(forged, good) {
		if err := forger.Publish("eddy.eddy.n1.n2", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 1000)
	n, err := c.Read(buf)
	if got := string(buf[:n]); got != good+"\n" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if got := c.Counts(); got.Misplaced != int64(len(forged)) || got.In != 1 {
		t.Errorf("%+v", got)
	}
	// A node that writes in another's name is not heard either.
	if _, err := c.Write([]byte(`{"src":"n2","dest":"n1","body":{"type":"x"}}` + "\nnonsense\n")); err != nil {
		t.Error(err)
	}
	if got := c.Counts(); got.Foreign != 2 || got.Out != 0 {
		t.Errorf("%+v", got)
	}
}

// wait waits for an event that nothing else tells of.
func wait(t *testing.T, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing happened for 20 s")
		}
	}
}

// Calls survive the death of the server, and one that comes up late.
func TestServerGoesAndComes(t *testing.T) {
	first := serverAt(t, -1)
	url := first.ClientURL()
	port := first.Addr().String()[strings.LastIndex(first.Addr().String(), ":")+1:]
	caller := echo()
	c := join(t, url, "n1", caller)
	join(t, url, "n2", echo())
	call(t, caller, "n2", `{"type":"echo"}`)
	first.Shutdown()
	first.WaitForShutdown()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		call(t, caller, "n2", `{"type":"echo","late":true}`)
	}()
	wait(t, func() bool { return !c.Connected() })
	var at int
	fmt.Sscan(port, &at)
	serverAt(t, at)
	<-answered
	if got := c.Counts(); got.Reconnects == 0 {
		t.Errorf("%+v", got)
	}
}

// The reply to what a node asked in an earlier life is not for the present one, which
// numbers its messages anew.
func TestEarlierLife(t *testing.T) {
	url := serverAt(t, -1).ClientURL()
	a := dial(t, natsnet.Config{Servers: url, Node: "n1"})
	defer a.Close()
	b := dial(t, natsnet.Config{Servers: url, Node: "n2"})
	defer b.Close()
	joined(t, a)
	joined(t, b)
	buf := make([]byte, 1000)
	say := func(c *natsnet.Conn, line string) {
		t.Helper()
		if _, err := c.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(c *natsnet.Conn, want string) {
		t.Helper()
		n, err := c.Read(buf)
		if got := string(buf[:n]); got != want+"\n" || err != nil {
			t.Fatalf("read %q, %v, want %q", got, err, want)
		}
	}
	for id := range 3 {
		request := fmt.Sprintf(`{"src":"n1","dest":"n2","body":{"type":"x","msg_id":%d}}`, id)
		say(a, request)
		hear(b, request)
	}
	reply := `{"src":"n2","dest":"n1","body":{"type":"x_ok","in_reply_to":%d}}`
	say(b, fmt.Sprintf(reply, 0))
	hear(a, fmt.Sprintf(reply, 0))
	a.Reborn()
	say(b, fmt.Sprintf(reply, 1))
	oneWay := `{"src":"n2","dest":"n1","body":{"type":"x"}}`
	say(b, oneWay)
	hear(a, oneWay)
	if got := a.Counts(); got.Earlier != 1 {
		t.Errorf("%+v", got)
	}
}

// The log tells that nobody has joined as a node, once a second at most.
func TestNobodyThere(t *testing.T) {
	var log lockedBuffer
	c := dial(t, natsnet.Config{
		Servers: serverAt(t, -1).ClientURL(), Node: "n1", Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	defer c.Close()
	joined(t, c)
	for range 50 {
		if _, err := c.Write([]byte(`{"src":"n1","dest":"n9","body":{"type":"x"}}` + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, func() bool { return c.Counts().Unheard == 50 })
	if got := strings.Count(log.String(), "nobody has joined"); got < 1 || got > 5 || !strings.Contains(log.String(), "dest=n9") {
		t.Errorf("the log:\n%s", log.String())
	}
}

// A message that is too large for the server is not sent, and the log says so.
func TestTooLarge(t *testing.T) {
	var log lockedBuffer
	c := dial(t, natsnet.Config{Servers: serverAt(t, -1).ClientURL(), Node: "n1", Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer c.Close()
	joined(t, c)
	line := `{"src":"n1","dest":"n2","body":{"type":"x","pad":"` + strings.Repeat("x", 1<<20) + `"}}` + "\n"
	if _, err := c.Write([]byte(line)); err != nil {
		t.Fatal(err)
	}
	if got := c.Counts(); got.Unsent != 1 || got.Out != 0 || !strings.Contains(log.String(), "maximum payload") {
		t.Errorf("%+v\n%s", got, log.String())
	}
}

// A name that does not fit into a subject costs its message and not the connection,
// which a server would end for good.
func TestNameTooLong(t *testing.T) {
	c := dial(t, natsnet.Config{Servers: serverAt(t, -1).ClientURL(), Node: "n1"})
	defer c.Close()
	joined(t, c)
	for long := 1950; long <= 2100; long++ { // each subject names it once
		fmt.Fprintf(c, `{"src":"n1","dest":"%s","body":{"type":"x"}}`+"\n", strings.Repeat("x", long))
	}
	joined(t, c)
	if got := c.Counts(); got.Unsent == 0 || got.Out == 0 || got.Unsent+got.Out != 151 || got.Reconnects != 0 {
		t.Errorf("%+v", got)
	}
}

// The log tells that no server is there, and Dial does not wait for one.
func TestNoServer(t *testing.T) {
	var log lockedBuffer
	c := dial(t, natsnet.Config{Servers: "nats://127.0.0.1:1", Node: "n1", Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer c.Close()
	wait(t, func() bool { return strings.Contains(log.String(), "no server is reached") })
}

// What comes faster than it is read is lost beyond a bound, and counted.
func TestNobodyReads(t *testing.T) {
	url := serverAt(t, -1).ClientURL()
	var log lockedBuffer
	slow := dial(t, natsnet.Config{Servers: url, Node: "n1", MaxWaiting: 1000, Log: slog.New(slog.NewTextHandler(&log, nil))})
	quick := dial(t, natsnet.Config{Servers: url, Node: "n2"})
	defer quick.Close()
	joined(t, slow)
	joined(t, quick)
	line := []byte(`{"src":"n2","dest":"n1","body":{"type":"x","pad":"` + strings.Repeat("x", 100) + `"}}` + "\n")
	for range 100 {
		if _, err := quick.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	quick.Close() // which sends them
	wait(t, func() bool { return slow.Counts().Lost > 0 && strings.Contains(log.String(), "slow consumer") })
	slow.Close()
	var all bytes.Buffer
	n, err := all.ReadFrom(slow)
	if err != nil || n == 0 || n > 1000 || n%int64(len(line)) != 0 {
		t.Errorf("%d bytes are left, %v", n, err)
	}
	if lost := slow.Counts().Lost; lost != 100-n/int64(len(line)) {
		t.Errorf("%d lost, %d read", lost, n/int64(len(line)))
	}
}

func TestImpossibleConfigs(t *testing.T) {
	for _, tt := range []struct {
		cfg  natsnet.Config
		want string
	}{
		{natsnet.Config{}, "a node without a name"},
		{natsnet.Config{Node: strings.Repeat("x", 3000)}, "too long"},
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

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// On a network that is well, all arrives, in order and once.
func TestAllArrives(t *testing.T) {
	url := serverAt(t, -1).ClientURL()
	from := dial(t, natsnet.Config{Servers: url, Node: "n1"})
	defer from.Close()
	to := dial(t, natsnet.Config{Servers: url, Node: "n2"})
	defer to.Close()
	joined(t, from)
	joined(t, to)
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
