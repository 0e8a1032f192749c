// Package natskv serves lin-kv, seq-kv, lww-kv and lin-tso from JetStream, so that
// nodes on many machines find the services that they know from a test.
//
// Each is one node of that name in the cluster, in one process; what it keeps is in
// a key-value bucket with replicas, and survives the process and the servers.
package natskv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/natsnet"
)

// Names are the services.
func Names() []string { return []string{"lin-kv", "seq-kv", "lww-kv", "lin-tso"} }

// A Config says where the services are.
type Config struct {
	Net      natsnet.Config // its Node and Nodes do not count
	Replicas int            // of what is kept, at most as many as there are servers
	Log      *slog.Logger
	// Wait is how long to wait for JetStream at the beginning.
	Wait time.Duration
	// Dial joins as a service. nil is natsnet.Dial.
	Dial func(natsnet.Config) (Conn, error)
}

// A Conn carries a service's messages.
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

// opTime is how long an operation may take; then its outcome is unknown.
const opTime = 4 * time.Second

// Serve serves until ctx ends. ready is called when all services have joined.
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
	var served sync.WaitGroup
	defer served.Wait()
	ctx, end := context.WithCancel(ctx)
	defer end()
	failed := make(chan error, len(Names()))
	for _, name := range Names() {
		kv, err := bucket(ctx, js, &cfg, name)
		switch {
		case err != nil && !nc.IsConnected():
			return fmt.Errorf("no NATS server was reached within %v", cfg.Wait)
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
		net := cfg.Net
		net.Node, net.Nodes, net.Log = name, []string{name}, cfg.Log.With("node", name)
		conn, err := cfg.dial(net)
		if err != nil {
			return err
		}
		n := node(name, kv)
		n.Log = net.Log
		joined := make(chan struct{})
		n.OnInit(func(context.Context) error { close(joined); return nil })
		served.Go(func() {
			if err := n.Serve(ctx, conn); err != nil {
				failed <- fmt.Errorf("%s: %w", name, err)
			}
		})
		<-joined
		waiting, cancel := context.WithTimeout(ctx, cfg.Wait)
		err = conn.Joined(waiting)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	ready()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// Bucket is the name of a service's bucket.
func Bucket(cluster, service string) string { return "eddy-" + natsnet.Token(cluster) + "-" + service }

// bucket makes a service's bucket, or finds it as it was left.
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

// node is a service.
func node(name string, kv jetstream.KeyValue) *eddy.Node {
	n := &eddy.Node{}
	if name == "lin-tso" {
		n.Handle("ts", func(ctx context.Context, _ *eddy.Request) (any, error) {
			ctx, cancel := context.WithTimeout(ctx, opTime)
			defer cancel()
			ts, err := kv.Put(ctx, "ts", nil) // revisions only grow
			if err != nil {
				return nil, failure(err)
			}
			return map[string]any{"ts": ts}, nil
		})
		return n
	}
	s := &store{kv: kv, linear: name == "lin-kv", seen: make(map[string]entry)}
	for typ, serve := range map[string]func(context.Context, *eddy.Request, string) (any, error){
		"read": s.read, "write": s.write, "cas": s.cas,
	} {
		n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
			key := req.Body.Get("key")
			if key == nil {
				return nil, eddy.Errorf(eddy.MalformedRequest, "%s needs key", typ)
			}
			ctx, cancel := context.WithTimeout(ctx, opTime)
			defer cancel()
			return serve(ctx, req, natsnet.Token(canonical.JSON(key)))
		})
	}
	return n
}

// A store is a key-value service.
//
// Who reads from a replica, or from a leader that does not know yet that it is none,
// may read what is no longer so. So lin-kv confirms what it has read by writing the
// same again, provided that the revision is still the one that was read: the write
// goes through the quorum, and what it replaces was there at that moment. That makes
// a read as dear as a write. seq-kv and lww-kv don't, but never answer with something
// older than they have answered before.
type store struct {
	kv     jetstream.KeyValue
	linear bool

	mu   sync.Mutex
	seen map[string]entry // the latest of each key that this process knows
}

// An entry is what a key has. Its revision 0 says that it is not known; a value that
// is empty, that the key is not there: the bucket has such entries of keys that were
// only read.
type entry struct {
	value    []byte
	revision uint64
}

