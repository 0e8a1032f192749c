package eddy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/wire"
)

// A Node serves requests and makes calls over one transport. The zero value is
// ready for handlers; its fields are set before it runs. Its methods may be
// called from any goroutine, but handlers are registered before it runs.
type Node struct {
	// MaxLine is the longest line that is read, in bytes. 0 means 16 MiB.
	MaxLine int
	// MaxOpen bounds the open calls and, apart from them, the open requests;
	// a one-way message counts as one until its handler is done. Past it a
	// request gets 11 at once, a one-way message is dropped, and a call fails.
	// 0 means 100,000.
	MaxOpen int
	// Drain is how long the node goes on, after its input has ended or it was
	// told to end, until every accepted request is answered. 0 means 30 s.
	Drain time.Duration
	// StopAtEOF ends the node at the end of its input without draining.
	StopAtEOF bool
	// Spaced writes a blank after every ':' and ','.
	Spaced bool
	// Log is where the node reports retries, bad lines and panics. nil means
	// text on standard error, through a LogQueue. One that may block, as standard
	// error does when nobody reads it, stalls the node: give it a LogQueue too.
	Log *slog.Logger

	official *Official // nil but in package maelstrom

	handlers map[string]*handler
	onInit   func(context.Context) error
	loops    []func(context.Context) // that begin with init

	ctx   context.Context // ends when the node does
	stop  context.CancelCauseFunc
	start time.Time

	rounds    context.Context // of the loops; ends when draining begins
	endRounds context.CancelFunc

	reader  reader
	crew    crew
	waiters sync.Pool // of *waiter

	coroutines coroutines
	running    atomic.Pointer[coroutine] // the latest that has run where messages are read

	watch   watch
	terms   termsTable
	life    life
	self    atomic.Pointer[identity] // nil before init
	stage   atomic.Int32             // untold, told, ready
	in      atomic.Int64             // messages read
	active  atomic.Int64             // of them, those that are not done with
	batches atomic.Int64             // of Batchers, that are to be handed on before the end
	phase   atomic.Int32             // serving, draining, ended
	rest    chan struct{}            // told when a draining node has nothing left to do

	mu         sync.Mutex // guards all below
	ids        int64      // the next msg_id
	looping    bool       // init has been answered: the loops have begun
	out        outbox
	calls      calls.Table[owner]
	dests      map[string]*destination
	latestDest *destination
	window     schedule.Window // of all calls
	alarm      alarm
	stats      Stats

	logQueue *LogQueue // if we made Log
}

// The phases of a node's life.
const (
	serving int32 = iota
	draining
	ended
)

// The stages of a node's beginning.
const (
	untold int32 = iota // there was no init, or it failed
	told                // OnInit is at work
	ready               // requests are served
)

// An identity is what init said.
type identity struct {
	id  string
	ids []string
}

const (
	defaultMaxLine = 16 << 20
	defaultMaxOpen = 100_000
	defaultDrain   = 30 * time.Second
)

// ID is the node's name, "" before init.
func (n *Node) ID() string {
	if self := n.self.Load(); self != nil {
		return self.id
	}
	return ""
}

// IDs are the names of all nodes of the cluster, nil before init.
func (n *Node) IDs() []string {
	if self := n.self.Load(); self != nil {
		return slices.Clone(self.ids)
	}
	return nil
}

// Send sends a one-way message: it carries no msg_id, and nobody answers it.
// The body is a JSON object with a type: Raw, or any Go value that becomes one.
// It waits while the output is stuck.
func (n *Node) Send(dest string, body any) error {
	var d draft
	if err := d.read(dest, body); err != nil {
		return fmt.Errorf("send to %s: %w", dest, err)
	}
	n.lockToWrite()
	defer n.mu.Unlock()
	if err := n.mayWrite(dest); err != nil {
		return fmt.Errorf("send to %s: %w", dest, err)
	}
	n.writeDraft(&d, wire.NoID)
	n.flushSoon()
	return nil
}

// OnInit registers what the node does once it knows its name, before it answers
// init. An error becomes the answer.
func (n *Node) OnInit(f func(ctx context.Context) error) {
	if n.onInit != nil {
		panic("eddy: a second OnInit")
	}
	n.onInit = f
}

func (n *Node) dialect() wire.Dialect {
	return wire.Dialect{Spaced: n.Spaced, Official: n.official != nil}
}

// mayWrite tells why the node can't send to dest now. mu is held.
func (n *Node) mayWrite(dest string) error {
	switch {
	case dest == "" && n.official == nil:
		return errors.New("dest is empty") // it would be no message
	case n.self.Load() == nil && n.official == nil:
		return Errorf(TemporarilyUnavailable, "the node has not been initialised")
	case n.rest == nil: // it has a name, but nothing to write to
		return Errorf(TemporarilyUnavailable, "the node does not run yet")
	case n.phase.Load() == ended && n.official == nil:
		return Errorf(TemporarilyUnavailable, "the node has ended")
	}
	return nil
}

// mayCall tells why the node can't open a call now. mu is held.
func (n *Node) mayCall(ctx context.Context, dest string, policy *Policy) error {
	if ctx != noneOwn && ctx.Err() != nil {
		return context.Cause(ctx) // while the call waited for room
	}
	if err := policy.Validate(); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	if n.official != nil && (n.official.silent || n.phase.Load() == ended) {
		return errSilent
	}
	if limit := orDefault(n.MaxOpen, defaultMaxOpen); n.calls.Open() >= limit {
		return Errorf(TemporarilyUnavailable, "%d calls are open, the most there may be", limit)
	}
	return n.mayWrite(dest)
}

// nextID takes a number from the counter of all that the node sends. mu is held
// from here until the message is written, so that ids leave in their order.
func (n *Node) nextID() int64 {
	id := n.ids
	n.ids++
	return id
}

func (n *Node) now() time.Duration { return time.Since(n.start) }

func orDefault[T int | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}
