package natskv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/natsnet"
)

// A proxy is a way to a server, on which the test can speak in the server's name.
type proxy struct {
	url string

	mu      sync.Mutex
	clients []net.Conn // in the order in which they connected
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &proxy{url: "nats://" + l.Addr().String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.clients = append(p.clients, client)
			p.mu.Unlock()
			go p.carry(client, strings.TrimPrefix(server, "nats://"))
		}
	}()
	return p
}

func (p *proxy) carry(client net.Conn, server string) {
	defer client.Close()
	conn, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer conn.Close()
	go io.Copy(conn, client)
	io.Copy(client, conn)
}

// end ends a connection in the server's name, so that the client does not reconnect.
func (p *proxy) end(client int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	io.WriteString(p.clients[client], "-ERR 'go away'\r\n")
}

// Serve ends with an error when a service or the connection to JetStream ends after all
// services were ready.
func TestServeReportsLaterFailures(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir())
	// In the order in which Serve makes the connections.
	for i, want := range append([]string{"the connection to JetStream has ended"}, Names()...) {
		p := newProxy(t, s.URL())
		ready, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- Serve(t.Context(), Config{
				Net: natsnet.Config{Servers: p.url, Cluster: fmt.Sprint("c", i)}, Replicas: 1, Wait: 20 * time.Second,
				Log: slog.New(slog.DiscardHandler),
			}, func() { close(ready) })
		}()
		<-ready
		p.end(i)
		if err := <-ended; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "go away") {
			t.Errorf("connection %d: %v, want %s", i, err, want)
		}
	}
}

// A failingConn is a connection on which not even init can be read.
type failingConn struct{}

func (failingConn) Read([]byte) (int, error)     { return 0, errors.New("no init") }
func (failingConn) Write(b []byte) (int, error)  { return len(b), nil }
func (failingConn) Joined(context.Context) error { return nil }

// Serve ends with an error when a service ends before it knows its name.
func TestServeReportsFailureBeforeInit(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir())
	err := Serve(t.Context(), Config{
		Net: natsnet.Config{Servers: s.URL()}, Replicas: 1, Wait: time.Minute, Log: slog.New(slog.DiscardHandler),
		Dial: func(natsnet.Config) (Conn, error) { return failingConn{}, nil },
	}, func() { t.Error("it is ready") })
	if err == nil || !strings.Contains(err.Error(), "no init") {
		t.Error(err)
	}
}
