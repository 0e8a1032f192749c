package natsnet_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/natsnet"
)

// sharedServer is the URL of a server that tests share; each uses a cluster of its own.
var sharedServer = sync.OnceValues(func() (url string, err error) {
	s, err := startServer(-1, "")
	if err != nil {
		return "", err
	}
	return s.ClientURL(), nil
})

// startServer starts a server on loopback, which requires a token if there is one. Port
// -1 stands for a free one.
func startServer(port int, token string) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, Authorization: token, NoLog: true, NoSigs: true})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return nil, errors.New("the server is not ready after 10 s")
	}
	return s, nil
}

// ownServer starts a server that runs until the test ends.
func ownServer(t *testing.T, port int, token string) *server.Server {
	t.Helper()
	s, err := startServer(port, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// config returns the configuration of a node in the test's cluster.
func config(t *testing.T, node string) natsnet.Config {
	t.Helper()
	url, err := sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	return natsnet.Config{Servers: url, Cluster: t.Name(), Node: node}
}

// publish publishes a message as a stranger does who may use every subject.
func publish(t *testing.T, m *nats.Msg) {
	t.Helper()
	url, err := sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.PublishMsg(m); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, cfg natsnet.Config) *natsnet.Conn {
	t.Helper()
	c, err := natsnet.Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dialed returns a connection that is joined, and is closed when the test ends.
func dialed(t *testing.T, cfg natsnet.Config) *natsnet.Conn {
	t.Helper()
	c := dial(t, cfg)
	t.Cleanup(func() { c.Close() })
	joined(t, c)
	return c
}

// serve serves a node until the test ends. It returns when the node has its name.
func serve(t *testing.T, cfg natsnet.Config, node *eddy.Node) *natsnet.Conn {
	t.Helper()
	cfg.Nodes = []string{"n1", "n2"}
	c := dial(t, cfg)
	ready := make(chan struct{})
	node.OnInit(func(context.Context) error { close(ready); return nil })
	serveConn(t, c, node)
	<-ready
	return c
}

// serveConn serves a node until the test ends.
func serveConn(t *testing.T, c *natsnet.Conn, node *eddy.Node) {
	t.Helper()
	node.Log = slog.New(slog.DiscardHandler)
	ctx, end := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := node.Serve(ctx, c); err != nil {
			t.Errorf("the node has ended: %v", err)
		}
	})
	t.Cleanup(func() { end(); served.Wait() })
}

// joined waits until a connection receives what is for it.
func joined(t *testing.T, c *natsnet.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Joined(ctx); err != nil {
		t.Fatal(err)
	}
}

// say writes a line.
func say(t *testing.T, c *natsnet.Conn, line string) {
	t.Helper()
	if _, err := c.Write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
}

// read reads a line.
func read(t *testing.T, c *natsnet.Conn) string {
	t.Helper()
	buf, n := make([]byte, 1000), 0
	done := make(chan error, 1)
	go func() {
		var err error
		n, err = c.Read(buf)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	case <-time.After(20 * time.Second):
		t.Fatal("nothing to read for 20 s")
		return ""
	}
}

// hear reads a line and compares it.
func hear(t *testing.T, c *natsnet.Conn, want string) {
	t.Helper()
	if got := read(t, c); got != want+"\n" {
		t.Fatalf("read %q, want %q", got, want)
	}
}

// wait waits for an event that is announced nowhere.
func wait(t *testing.T, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing happened for 20 s")
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
