package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/serve"
)

// serveCommand is `eddy serve`.
type serveCommand struct {
	Store string `arg:"" optional:"" default:"store" help:"The directory of the tests (${default})."`
	Addr  string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The address to listen on (${default}). Everyone who can connect can read all tests."`
	Port  *int   `help:"The port to listen on, instead of that of --addr."`
}

func (serveCommand) Help() string {
	return `Lists the stored tests, the newest first, and shows their reports. The page of a running test shows its progress.`
}

func (c *serveCommand) Run() error {
	store, err := os.OpenRoot(c.Store)
	if err != nil {
		return usageError("open the store: %v", err)
	}
	defer store.Close()
	if c.Port != nil {
		host, _, err := net.SplitHostPort(c.Addr)
		if err != nil {
			return usageError("--addr: %v", err)
		}
		c.Addr = net.JoinHostPort(host, strconv.Itoa(*c.Port))
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return usageError("listen on %s: %v", c.Addr, err)
	}
	ctx, stop := untilSignal()
	defer stop()
	server := newHTTPServer(serve.New(store, isLoopback(listener.Addr())))
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Printf("http://%s/\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
