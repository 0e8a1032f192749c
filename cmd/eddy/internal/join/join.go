// Package join runs a node program as a member of a cluster over NATS: it starts
// it, tells it its name, carries its messages, and starts it again when it has died.
package join

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/natsnet"
)

const (
	firstPause = 100 * time.Millisecond // before a node that died is started again; doubles
	lastPause  = 5 * time.Second
	longLife   = 30 * time.Second // after which a death counts as the first

	maxQueued = 16 << 20 // bytes that a program has not read yet, before we read no further
)

// A Config says which program joins as whom.
type Config struct {
	Net     natsnet.Config // its Nodes are those that the program is told
	Program string
	Args    []string
	// Restarts is how many deaths in a row the program may die, none of them after
	// 30 s of life. 0 means that it is not started again.
	Restarts int
	// Grace is how long it may take to end, once it is told to.
	Grace time.Duration
	// Stderr receives what the program writes there, each line with the node's
	// name before it.
	Stderr io.Writer
	Log    *slog.Logger
}

// A Member is a node program that has joined.
type Member struct {
	cfg   Config
	net   *natsnet.Conn
	life  atomic.Pointer[life]
	ready chan struct{} // closed when the first life has answered init
}

// A life is one process of the program.
type life struct {
	process *cluster.Process
	ready   atomic.Bool
}

// New joins; Run runs the program.
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

// Ready is closed when the program has answered its init for the first time.
func (m *Member) Ready() <-chan struct{} { return m.ready }

// Net is the connection.
func (m *Member) Net() *natsnet.Conn { return m.net }

// Health is nil while the program runs and has answered its init.
func (m *Member) Health() error {
	switch l := m.life.Load(); {
	case l == nil:
		return errors.New("the node is not running")
	case !l.ready.Load():
		return errors.New("the node has not answered init")
	}
	return nil
}

// Run runs the program until ctx ends; then it is told to end, and its last messages
// are carried. The error is nil after that, and else tells why it will not be
// started again.
func (m *Member) Run(ctx context.Context) error {
	defer m.net.Close()
	ctx, end := context.WithCancelCause(ctx)
	go func() { end(cutError{m.carryIn()}) }()
	pause, deaths := firstPause, 0
	for {
		begun := time.Now()
		exit, err := m.live(ctx)
		switch {
		case err != nil:
			return err // it can't be started, and next time neither
		case ctx.Err() != nil:
			return cut(ctx)
		}
		if time.Since(begun) >= longLife {
			pause, deaths = firstPause, 0
		}
		if deaths++; deaths > m.cfg.Restarts {
			return fmt.Errorf("%s has died %d times in a row: %v", m.cfg.Net.Node, deaths, exit)
		}
		m.cfg.Log.Warn("the node has died and is started again", "how", exit.String(), "deaths", deaths, "in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return cut(ctx)
		}
		pause = min(2*pause, lastPause)
	}
}

// A cutError is why the connection has ended before we ended it.
type cutError struct{ error }

// cut is the cutError that ctx has ended for, or nil.
func cut(ctx context.Context) error {
	if err, ok := errors.AsType[cutError](context.Cause(ctx)); ok {
		return err
	}
	return nil
}

// live is one life of the program.
func (m *Member) live(ctx context.Context) (cluster.Exit, error) {
	m.net.NewIncarnation()
	l := &life{}
	p, err := cluster.Start(cluster.Config{
		Program: m.cfg.Program, Args: m.cfg.Args,
		Grace: -1, TermGrace: -1, // drain is patient before
		Output: func(s cluster.Stream, line cluster.Line) { m.wrote(l, s, line) },
	})
	if err != nil {
		return cluster.Exit{}, fmt.Errorf("start %s: %w", m.cfg.Program, err)
	}
	l.process = p
	p.Send(m.initLine())
	m.life.Store(l)
	defer m.life.Store(nil)
	select {
	case <-p.Done():
		return p.Wait(), nil
	case <-ctx.Done():
		return m.drain(p), nil
	}
}

// drain tells the program to end, and carries its messages meanwhile: it may still
// wait for replies.
func (m *Member) drain(p *cluster.Process) cluster.Exit {
	p.Terminate()
	select {
	case <-p.Done():
		return p.Wait()
	case <-time.After(m.cfg.Grace):
		m.cfg.Log.Warn("the node did not end in time", "grace", m.cfg.Grace)
		return p.End()
	}
}

// carryIn hands what comes to the life that there is. What comes between two lives
// is lost, as on any network. The error is why the connection has ended.
func (m *Member) carryIn() error {
	lines := cluster.NewLineReader(m.net, 1<<30)
	for {
		line, err := lines.Next()
		if err != nil {
			return err
		}
		if l := m.life.Load(); l != nil {
			l.process.AwaitQueued(maxQueued)
			l.process.Send(line.Text)
		}
	}
}

// wrote takes in a line of the program.
func (m *Member) wrote(l *life, s cluster.Stream, line cluster.Line) {
	switch {
	case s == cluster.Stderr:
		fmt.Fprintf(m.cfg.Stderr, "%s: %s\n", m.cfg.Net.Node, line.Text)
	case !l.ready.Load() && m.answeredInit(line.Text):
		l.ready.Store(true)
		select {
		case <-m.ready:
		default:
			close(m.ready)
		}
	default:
		m.net.Write(line.Text)
	}
}

const initSource = "eddy-join"

func (m *Member) initLine() []byte {
	line, err := json.Marshal(map[string]any{
		"src": initSource, "dest": m.cfg.Net.Node,
		"body": map[string]any{"type": "init", "msg_id": 1, "node_id": m.cfg.Net.Node, "node_ids": m.cfg.Net.Nodes},
	})
	if err != nil {
		panic(err) // of strings it can't be
	}
	return line
}

// answeredInit reports whether a line is the answer to our init.
func (m *Member) answeredInit(line []byte) bool {
	var answer struct {
		Dest string `json:"dest"`
		Body struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"body"`
	}
	if json.Unmarshal(line, &answer) != nil || answer.Dest != initSource {
		return false
	}
	if answer.Body.Type != "init_ok" {
		m.cfg.Log.Error("the node did not accept init", "answer", string(line))
	}
	return true
}
