package eddy

import (
	"sync/atomic"
	"time"
)

// A watch looks out for a handler that has run for some milliseconds: one that
// sleeps, computes, or waits for a mutex that the handler before it holds across
// a call. Reading goes on without it then.
//
// It costs a message two stores. The alternative, a goroutine for each message,
// costs more than all else that is done to it.
type watch struct {
	turn    atomic.Uint32 // that a handler runs in and reading stands still for; 0 if none
	handler atomic.Pointer[handler]
	late    atomic.Bool // some output has waited for a while
	awake   atomic.Bool
	wake    chan struct{}
	started bool // its goroutine, which a node of inline handlers needs not
}

// beginWatch is called where messages are read, by one goroutine at a time.
func (n *Node) beginWatch(h *handler, turn uint32) {
	w := &n.watch
	if w.handler.Load() != h {
		w.handler.Store(h)
	}
	w.turn.Store(turn)
	if !w.awake.Load() && w.awake.CompareAndSwap(false, true) {
		if !w.started {
			w.started = true
			go n.watchHandlers()
		}
		w.wake <- struct{}{}
	}
}

// end tells that nothing stands still for this turn any more.
func (w *watch) end(turn uint32) { w.turn.CompareAndSwap(turn, 0) }

// watchHandlers sleeps while no handler runs, and looks every few milliseconds
// while one does.
func (n *Node) watchHandlers() {
	w := &n.watch
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-w.wake:
		case <-n.ctx.Done():
			return
		}
		for looks := 1; !w.rest(); looks++ {
			turn, h := w.turn.Load(), w.handler.Load()
			timer.Reset(stallTime)
			select {
			case <-timer.C:
			case <-n.ctx.Done():
				return
			}
			w.late.Store(true)
			switch {
			case turn == 0 || w.turn.Load() != turn:
				looks = 0
			case looks < patience && h.stalls.Load() == 0:
				h.suspect()
			case n.takeTurn(turn):
				h.stalled()
				w.end(turn)
				looks = 0
			}
		}
	}
}

// soon is how long a handler may still run once somebody, perhaps it, waits for a
// call, before it is taken to be who waits.
const soon = 100 * time.Microsecond

// watchWaiting is called before a wait for a call that was made with no request's
// context: package maelstrom has none to give. If it is the handler that reading
// stands still for which waits, then the reply can't be read until the reading goes
// on without it; if it is somebody else, the handler has returned by then. The timer
// is to be stopped; it is nil if no handler runs.
func (n *Node) watchWaiting() *time.Timer {
	w := &n.watch
	turn, h := w.turn.Load(), w.handler.Load()
	if turn == 0 {
		return nil
	}
	return time.AfterFunc(soon, func() {
		if w.turn.Load() == turn && n.takeTurn(turn) {
			h.stalled()
			w.end(turn)
		}
	})
}

// flushLate writes what has been gathered if that was long ago, as it is when each
// of many handlers takes its time and lines are always at hand.
func (n *Node) flushLate() {
	if n.watch.late.Load() {
		n.watch.late.Store(false)
		n.mu.Lock()
		n.flush()
		n.mu.Unlock()
	}
}

// rest lets the watch sleep if no handler runs. One that begins now wakes it.
func (w *watch) rest() bool {
	if w.turn.Load() != 0 {
		return false
	}
	w.awake.Store(false)
	return w.turn.Load() == 0 || !w.awake.CompareAndSwap(false, true)
}
