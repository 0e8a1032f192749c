package main

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener accepts one connection, the other end of client.
type pipeListener struct {
	server chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() (l *pipeListener, client net.Conn) {
	client, server := net.Pipe()
	l = &pipeListener{server: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.server <- server
	return l, client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.server:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// A client that stops in the middle of a request, that sends no further one, or that
// does not read the response is disconnected.
func TestSlowClientsAreDisconnected(t *testing.T) {
	for name, request := range map[string]string{
		"half a header": "GET / HTTP/1.1\r\nHost:",
		"half a body":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1",
		"no reader":     "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"nothing":       "",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, client := newPipeListener()
				server := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					w.Write(make([]byte, 1<<20))
				}))
				go server.Serve(l)
				defer server.Close()
				if _, err := io.WriteString(client, request); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				if name == "no reader" {
					io.CopyN(io.Discard, client, 1) // one read is enough to see whether the rest comes
				}
				if n, err := client.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("after 10 minutes the client can still write: %d, %v", n, err)
				}
			})
		})
	}
}

// Every HTTP server of the module is made by newHTTPServer.
func TestEveryHTTPServerHasTimeouts(t *testing.T) {
	without := regexp.MustCompile(`http\.(Serve|ServeTLS|ListenAndServe|ListenAndServeTLS)\(|http\.Server\{`)
	root := filepath.Join("..", "..")
	found := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for range without.FindAll(text, -1) {
			if found++; filepath.Base(path) != "httpserver.go" {
				t.Errorf("%s makes an HTTP server of its own", path)
			}
		}
		return err
	})
	if err != nil || found != 1 {
		t.Errorf("%d servers are made, want 1; %v", found, err)
	}
}
