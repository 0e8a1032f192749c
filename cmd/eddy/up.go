package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/join"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/lease"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natskv"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
	"github.com/eddyrpc/eddy/metrics"
	"github.com/eddyrpc/eddy/natsnet"
)

// upCommand is `eddy up`.
type upCommand struct {
	NodeCount int    `default:"3" help:"The number of nodes, which are n1, n2 and so on (${default})."`
	Cluster   string `default:"eddy" placeholder:"NAME" help:"The name of the cluster (${default})."`
	Port      int    `placeholder:"PORT" help:"The port of the NATS server. Without it, a free one."`
	Metrics   string `placeholder:"ADDR" help:"Serve /metrics of all nodes, and /healthz, at this address, such as 127.0.0.1:9464."`
	memberFlags

	serve func(context.Context, natskv.Config, func()) error // natskv.Serve, but for tests
}

func (upCommand) Help() string {
	return `Flags of up must precede the program: eddy up [flags] -- PROGRAM [ARGS...]

It starts the nodes and a NATS server that only this machine can reach, on a free port, prints the server's URL, and runs until Ctrl-C. Call a node from another terminal:

eddy call --nats URL n1 '{"type":"echo","echo":"hi"}'`
}

func (c *upCommand) Run() error {
	if err := c.check(); err != nil {
		return err
	}
	if c.NodeCount < 1 || c.NodeCount > 1000 {
		return usageError("--node-count must be from 1 to 1000")
	}
	if c.Port < 0 || c.Port > 65535 {
		return usageError("--port must be from 1 to 65535")
	}
	ctx, stop := untilSignal()
	defer stop()
	c.serve = natskv.Serve
	return c.up(ctx, os.Stdout, os.Stderr)
}

// up runs the cluster until ctx ends, a node is not restarted any more, or the services
// fail.
func (c *upCommand) up(ctx context.Context, stdout, stderr io.Writer) error {
	store, err := os.MkdirTemp("", "eddy-up-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(store)
	port := natsserver.AnyPort
	if c.Port != 0 {
		port = c.Port
	}
	s, err := natsserver.Start(store, port)
	if err != nil {
		return err
	}
	defer s.Stop()
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()

	failed := make(chan error, 1+c.NodeCount)
	ready := make(chan struct{})
	running.Go(func() {
		err := c.hold(ctx, s.URL(), "services", stderr, func(ctx context.Context) error {
			return c.services(ctx, s.URL(), stderr, ready)
		})
		if err != nil {
			failed <- err
		}
	})
	if err := waitFor(ctx, ready, failed); err != nil {
		return err
	}
	members, roundTrips, err := c.members(s.URL(), stderr)
	if err != nil {
		return err
	}
	if err := c.serveMetrics(members, roundTrips); err != nil {
		return err
	}
	for i, m := range members {
		running.Go(func() { failed <- c.memberError(c.hold(ctx, s.URL(), nodeNames(c.NodeCount)[i], stderr, m.Run)) })
	}
	for _, m := range members {
		if err := waitFor(ctx, m.Ready(), failed); err != nil {
			return err
		}
		if m.Net().Joined(ctx) != nil {
			return nil // ctx has ended
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	fmt.Fprintf(stdout, "%d nodes are up at %s\n", len(members), s.URL())
	fmt.Fprintf(stdout, "eddy call --nats %s --cluster %s %s '{\"type\":\"echo\",\"echo\":\"hi\"}'\n", s.URL(), c.Cluster, nodeNames(1)[0])
	return waitFor(ctx, nil, failed)
}

// hold acts under a name, whose lease it holds, so that an eddy join or eddy services that is
// started in the same cluster waits as a standby.
func (c *upCommand) hold(ctx context.Context, url, name string, stderr io.Writer, act func(context.Context) error) error {
	return lease.Hold(ctx, lease.Config{
		Net: natsnet.Config{Servers: url, Cluster: c.Cluster}, Name: name, Replicas: 1, Log: textLog(stderr).With("node", name),
	}, act)
}

// waitFor waits until something is ready, and returns nil; or until ctx ends, and returns
// nil; or until something has failed, and returns the error.
func waitFor(ctx context.Context, ready <-chan struct{}, failed <-chan error) error {
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// services serves lin-kv and the other services until ctx ends, and closes ready when
// they can be reached.
func (c *upCommand) services(ctx context.Context, url string, stderr io.Writer, ready chan<- struct{}) error {
	err := c.serve(ctx, natskv.Config{
		Net: natsnet.Config{Servers: url, Cluster: c.Cluster}, Replicas: 1, Wait: 10 * time.Second,
		Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}, func() { close(ready) })
	if err != nil {
		return fmt.Errorf("the services have ended: %w", err)
	}
	return nil
}

// members joins as each node. It also returns the times of the calls of each.
func (c *upCommand) members(url string, stderr io.Writer) (members []*join.Member, roundTrips []*metrics.RoundTrips, err error) {
	names := nodeNames(c.NodeCount)
	log := textLog(stderr)
	for _, name := range names {
		net := natsnet.Config{Servers: url, Cluster: c.Cluster, Node: name, Nodes: names}
		times := metrics.NewRoundTrips(name)
		net.Observe = times.Observe
		m, err := join.New(c.config(net, log, stderr))
		if err != nil {
			return nil, nil, err
		}
		members, roundTrips = append(members, m), append(roundTrips, times)
	}
	return members, roundTrips, nil
}

// serveMetrics serves the metrics of all members until the process ends, if --metrics is set.
func (c *upCommand) serveMetrics(members []*join.Member, roundTrips []*metrics.RoundTrips) error {
	if c.Metrics == "" {
		return nil
	}
	var all []served
	for i, m := range members {
		all = append(all, served{m, m.Net(), roundTrips[i]})
	}
	return listenForMetrics(c.Metrics, all...)
}

// memberError returns the error with which a cluster ends when a member has ended.
func (c *upCommand) memberError(err error) error {
	if err == nil {
		err = errors.New("a node has ended")
	}
	return statusErr{1, startError(c.Program, err)}
}
