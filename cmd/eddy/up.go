package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/join"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natskv"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
	"github.com/eddyrpc/eddy/natsnet"
)

// upCommand is `eddy up`.
type upCommand struct {
	NodeCount int    `default:"3" help:"How many nodes: n1, n2 and so on (${default})."`
	Cluster   string `default:"eddy" help:"The cluster's name (${default})."`
	memberFlags
}

func (upCommand) Help() string {
	return `Flags of up come before the program: eddy up [flags] -- PROGRAM [ARGS...]

It starts a NATS server that only this machine reaches, on a port that is free, and the nodes; prints where the server is; and goes on until Ctrl-C. Ask a node something from elsewhere:

eddy call --nats URL n1 '{"type":"echo","echo":"hi"}'`
}

func (c *upCommand) Run() error {
	if err := c.check(); err != nil {
		return err
	}
	if c.NodeCount < 1 || c.NodeCount > 1000 {
		return usageError("--node-count must be from 1 to 1000")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return c.up(ctx, os.Stdout, os.Stderr)
}

// up runs everything until ctx ends or a node will not live.
func (c *upCommand) up(ctx context.Context, stdout, stderr io.Writer) error {
	store, err := os.MkdirTemp("", "eddy-up-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(store)
	s, err := natsserver.Start(store)
	if err != nil {
		return err
	}
	defer s.Stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := c.services(ctx, s.URL(), stderr); err != nil {
		return err
	}
	names := nodeNames(c.NodeCount)
	members := make([]*join.Member, 0, len(names))
	log := textLog(stderr)
	for _, name := range names {
		net := natsnet.Config{Servers: s.URL(), Cluster: c.Cluster, Node: name, Nodes: names}
		m, err := join.New(c.config(net, log, stderr))
		if err != nil {
			return err
		}
		members = append(members, m)
	}
	ended := make(chan error, len(members))
	var running sync.WaitGroup
	for _, m := range members {
		running.Go(func() { ended <- m.Run(ctx) })
	}
	defer running.Wait()
	defer cancel()
	for _, m := range members {
		select {
		case <-m.Ready():
			if err := m.Net().Joined(ctx); err != nil {
				return nil // ctx has ended
			}
		case err := <-ended:
			return c.gone(err)
		case <-ctx.Done():
			return nil
		}
	}
	fmt.Fprintf(stdout, "%d nodes are up at %s\n", len(members), s.URL())
	fmt.Fprintf(stdout, "eddy call --nats %s --cluster %s %s '{\"type\":\"echo\",\"echo\":\"hi\"}'\n", s.URL(), c.Cluster, names[0])
	select {
	case err := <-ended:
		return c.gone(err)
	case <-ctx.Done():
		return nil
	}
}

// services serves lin-kv and the others until ctx ends, and returns when they are
// there.
func (c *upCommand) services(ctx context.Context, url string, stderr io.Writer) error {
	ready, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		failed <- natskv.Serve(ctx, natskv.Config{
			Net: natsnet.Config{Servers: url, Cluster: c.Cluster}, Replicas: 1, Wait: 10 * time.Second,
			Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		}, func() { close(ready) })
	}()
	select {
	case <-ready:
		return nil
	case err := <-failed:
		return err
	}
}

// gone is what we end with when a node will not live.
func (c *upCommand) gone(err error) error {
	if err == nil {
		err = errors.New("a node has ended")
	}
	return statusErr{1, startError(c.Program, err)}
}
