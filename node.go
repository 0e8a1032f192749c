package eddy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/caller"
	"github.com/eddyrpc/eddy/internal/identity"
	"github.com/eddyrpc/eddy/internal/metadata"
	"github.com/eddyrpc/eddy/internal/nodelog"
	"github.com/eddyrpc/eddy/internal/official"
	"github.com/eddyrpc/eddy/internal/outbox"
	"github.com/eddyrpc/eddy/internal/wire"
	"github.com/eddyrpc/eddy/internal/workers"
	"github.com/eddyrpc/eddy/watch"
)

// A Node serves requests and makes calls over one [Transport]. The zero value is ready for
// handlers. Set the fields and register the handlers before the node runs. All other
// methods may be called from any goroutine.
type Node struct {
	// MaxLine is the length of the longest line that the node reads, in bytes.
	// 0 means 16 MiB.
	MaxLine int
	// MaxOpen limits the number of open calls, and also the number of open requests. A
	// one-way message counts as a request until its handler has returned. Past the bound
	// a request gets an error reply with code TemporarilyUnavailable, a one-way message
	// is dropped, and a call fails. 0 means 100,000.
	MaxOpen int
	// MaxOpenBytes is how many bytes the open calls may take, and, counted apart from
	// them, the open requests: their bodies, the names in them, and error replies. Past
	// the bound the same happens as past MaxOpen. 0 means 256 MiB.
	MaxOpenBytes int
	// Drain is how long the node goes on, after its input or the context of Serve has
	// ended, so that it can reply to every accepted request. 0 means 30 s.
	Drain time.Duration
	// StopAtEOF makes the node end at the end of its input without draining.
	StopAtEOF bool
	// Spaced makes the node write a blank after every ':' and ','.
	Spaced bool
	// Log is where the node logs retries, bad lines and panics. nil means text on standard
	// error, through a LogQueue. A writer that may block needs a LogQueue too, or it can
	// stall the node.
	Log *slog.Logger
	// Hooks are told what becomes of calls and requests. nil means that nobody is.
	Hooks *watch.Hooks

	official *official.Mode // nil except in package maelstrom
	handlers map[string]*handler
	onInit   func(context.Context) error
	process  metadata.Incarnation

	// Set by open.
	log        nodelog.Log
	logQueue   *LogQueue       // of the default Log, else nil
	ctx        context.Context // ends with the node
	stop       context.CancelCauseFunc
	start      time.Time
	workers    *workers.Pool[*Request]
	reader     reader
	loopCtx    context.Context // ends when the node begins to drain
	endLoops   context.CancelFunc
	quiet      chan struct{} // a draining node may have nothing left to do
	inputEnded chan error

	identity                       atomic.Pointer[identity.Identity] // nil before init
	stage                          atomic.Int32                      // created, initialising, ready
	phase                          atomic.Int32                      // serving, draining, ended
	batches                        atomic.Int64                      // batches of Batchers that are not flushed yet
	full                           atomic.Bool                       // no more requests may be open
	inline                         atomic.Bool                       // the latest request has an inline handler
	in, badLines, dropped, expired atomic.Int64                      // see Stats

	// The lock of out guards what follows. It is never held while a handler, a
	// callback or a Write runs.
	out        outbox.Outbox
	opened     bool
	loops      []func(context.Context) // to begin after the reply to init
	loopsBegun bool
	calls      caller.Caller[owner]
	requests   int64 // open requests and one-way messages, see Request.count
	bytes      int64 // that those take
	callsBack  bool  // there was a call with a callback
	noReplies  bool  // only in the official library's mode
}

// An owner has the function to call when a call has ended.
type owner struct {
	request *Request // for which the call is made, may be nil; held unless its handler waits
	done    func(Result)
}

// The stages of a node's beginning, and the phases of a node that runs.
const (
	created      int32 = iota // there was no init, or it failed
	initialising              // OnInit runs
	ready                     // requests are served
)
const (
	serving int32 = iota
	draining
	ended
)

const (
	defaultMaxLine      = 16 << 20
	defaultDrain        = 30 * time.Second
	defaultMaxOpen      = 100_000
	defaultMaxOpenBytes = 256 << 20
)

// hasRoom reports whether one more call or request may be open.
func (n *Node) hasRoom(open, bytes int64) bool {
	return open < int64(cmp.Or(n.MaxOpen, defaultMaxOpen)) && bytes < int64(cmp.Or(n.MaxOpenBytes, defaultMaxOpenBytes))
}

func overload(what string, open, bytes int64) *Error {
	return Errorf(TemporarilyUnavailable, "%d %s of %d bytes are open, which is the limit", open, what, bytes)
}

// ID returns the node's name, "" before init.
func (n *Node) ID() string {
	if i := n.identity.Load(); i != nil {
		return i.ID
	}
	return ""
}

// IDs returns the names of all nodes of the cluster, nil before init.
func (n *Node) IDs() []string {
	if i := n.identity.Load(); i != nil {
		return slices.Clone(i.IDs)
	}
	return nil
}

// OnInit registers a function that runs when init has set the node's name, before the node
// replies to init. Requests that arrive meanwhile get TemporarilyUnavailable. An
// error of f becomes the reply to init.
func (n *Node) OnInit(f func(ctx context.Context) error) {
	switch {
	case f == nil:
		panic("eddy: OnInit with a nil function")
	case n.onInit != nil:
		panic("eddy: OnInit called twice")
	}
	n.onInit = f
}

// Send sends a one-way message: it has no msg_id, and nobody replies to it. The body
// is a JSON object with a type: [Raw], or a Go value that [Marshal] makes one. Send
// waits while the output is blocked.
func (n *Node) Send(dest string, body any) error {
	fields, err := n.encode(body, nil)
	if err == nil {
		n.out.LockWithRoom()
		defer n.out.Unlock()
		err = n.maySend(dest)
	}
	if err != nil {
		return fmt.Errorf("send to %s: %w", bounded.Name(dest), err)
	}
	n.out.Send(dest, fields)
	n.out.Flush()
	return nil
}

// encode returns the fields of a body as messages carry them, without ids.
func (n *Node) encode(body any, p *Policy) (fields string, err error) {
	raw, err := Marshal(body)
	if err == nil && p != nil && (p.CallID || p.Propagate) {
		raw, err = n.process.Write(raw, p)
	}
	if err != nil {
		return "", err
	}
	var b wire.Body
	text, err := b.Read(raw)
	if err == nil && !b.HasType() && (n.official == nil || !b.HasFields()) {
		err = errors.New("body.type is missing")
	}
	if err != nil {
		return "", err
	}
	return n.dialect().Fields(text, &b), nil
}

// maySend returns why the node cannot send to dest now. The lock is held.
func (n *Node) maySend(dest string) error {
	official := n.official != nil
	switch {
	case dest == "" && !official:
		return errors.New("dest is empty") // such a line would be no message
	case !utf8.ValidString(dest):
		return errors.New("dest is not valid UTF-8") // it would be written as another name
	case n.identity.Load() == nil && !official:
		return Errorf(TemporarilyUnavailable, "the node has not been initialised")
	case !n.opened:
		return Errorf(TemporarilyUnavailable, "the node does not run yet")
	case n.phase.Load() == ended:
		return Errorf(TemporarilyUnavailable, "the node has ended")
	}
	return nil
}

func (n *Node) isOpen() bool {
	n.out.Lock()
	defer n.out.Unlock()
	return n.opened
}

func (n *Node) dialect() wire.Dialect {
	return wire.Dialect{Spaced: n.Spaced, Official: n.official != nil}
}
