package eddy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/caller"
	"github.com/eddyrpc/eddy/internal/check"
	"github.com/eddyrpc/eddy/internal/stdio"
	"github.com/eddyrpc/eddy/internal/wire"
	"github.com/eddyrpc/eddy/internal/workers"
)

var errEnded = errors.New("the node has ended")

const (
	lastWriteTime = time.Second // for a Write that is under way at the end
	lastLogTime   = time.Second
)

// Run serves standard input and output until the input ends or the process gets SIGINT or
// SIGTERM. Then it drains, as Serve does. A second signal ends the process at once.
func (n *Node) Run() error {
	ctx, drain := context.WithCancel(context.Background())
	defer drain()
	signals := make(chan os.Signal, 1)
	stdio.NotifySignals(signals)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals) // before the node drains, so that a second signal ends the process
		drain()
	}()
	t, err := stdio.Open()
	if err != nil {
		return fmt.Errorf("eddy: %w", err)
	}
	return n.Serve(ctx, t)
}

// Serve serves t until its input ends or ctx ends. The node then drains: its calls run to their
// ends, so that it can reply to every request that it accepted. After the end of ctx it still
// reads replies, and new requests get TemporarilyUnavailable. Serve returns when there is
// nothing left to do, and after Drain at the latest. If t is an io.Closer, Serve closes it. A
// node serves once.
//
// The error is nil unless a field of the node is invalid, the output could not be
// written, or reading the input failed.
func (n *Node) Serve(ctx context.Context, t Transport) error {
	if err := n.validate(ctx, t); err != nil {
		return fmt.Errorf("eddy: %w", err)
	}
	n.open(t)
	defer n.close(t)
	go n.readLines()
	var err error
	select {
	case err = <-n.inputEnded:
	case <-ctx.Done():
	case <-n.ctx.Done(): // the output failed
	}
	atOnce := err == io.EOF && n.StopAtEOF || err != nil && err != io.EOF && n.official != nil
	if !atOnce {
		n.drain()
	}
	n.out.Lock()
	defer n.out.Unlock()
	switch {
	case n.out.Err() != nil:
		return fmt.Errorf("write the output: %w", n.out.Err())
	case err != nil && err != io.EOF:
		return fmt.Errorf("read the input: %w", err)
	}
	return nil
}

// validate returns an error that names the first field that is invalid.
func (n *Node) validate(ctx context.Context, t Transport) error {
	return cmp.Or(check.NotNil("the context", ctx), check.NotNil("the transport", t),
		check.NotNegative("MaxLine", n.MaxLine), check.NotNegative("MaxOpen", n.MaxOpen),
		check.NotNegative("MaxOpenBytes", n.MaxOpenBytes), check.NotNegative("Drain", n.Drain))
}

// open makes what the zero value lacks, and lets the node send.
func (n *Node) open(t Transport) {
	n.out.Lock()
	defer n.out.Unlock()
	if n.opened {
		if n.official != nil && n.workers == nil { // it was opened early, see officialNode
			n.out.FlushAtOnce(false)
			n.openReader(t)
			return
		}
		panic("eddy: a node serves once")
	}
	n.openOutput(t)
	n.openReader(t)
}

func (n *Node) openOutput(w io.Writer) {
	n.log, n.logQueue = openLog(n.Log, os.Stderr)
	n.process.Adopt(w)
	n.start = time.Now()
	n.ctx, n.stop = context.WithCancelCause(context.Background())
	n.loopCtx, n.endLoops = context.WithCancel(n.ctx)
	n.quiet = make(chan struct{}, 1)
	n.inputEnded = make(chan error, 1)
	n.calls.Open(caller.Settings[owner]{
		Out: &n.out, Start: n.start,
		Ended: n.ended, Retried: n.retried, Quiet: n.nudge,
	})
	var firstID int64
	if n.official != nil {
		firstID = n.official.LastID + 1
	}
	n.out.Open(w, n.dialect(), firstID, &n.calls, func(err error) { n.stop(err) })
	n.opened = true
}

func (n *Node) openReader(t Transport) {
	n.workers = workers.New(n.ctx, (*Request).serve)
	n.reader.names = bounded.NewStrings(4096, 64<<10)
	n.reader.lines = wire.NewLines(&input{n, t}, cmp.Or(n.MaxLine, defaultMaxLine))
}

// drain waits until the node has nothing left to do.
func (n *Node) drain() {
	n.phase.Store(draining)
	n.endLoops()
	limit := time.NewTimer(cmp.Or(n.Drain, defaultDrain))
	defer limit.Stop()
	for !n.isIdle() {
		select {
		case <-n.quiet:
		case <-n.ctx.Done():
			return
		case <-limit.C:
			n.out.Lock()
			requests, calls := n.requests, n.calls.Table.Open()
			n.out.Unlock()
			n.log.Warn("ended before every request had its reply", "requests", requests, "calls", calls)
			return
		}
	}
}

// nudge makes drain look whether the node is idle.
func (n *Node) nudge() {
	if n.phase.Load() == draining {
		select {
		case n.quiet <- struct{}{}:
		default:
		}
	}
}

// isIdle reports whether a draining node has nothing left to do.
func (n *Node) isIdle() bool {
	n.out.Lock()
	defer n.out.Unlock()
	calls := n.calls.Table.Open() > 0 && n.official == nil // an official node's handlers wait for its calls, or nobody does
	return !calls && n.unfinished.Load() == 0 && !n.calls.Running() && n.requests == 0 && n.out.Idle()
}

// close ends everything that the node has begun. What was added to the outbox
// before is written, and nothing after it.
func (n *Node) close(t Transport) {
	n.phase.Store(ended)
	n.stop(errEnded)
	n.calls.CancelAll(errEnded) // so that nothing is added any more
	ctx, cancel := context.WithTimeout(context.Background(), lastWriteTime)
	n.out.Close(ctx)
	cancel()
	if c, ok := t.(io.Closer); ok {
		c.Close()
	}
	if n.logQueue != nil {
		n.logQueue.Flush(lastLogTime)
	}
}

// A Transport carries the messages of a node: a stream of lines to read and a stream of
// lines to write, each line one message. One goroutine of the node reads, and one at a time
// writes whole lines, one or more at once. Read returns io.EOF when no message will come any
// more. A Write that blocks slows the node down and does not grow its memory: the node reads
// no further. So whatever carries the messages must go on reading.
type Transport interface {
	io.Reader
	io.Writer
}

// Stdio returns the transport over standard input and output. It panics if the process has
// it already, by Stdio or Run, since each of two nodes would get a part of the input.
func Stdio() Transport {
	t, err := stdio.Open()
	check.Must(err)
	return t
}
