package eddy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/eddyrpc/eddy/internal/wire"
)

var (
	errEnded     = errors.New("the node has ended")
	outFlushTime = time.Second // for a Write that is under way at the end
	logFlushTime = time.Second
)

// Run serves standard input and output until the input ends or the process gets
// SIGINT or SIGTERM, and then until every accepted request is answered, as Serve
// does. A second signal ends the process at once.
func (n *Node) Run() error {
	ignoreClosedPipe()
	ctx, drain := context.WithCancel(context.Background())
	defer drain()
	listening := make(chan struct{})
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		close(listening)
		defer signal.Stop(signals)
		select {
		case <-signals:
			signal.Stop(signals) // so that a second one acts as if nobody listened
			drain()
		case <-ctx.Done():
		}
	}()
	return n.Serve(ctx, &gated{Transport: Stdio(), open: listening})
}

// A gated transport writes nothing but its first piece, the answer to init, before
// it is open. To listen for signals takes as long as all else of a start (bench,
// start), so it is done beside, and still who has seen the answer to a request
// knows that a signal will be heeded.
type gated struct {
	Transport
	open  chan struct{}
	begun bool
}

func (g *gated) Write(p []byte) (int, error) {
	if g.begun {
		<-g.open
	}
	g.begun = true
	return g.Transport.Write(p)
}

// Serve serves t until its input ends or ctx does. The node then drains: calls
// in flight run to their end, which their policies bound, so that every request
// accepted before is answered. After the end of ctx replies are still read and
// new requests get 11. Serve returns when all is answered, after Drain at the
// latest. A node serves once.
//
// The error is nil unless the output could no longer be written, or the input
// failed otherwise than by ending.
func (n *Node) Serve(ctx context.Context, t Transport) error {
	n.open(t)
	defer n.close(t)
	n.crew.do(n, duty{turn: firstTurn})
	var err error
	select {
	case err = <-n.reader.ended:
	case <-ctx.Done():
	case <-n.ctx.Done(): // the output failed
	}
	if !(err == io.EOF && n.StopAtEOF) && !n.endsAtOnce(err) {
		n.drain()
	}
	return n.verdict(err)
}

// prepare makes what the zero value lacks.
func (n *Node) prepare(t Transport) {
	if n.rest != nil {
		panic("eddy: a node serves once")
	}
	n.openLog(os.Stderr)
	n.start = time.Now()
	n.mu.Lock() // for whoever calls before
	defer n.mu.Unlock()
	n.rest = make(chan struct{}, 1)
	if n.official != nil {
		n.ids = n.official.LastID + 1
	}
	n.watch.wake = make(chan struct{}, 1)
	n.reader.ended = make(chan error, 1)
	n.reader.turn.Store(firstTurn)
	n.reader.lines = wire.NewLines(input{n, t}, orDefault(n.MaxLine, defaultMaxLine))
	n.out = outbox{to: t, busy: 1, changed: sync.NewCond(&n.mu)}
	n.ctx, n.stop = context.WithCancelCause(context.Background())
	n.rounds, n.endRounds = context.WithCancel(n.ctx)
}

// drain waits until every accepted request is answered and written.
func (n *Node) drain() {
	n.phase.Store(draining)
	n.endRounds()
	n.checkRest()
	limit := time.NewTimer(orDefault(n.Drain, defaultDrain))
	defer limit.Stop()
	select {
	case <-n.rest:
	case <-n.ctx.Done():
	case <-limit.C:
		n.mu.Lock()
		open := n.calls.Open()
		n.mu.Unlock()
		n.Log.Warn("ended before all was answered", "requests", n.active.Load(), "calls", open)
	}
}

// checkRest tells drain when nothing is left to do.
func (n *Node) checkRest() {
	if n.phase.Load() == draining {
		n.mu.Lock()
		n.checkRestLocked()
		n.mu.Unlock()
	}
}

func (n *Node) checkRestLocked() {
	o := &n.out
	calls := n.calls.Open() > 0 && n.official == nil // an official node's handlers wait for its calls, or nobody
	busy := o.busy > 0 || o.writing || len(o.buf) > 0 || calls || n.active.Load() > 0 ||
		n.looping && n.batches.Load() > 0
	if n.phase.Load() != draining || busy {
		return
	}
	select {
	case n.rest <- struct{}{}:
	default:
	}
}

// close ends all that the node has started. What was written before goes out;
// nothing is written any more.
func (n *Node) close(t Transport) {
	n.mu.Lock()
	n.phase.Store(ended)
	n.out.changed.Broadcast() // who waits for room need wait no more
	n.stop(errEnded)
	n.flushElsewhere()
	waitAtMost(n.out.changed, outFlushTime, func() bool { return !n.out.writing && !n.out.leaving })
	n.mu.Unlock()
	for n.cancelAll(errEnded) {
	}
	n.crew.end()
	n.coroutines.end()
	if c, ok := t.(io.Closer); ok {
		c.Close()
	}
	if n.logQueue != nil {
		n.logQueue.Flush(logFlushTime)
	}
}

// cancelAll ends the open calls, on a goroutine that a callback may end, and then
// returns true.
func (n *Node) cancelAll(cause error) (interrupted bool) {
	done := make(chan struct{})
	interrupted = true
	go func() {
		defer close(done)
		for {
			var err *CallError
			n.mu.Lock()
			c := n.calls.Any()
			if c != nil {
				err = n.remove(c, cause)
			}
			n.mu.Unlock()
			if c == nil {
				interrupted = false
				return
			}
			n.end(c, Message{}, err)
			n.wakeElsewhere()
		}
	}()
	<-done
	return interrupted
}

// verdict is what Serve returns, given why reading has ended.
func (n *Node) verdict(reading error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.out.err != nil:
		return fmt.Errorf("write the output: %w", n.out.err)
	case reading != nil && reading != io.EOF:
		return fmt.Errorf("read the input: %w", reading)
	}
	return nil
}

// waitAtMost waits until done, which is looked at whenever c is signalled, but
// not longer than d. The caller holds c's lock.
func waitAtMost(c *sync.Cond, d time.Duration, done func() bool) {
	late := false
	timer := time.AfterFunc(d, func() {
		c.L.Lock()
		late = true
		c.Broadcast()
		c.L.Unlock()
	})
	defer timer.Stop()
	for !done() && !late {
		c.Wait()
	}
}
