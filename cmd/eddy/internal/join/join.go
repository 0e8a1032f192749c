// Package join runs a node program as a member of a cluster over NATS: it starts the
// program, tells it its name, carries its messages, and restarts it when it has died.
package join

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/lease"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/natsnet"
)

const (
	firstPause = 100 * time.Millisecond // before the first restart; doubles with each further one
	lastPause  = 5 * time.Second
	longRun    = 30 * time.Second // a program that ran for so long counts its deaths from 1 again

	maxQueued = 16 << 20 // bytes that the program has not read yet, before no more are received
)

// A Config says which program joins which cluster.
type Config struct {
	Net     natsnet.Config // its Nodes are the names that init tells the program
	Program string
	Args    []string
	// Restarts is how often in a row the program is restarted. After 30 s without a
	// death the count begins again.
	Restarts int
	// Grace is how long the program may run on after it was told to end, and how long its last
	// messages may wait for a server.
	Grace time.Duration
	// Stderr receives the lines that the program writes to its standard error, each
	// after the node's name and without anything that a terminal obeys.
	Stderr io.Writer
	Log    *slog.Logger
}

// A Member is a node program that has joined a cluster.
type Member struct {
	cfg   Config
	net   *natsnet.Conn
	now   atomic.Pointer[incarnation]
	ready chan struct{} // closed when the program has accepted init for the first time
	once  sync.Once     // closes ready
	until time.Time     // the program, which was told to end, may run on until then
}

// An incarnation is one process of the program.
type incarnation struct {
	process    *cluster.Process
	initSource string // the src of init
	ready      atomic.Bool
}

// New joins the cluster. Run runs the program.
func New(cfg Config) (*Member, error) {
	nodes := cfg.Net.Nodes
	cfg.Net.Nodes, cfg.Net.Log = nil, cfg.Log
	net, err := natsnet.Dial(cfg.Net)
	if err != nil {
		return nil, err
	}
	cfg.Net.Nodes = nodes
	return &Member{cfg: cfg, net: net, ready: make(chan struct{})}, nil
}

// Ready is closed when the program has replied to init for the first time.
func (m *Member) Ready() <-chan struct{} { return m.ready }

// Net returns the connection.
func (m *Member) Net() *natsnet.Conn { return m.net }

// Health returns nil if the program runs and has replied to init.
func (m *Member) Health() error {
	switch i := m.now.Load(); {
	case i == nil:
		return errors.New("the node is not running")
	case !i.ready.Load():
		return errors.New("the node has not replied to init")
	}
	return nil
}

// Run runs the program until ctx ends. Then the program gets SIGTERM, and its last
// messages are still carried. If another process has taken over (lease.ErrTaken), the program
// is killed. An error says why the program is not restarted.
func (m *Member) Run(ctx context.Context) error {
	defer m.leave()
	ctx, end := context.WithCancelCause(ctx)
	go func() { end(connectionError{m.carryIn()}) }()
	pause, deaths := firstPause, 0
	for {
		begun := time.Now()
		exit, err := m.runOnce(ctx)
		switch {
		case err != nil:
			return err // a program that cannot be started once cannot be started again
		case ctx.Err() != nil:
			return connectionErrorOf(ctx)
		}
		if time.Since(begun) >= longRun {
			pause, deaths = firstPause, 0
		}
		if deaths++; deaths > m.cfg.Restarts {
			return fmt.Errorf("%s has died %d times in a row: %v", m.cfg.Net.Node, deaths, exit)
		}
		m.cfg.Log.Warn("the node has died and will be restarted", "exit", exit.String(), "deaths", deaths, "pause", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return connectionErrorOf(ctx)
		}
		pause = min(2*pause, lastPause)
	}
}

// leave leaves the cluster. What the program has written is still sent, as long as the program
// might have run on.
func (m *Member) leave() {
	last := time.Now().Add(time.Second)
	if m.until.After(last) {
		last = m.until
	}
	ctx, cancel := context.WithDeadline(context.Background(), last)
	defer cancel()
	m.net.Shutdown(ctx)
}

// A connectionError is the reason why the connection has ended before ctx did.
type connectionError struct{ error }

// connectionErrorOf returns the connectionError that has ended ctx, or nil.
func connectionErrorOf(ctx context.Context) error {
	if err, ok := errors.AsType[connectionError](context.Cause(ctx)); ok {
		return err
	}
	return nil
}

// runOnce starts the program and waits until its process has ended.
func (m *Member) runOnce(ctx context.Context) (cluster.Exit, error) {
	m.net.NewIncarnation()
	// A random name, so that no other node can pretend to have sent init or to be the
	// receiver of its reply.
	i := &incarnation{initSource: "init-" + rand.Text()}
	init, err := initLine(i.initSource, m.cfg.Net.Node, m.cfg.Net.Nodes)
	if err != nil {
		return cluster.Exit{}, err
	}
	p, err := cluster.Start(cluster.Config{
		Program: m.cfg.Program, Args: m.cfg.Args,
		Grace: -1, TermGrace: -1, // stop waits before
		Output: func(s cluster.Stream, line cluster.Line) { m.wrote(i, s, line) },
	})
	if err != nil {
		return cluster.Exit{}, fmt.Errorf("start %s: %w", m.cfg.Program, err)
	}
	i.process = p
	p.Send(init)
	m.now.Store(i)
	defer m.now.Store(nil)
	select {
	case <-p.Done():
		return p.Wait(), nil
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), lease.ErrTaken) {
			p.Kill() // two processes must not act under one name
			return p.Wait(), nil
		}
		return m.stop(p), nil
	}
}

// stop tells the program to end and waits for it. Meanwhile its messages are carried: it
// may still wait for replies.
func (m *Member) stop(p *cluster.Process) cluster.Exit {
	m.until = time.Now().Add(m.cfg.Grace)
	p.Terminate()
	select {
	case <-p.Done():
		return p.Wait()
	case <-time.After(m.cfg.Grace):
		m.cfg.Log.Warn("the node did not end in time", "grace", m.cfg.Grace)
		return p.End()
	}
}

// carryIn passes received messages to the program while it runs. It returns the reason
// why the connection has ended.
func (m *Member) carryIn() error {
	lines := cluster.NewLineReader(m.net, 1<<30)
	for {
		line, err := lines.Next()
		if err != nil {
			return err
		}
		if i := m.now.Load(); i != nil {
			i.process.AwaitQueued(maxQueued)
			i.process.Send(line.Text)
		}
	}
}

// wrote handles a line that the program wrote.
func (m *Member) wrote(i *incarnation, s cluster.Stream, line cluster.Line) {
	switch {
	case s == cluster.Stderr:
		fmt.Fprintf(m.cfg.Stderr, "%s: %s\n", m.cfg.Net.Node, quote.Printable(line.Text))
	case !i.ready.Load() && m.isInitReply(i.initSource, line.Text):
		i.ready.Store(true)
		m.once.Do(func() { close(m.ready) })
	default:
		m.net.Write(line.Text)
	}
}

// initLine returns the message that tells a node its name.
func initLine(src, node string, nodes []string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"src": src, "dest": node,
		"body": map[string]any{"type": "init", "msg_id": 1, "node_id": node, "node_ids": nodes},
	})
}

// isInitReply reports whether a line is the reply to init.
func (m *Member) isInitReply(initSource string, line []byte) bool {
	if message.Unquote(message.Member(line, "dest")) != initSource {
		return false
	}
	if message.Unquote(message.Member(message.Member(line, "body"), "type")) != "init_ok" {
		m.cfg.Log.Error("the node did not accept init", "reply", quote.Excerpt(line))
	}
	return true
}
