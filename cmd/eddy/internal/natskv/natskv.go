// Package natskv serves lin-kv, seq-kv, lww-kv and lin-tso from JetStream, so that nodes
// on many machines find the services that they know from a test.
//
// Each service is a node of that name in the cluster; one process serves all of them. A
// service keeps its data in a replicated key-value bucket, where they survive the process
// and the servers.
package natskv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/natsnet"
)

// Names returns the names of the services.
func Names() []string { return []string{"lin-kv", "seq-kv", "lww-kv", "lin-tso"} }

// A Config says where the services are.
type Config struct {
	Net      natsnet.Config // except Node and Nodes
	Replicas int            // of each bucket, at most the number of servers
	Log      *slog.Logger
	// Wait is how long Serve waits for JetStream at the start.
	Wait time.Duration
	// Dial joins as a service. nil means natsnet.Dial.
	Dial func(natsnet.Config) (Conn, error)
}

// A Conn carries the messages of a service.
type Conn interface {
	eddy.Transport
	Joined(context.Context) error
}

func (c *Config) dial(net natsnet.Config) (Conn, error) {
	if c.Dial != nil {
		return c.Dial(net)
	}
	return natsnet.Dial(net)
}

// opTime limits the time of an operation. When it has passed, nobody knows whether the
// operation has taken effect.
const opTime = 4 * time.Second

// Serve serves until ctx ends, and calls ready when all services have joined. It returns
// an error if one of the services, or the connection to JetStream, ends before ctx.
func Serve(ctx context.Context, cfg Config, ready func()) error {
	cfg.Net.Log = cfg.Log
	nc, err := natsnet.Connect(cfg.Net)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(opTime))
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	var served sync.WaitGroup
	defer served.Wait()
	defer end(nil)
	var allowed permissions
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		cfg.Log.Warn("error of NATS", "error", err)
		allowed.failed(err)
	})
	nc.SetClosedHandler(func(nc *nats.Conn) {
		end(failure{fmt.Errorf("the connection to JetStream has ended: %v", nc.LastError())})
	})
	for _, name := range Names() {
		kv, err := bucket(ctx, js, &cfg, name)
		switch {
		case err != nil && !nc.IsConnected():
			return fmt.Errorf("no NATS server was reached within %v", cfg.Wait)
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
		n := node(name, kv, &allowed)
		n.Log = cfg.Log.With("node", name)
		joined := make(chan struct{})
		n.OnInit(func(context.Context) error { close(joined); return nil })
		conn, err := cfg.join(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		served.Go(func() {
			err := n.Serve(ctx, conn)
			if err == nil {
				err = errors.New("its connection has ended")
			}
			end(failure{fmt.Errorf("%s: %w", name, err)})
		})
		if err := cfg.await(ctx, joined, conn); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	ready()
	<-ctx.Done()
	return failureOf(ctx)
}

// join joins as a service.
func (c *Config) join(name string) (Conn, error) {
	net := c.Net
	net.Node, net.Nodes, net.Log = name, []string{name}, c.Log.With("node", name)
	return c.dial(net)
}

// await waits until a service knows its name and others can reach it.
func (c *Config) await(ctx context.Context, joined <-chan struct{}, conn Conn) error {
	ctx, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	select {
	case <-joined:
		return conn.Joined(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A failure is what has ended the services before they were told to end.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// failureOf returns the failure that has ended ctx, or nil.
func failureOf(ctx context.Context) error {
	if f, ok := errors.AsType[failure](context.Cause(ctx)); ok {
		return f.error
	}
	return nil
}

// Bucket returns the name of a service's bucket.
func Bucket(cluster, service string) string { return natsnet.BucketOf(cluster, service) }

// bucket returns a service's bucket, which it makes if there is none.
func bucket(ctx context.Context, js jetstream.JetStream, cfg *Config, name string) (jetstream.KeyValue, error) {
	want := jetstream.KeyValueConfig{
		Bucket:      Bucket(cfg.Net.ClusterName(), name),
		Description: "the service " + name + " of an Eddy cluster",
		Replicas:    cfg.Replicas, Storage: jetstream.FileStorage, History: 1,
	}
	for end := time.Now().Add(cfg.Wait); ; {
		once, cancel := context.WithTimeout(ctx, min(opTime, cfg.Wait))
		kv, err := js.CreateOrUpdateKeyValue(once, want)
		cancel()
		if err == nil || ctx.Err() != nil || time.Now().After(end) {
			return kv, err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// node returns the node that serves a service.
func node(name string, kv jetstream.KeyValue, allowed *permissions) *eddy.Node {
	n := &eddy.Node{}
	begin := func(ctx context.Context, key string) (context.Context, func()) {
		ctx, cancel := context.WithTimeout(ctx, opTime)
		ctx, end := allowed.begin(ctx, kv.Bucket(), key)
		return ctx, func() { end(); cancel() }
	}
	if name == "lin-tso" {
		n.Handle("ts", func(ctx context.Context, _ *eddy.Request) (any, error) {
			ctx, end := begin(ctx, "ts")
			defer end()
			ts, err := kv.Put(ctx, "ts", nil) // revisions only grow
			if err != nil {
				return nil, errorReply(ctx, err)
			}
			return map[string]any{"ts": ts}, nil
		})
		return n
	}
	s := newStore(kv, name == "lin-kv")
	for typ, serve := range map[string]func(context.Context, *eddy.Request, string) (any, error){
		"read": s.read, "write": s.write, "cas": s.cas,
	} {
		n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
			raw := req.Body.Get("key")
			if raw == nil {
				return nil, eddy.Errorf(eddy.MalformedRequest, "%s needs key", typ)
			}
			key := bucketKey(raw)
			ctx, end := begin(ctx, key)
			defer end()
			return serve(ctx, req, key)
		})
	}
	return n
}
