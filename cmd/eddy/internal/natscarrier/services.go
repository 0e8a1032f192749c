package natscarrier

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natskv"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/natsnet"
)

// services are lin-kv and the others as eddy services has them, from JetStream with
// a replica on each server; but the journal sees what goes to them and comes from
// them, as with nodes.
type services struct {
	carrier *Carrier
	end     context.CancelFunc
	ended   chan struct{}

	mu  sync.Mutex
	all map[string]*service
}

// servicesPatience is how long JetStream may take to be there.
const servicesPatience = 30 * time.Second

// start starts them and waits until they are there.
func (s *services) start(ctx context.Context) error {
	c := s.carrier
	serving, end := context.WithCancel(context.Background())
	s.end, s.ended = end, make(chan struct{})
	ready, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(s.ended)
		err := natskv.Serve(serving, natskv.Config{
			Net:      natsnet.Config{Servers: strings.Join(c.servers.urls, ","), Cluster: clusterName},
			Replicas: len(c.servers.urls), Wait: servicesPatience,
			Log: slog.New(slog.NewTextHandler(c.log, nil)),
			Dial: func(net natsnet.Config) (natskv.Conn, error) {
				return s.dial(net.Node), nil
			},
		}, func() { close(ready) })
		if err != nil {
			err = fmt.Errorf("serve from JetStream: %w", err)
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
	one := &service{carrier: s.carrier, name: name}
	one.some = sync.NewCond(&one.mu)
	one.waiting = append(message.Append(nil, initSource, name, fmt.Appendf(nil, `{"type":"init","msg_id":1,"node_id":%q,"node_ids":[%q]}`, name, name)), '\n')
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*service{}
	}
	s.all[name] = one
	return one
}

func (s *services) take(name string, line []byte) {
	s.mu.Lock()
	one := s.all[name]
	one.asked = true
	s.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	one.waiting = append(append(one.waiting, line...), '\n')
	one.some.Signal()
}

// lead reports whether the streams of all services that were asked have a leader,
// which takes JetStream some seconds when it has lost one.
func (s *services) lead(ctx context.Context, nc *nats.Conn) bool {
	js, err := jetstream.New(nc)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	for _, name := range s.asked() {
		if _, err := js.KeyValue(ctx, natskv.Bucket(clusterName, name)); err != nil {
			return false
		}
	}
	return true
}

func (s *services) asked() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.all {
		if one.asked {
			names = append(names, name)
		}
	}
	return names
}

// initSource is who tells a service its name.
const initSource = "c0"

// A service is the transport of one: it reads what the test hands it, and what it
// writes goes into the test's journal before it goes over NATS.
type service struct {
	carrier *Carrier
	name    string
	asked   bool // by a node; services.mu guards it

	mu      sync.Mutex
	some    *sync.Cond
	waiting []byte
	closed  bool
}

// Joined returns at once: the test knows where it is.
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
		if m, err := message.Parse(line); err == nil && m.Dest == initSource {
			continue
		}
		s.carrier.put(runner.Arrival{Record: -1, Line: bytes.Clone(line)})
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
