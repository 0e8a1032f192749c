package natscarrier

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natskv"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/natsnet"
)

// services are lin-kv and the other services, as eddy services serves them: from
// JetStream, with a replica on each server. Their messages are in the journal, like those
// of nodes.
type services struct {
	carrier *Carrier
	end     context.CancelFunc
	ended   chan struct{}

	mu  sync.Mutex
	all map[string]*service
}

// servicesTimeout limits the time until JetStream can be used.
const servicesTimeout = 30 * time.Second

// start starts the services and waits until they are ready.
func (s *services) start(ctx context.Context) error {
	c := s.carrier
	serving, end := context.WithCancel(context.Background())
	s.end, s.ended = end, make(chan struct{})
	ready, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(s.ended)
		err := natskv.Serve(serving, natskv.Config{
			Net:      natsnet.Config{Servers: strings.Join(c.servers.urls, ","), Cluster: clusterName},
			Replicas: len(c.servers.urls), Wait: servicesTimeout,
			Log: slog.New(slog.NewTextHandler(c.log, nil)),
			Dial: func(net natsnet.Config) (natskv.Conn, error) {
				return s.dial(net.Node), nil
			},
		}, func() { close(ready) })
		if err != nil {
			err = fmt.Errorf("serve lin-kv and other services: %w", err)
			failed <- err
			c.fail(err)
		}
	}()
	select {
	case <-ready:
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *services) stop() {
	if s.end == nil {
		return
	}
	s.end()
	s.mu.Lock()
	for _, one := range s.all {
		one.Close()
	}
	s.mu.Unlock()
	<-s.ended
}

func (s *services) dial(name string) *service {
	one := &service{carrier: s.carrier, name: name, initSource: "init-" + rand.Text()} // no node has this name
	one.some = sync.NewCond(&one.mu)
	one.waiting = append(message.Append(nil, one.initSource, name, fmt.Appendf(nil, `{"type":"init","msg_id":1,"node_id":%q,"node_ids":[%q]}`, name, name)), '\n')
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*service{}
	}
	s.all[name] = one
	return one
}

// deliver passes a line to a service.
func (s *services) deliver(name string, line []byte) {
	s.mu.Lock()
	one := s.all[name]
	one.used = true
	s.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	one.waiting = append(append(one.waiting, line...), '\n')
	one.some.Signal()
}

// haveLeaders reports whether the streams of all services that nodes have used have a
// leader. JetStream needs some seconds to elect one.
func (s *services) haveLeaders(ctx context.Context, nc *nats.Conn) bool {
	js, err := jetstream.New(nc)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	for _, name := range s.used() {
		if _, err := js.KeyValue(ctx, natskv.Bucket(clusterName, name)); err != nil {
			return false
		}
	}
	return true
}

// used returns the services that nodes have used.
func (s *services) used() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.all {
		if one.used {
			names = append(names, name)
		}
	}
	return names
}

// A service is the transport of a service. It reads what the test delivers. What it
// writes goes into the test's journal before it goes over NATS.
type service struct {
	carrier    *Carrier
	name       string
	initSource string // the src of init
	used       bool   // by a node; guarded by services.mu

	mu      sync.Mutex
	some    *sync.Cond // waiting is not empty, or closed is set
	waiting []byte     // lines to be read
	closed  bool
}

// Joined returns at once: the test delivers all messages of a service itself.
func (s *service) Joined(context.Context) error { return nil }

func (s *service) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) == 0 && !s.closed {
		s.some.Wait()
	}
	if len(s.waiting) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.waiting)
	s.waiting = s.waiting[n:]
	return n, nil
}

func (s *service) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		if m, err := message.Parse(line); err == nil && m.Dest == s.initSource {
			continue
		}
		s.carrier.put(trial.Arrival{Record: -1, Line: bytes.Clone(line)})
	}
	return len(lines), nil
}

func (s *service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.some.Broadcast()
	return nil
}
