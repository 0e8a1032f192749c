// Package lease lets one process at a time act under a name in a cluster. Another one waits
// as a standby and takes over when the first one ends.
//
// A lease is an entry in a bucket of JetStream that expires unless its holder renews it. It
// is no lock: a holder that is cut off from the servers acts on until it reaches one again,
// and then learns that another process has taken over. Meanwhile its messages reach nobody
// over these servers.
package lease

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/eddyrpc/eddy/natsnet"
)

// A Config says which name is leased.
type Config struct {
	Net  natsnet.Config // except Node and Nodes
	Name string
	// Replicas is on how many servers the leases are, or as many as there are if there are
	// fewer.
	Replicas int
	Log      *slog.Logger
	// TTL is how long a lease lasts that is not renewed. 0 means 5 s.
	TTL time.Duration
	// Patience is how long Hold waits for JetStream, before it acts without a lease. 0 means
	// 2 s.
	Patience time.Duration
}

// ErrTaken is the cause of the end of the context of a process that another one has replaced.
var ErrTaken = errors.New("another process has taken over")

// Hold waits until no other process holds the lease, and calls act. While act runs, it renews
// the lease; if another process has taken over, the context of act ends with ErrTaken, and
// Hold returns ErrTaken. If there is no JetStream, Hold calls act without a lease, and
// goes on asking for one.
func Hold(ctx context.Context, cfg Config, act func(ctx context.Context) error) error {
	cfg.TTL, cfg.Patience = cmp.Or(cfg.TTL, 5*time.Second), cmp.Or(cfg.Patience, 2*time.Second)
	l, err := newLease(&cfg)
	if err != nil {
		return err
	}
	defer l.nc.Close()
	if !l.await(ctx) {
		return nil
	}
	acting, end := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		l.renew(acting, end)
	}()
	err = act(acting)
	end(nil)
	<-renewed
	if errors.Is(context.Cause(acting), ErrTaken) {
		return fmt.Errorf("%s: %w", cfg.Name, ErrTaken)
	}
	l.release()
	return err
}

// A lease is this process's view of the entry of its name.
type lease struct {
	cfg   *Config
	nc    *nats.Conn
	js    jetstream.JetStream
	kv    jetstream.KeyValue // nil before the bucket was found
	key   string
	value []byte

	revision uint64 // of the entry that this process has written, 0 if it has none
}

// A holder says which process holds a lease.
type holder struct {
	ID   string `json:"id"` // random
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

func newLease(cfg *Config) (*lease, error) {
	nc, err := natsnet.Connect(cfg.Net,
		nats.CustomInboxPrefix(natsnet.LeaseInbox(cfg.Net.ClusterName(), cfg.Name)),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // Hold says that there is no lease
	)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	host, _ := os.Hostname() // only for people
	value, err := json.Marshal(holder{rand.Text(), host, os.Getpid()})
	return &lease{cfg: cfg, nc: nc, js: js, key: natsnet.Token(cfg.Name), value: value}, err
}

// A status is what became of an attempt to get or to renew a lease.
type status int

const (
	held        status = iota
	taken              // another process has it
	unavailable        // nobody knows
)

// await waits for the lease, and returns false if ctx ends before.
func (l *lease) await(ctx context.Context) bool {
	begun, standby := time.Now(), false
	for {
		status, err := l.try(ctx)
		switch {
		case ctx.Err() != nil:
			return false
		case status == held && standby:
			l.cfg.Log.Info("this process takes over", "name", l.cfg.Name)
			return true
		case status == held:
			return true
		case status == taken && !standby:
			standby = true
			l.cfg.Log.Warn("another process has joined under this name; this one waits as a standby", "name", l.cfg.Name, "holder", l.holder(ctx))
		case status == unavailable && !standby && time.Since(begun) > l.cfg.Patience:
			l.cfg.Log.Warn("no lease: another process under this name is not noticed", "name", l.cfg.Name, "reason", err)
			return true
		}
		select {
		case <-time.After(min(l.cfg.TTL/5, l.cfg.Patience/5)):
		case <-ctx.Done():
			return false
		}
	}
}

// renew renews the lease until ctx ends. If another process has taken over, it ends ctx.
func (l *lease) renew(ctx context.Context, end context.CancelCauseFunc) {
	for {
		wait := l.cfg.TTL / 3
		if l.kv == nil { // there may never be one
			wait = 6 * l.cfg.TTL
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if status, _ := l.try(ctx); status == taken {
			end(ErrTaken)
			return
		}
	}
}

// try gets or renews the lease.
func (l *lease) try(ctx context.Context) (status, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.TTL/3)
	defer cancel()
	if err := l.open(ctx); err != nil {
		return unavailable, err
	}
	var err error
	if l.revision > 0 {
		var revision uint64
		if revision, err = l.kv.Update(ctx, l.key, l.value, l.revision); err == nil {
			l.revision = revision
			return held, nil
		}
		if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			return unavailable, err
		}
		l.revision = 0 // it has expired
	}
	l.revision, err = l.kv.Create(ctx, l.key, l.value)
	switch {
	case err == nil:
		return held, nil
	case !errors.Is(err, jetstream.ErrKeyExists):
		return unavailable, err
	}
	switch entry, err := l.kv.Get(ctx, l.key); {
	case err != nil:
		return unavailable, err // it may just have expired
	case bytes.Equal(entry.Value(), l.value): // written by an attempt that was not acknowledged
		l.revision = entry.Revision()
		return held, nil
	}
	return taken, nil
}

// open finds the bucket, or makes it.
func (l *lease) open(ctx context.Context) (err error) {
	if l.kv != nil {
		return nil
	}
	bucket := natsnet.LeaseBucket(l.cfg.Net.ClusterName())
	for _, replicas := range []int{l.cfg.Replicas, 1} {
		if l.kv, err = l.js.KeyValue(ctx, bucket); !errors.Is(err, jetstream.ErrBucketNotFound) {
			break
		}
		_, err = l.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucket, Description: "who acts under which name in an Eddy cluster",
			TTL: l.cfg.TTL, Storage: jetstream.MemoryStorage, Replicas: replicas, History: 1,
		})
		if err == nil {
			l.kv, err = l.js.KeyValue(ctx, bucket)
			break
		}
	}
	if err != nil {
		l.kv = nil
	}
	return err
}

// holder describes who holds the lease.
func (l *lease) holder(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.TTL/3)
	defer cancel()
	var h holder
	entry, err := l.kv.Get(ctx, l.key)
	if err != nil || json.Unmarshal(entry.Value(), &h) != nil {
		return "unknown"
	}
	return fmt.Sprintf("%s, process %d", h.Host, h.PID)
}

// release gives the lease back, so that a standby need not wait until it expires.
func (l *lease) release() {
	if l.revision == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := l.kv.Delete(ctx, l.key, jetstream.LastRevision(l.revision)); err != nil {
		l.cfg.Log.Warn("the lease was not given back, and expires", "name", l.cfg.Name, "error", err)
	}
}