func (e entry) there() bool { return len(e.value) > 0 }

// get is what a replica says of a key, or what is known to be newer.
func (s *store) get(ctx context.Context, key string) (entry, error) {
	var e entry
	switch got, err := s.kv.Get(ctx, key); {
	case err == nil:
		e = entry{got.Value(), got.Revision()}
	case !errors.Is(err, jetstream.ErrKeyNotFound):
		return e, failure(err)
	}
	return s.newer(key, e), nil
}

// newer keeps what is the newest that is known of a key, and returns it.
func (s *store) newer(key string, e entry) entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.seen[key]; ok && known.revision >= e.revision {
		return known
	}
	for other := range s.seen { // bounded; what is forgotten is read again
		if len(s.seen) < 100_000 {
			break
		}
		delete(s.seen, other)
	}
	s.seen[key] = e
	return e
}

// replace writes a value where a key still has e; false if it has not.
func (s *store) replace(ctx context.Context, key string, e entry, value []byte) (bool, error) {
	revision, err := s.kv.Update(ctx, key, value, e.revision)
	switch {
	case err == nil:
		s.newer(key, entry{value, revision})
		return true, nil
	case errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		s.mu.Lock()
		delete(s.seen, key)
		s.mu.Unlock()
		return false, nil
	}
	return false, failure(err)
}

// confirmed is what a key surely has at a moment since the call began.
func (s *store) confirmed(ctx context.Context, key string) (entry, error) {
	for {
		e, err := s.get(ctx, key)
		if err != nil || !s.linear {
			return e, err
		}
		if same, err := s.replace(ctx, key, e, e.value); same || err != nil {
			return e, err
		}
		if ctx.Err() != nil {
			return e, failure(ctx.Err())
		}
	}
}

func (s *store) read(ctx context.Context, req *eddy.Request, key string) (any, error) {
	e, err := s.confirmed(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case !e.there():
		return nil, eddy.Errorf(eddy.KeyDoesNotExist, "key %s does not exist", req.Body.Get("key"))
	}
	return map[string]any{"value": eddy.Raw(e.value)}, nil
}

func (s *store) write(ctx context.Context, req *eddy.Request, key string) (any, error) {
	value := req.Body.Get("value")
	if value == nil {
		return nil, eddy.Errorf(eddy.MalformedRequest, "write needs value")
	}
	revision, err := s.kv.Put(ctx, key, value)
	if err != nil {
		return nil, failure(err)
	}
	s.newer(key, entry{bytes.Clone(value), revision})
	return map[string]any{}, nil
}

func (s *store) cas(ctx context.Context, req *eddy.Request, key string) (any, error) {
	from, to := req.Body.Get("from"), req.Body.Get("to")
	if from == nil || to == nil {
		return nil, eddy.Errorf(eddy.MalformedRequest, "cas needs from and to")
	}
	create := string(req.Body.Get("create_if_not_exists")) == "true"
	for ctx.Err() == nil {
		e, err := s.get(ctx, key)
		if err != nil {
			return nil, err
		}
		if e.there() && canonical.JSON(e.value) == canonical.JSON(from) || !e.there() && create {
			if done, err := s.replace(ctx, key, e, bytes.Clone(to)); done || err != nil {
				return map[string]any{}, err
			}
			continue
		}
		// It fails, but only for what surely is so.
		if s.linear {
			if same, err := s.replace(ctx, key, e, e.value); err != nil {
				return nil, err
			} else if !same {
				continue
			}
		}
		if !e.there() {
			return nil, eddy.Errorf(eddy.KeyDoesNotExist, "key %s does not exist", req.Body.Get("key"))
		}
		return nil, eddy.Errorf(eddy.PreconditionFailed, "key %s is %s, not %s", req.Body.Get("key"), e.value, from)
	}
	return nil, failure(ctx.Err())
}

// failure is the answer when JetStream has not done an operation, or has not said what
// became of it. Without a leader nobody takes a message, and the server says so: it
// surely has no effect.
func failure(err error) error {
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return eddy.Errorf(eddy.TemporarilyUnavailable, "JetStream has no leader now")
	}
	return eddy.Errorf(eddy.Timeout, "JetStream: %v", err)
}
