package cluster

import (
	"sync"
	"time"
)

// A Kind is the kind of an Event.
type Kind int

const (
	Wrote   Kind = iota // the node wrote a line to its stdout
	Started             // an incarnation was started, or could not be: see Err
	Exited              // an incarnation has exited, and its last line was reported
)

// An Event is something that happened to a node.
type Event struct {
	Kind        Kind
	Node        int // the node's index in Options.Nodes
	Incarnation int // from 1
	At          time.Time
	Line        Line
	Exit        Exit
	Err         error
}

const (
	// maxInbox bounds the bytes in an inbox. Beyond it the nodes' writes block:
	// a slow receiver slows the nodes down and does not use more memory.
	maxInbox = 8 << 20

	// eventCost is the memory of an event without its line. If it were not
	// counted, a node could fill the memory with empty lines.
	eventCost = 256
)

// An inbox collects the events of all nodes in their order, for one receiver that
// takes them in batches.
type inbox struct {
	mu      sync.Mutex
	notFull sync.Cond
	events  []Event
	bytes   int
	closed  bool
	ready   chan struct{} // has a value while there may be events
}

func newInbox() *inbox {
	b := &inbox{ready: make(chan struct{}, 1)}
	b.notFull.L = &b.mu
	return b
}

// put adds an event. It blocks while a line would exceed the bound.
func (b *inbox) put(e Event) {
	b.mu.Lock()
	for e.Kind == Wrote && b.bytes > maxInbox && !b.closed {
		b.notFull.Wait()
	}
	first := len(b.events) == 0
	b.events = append(b.events, e)
	b.bytes += len(e.Line.Text) + eventCost
	b.mu.Unlock()
	if first {
		select {
		case b.ready <- struct{}{}:
		default:
		}
	}
}

// take returns the events and reuses old, which the receiver no longer needs, for
// later ones.
func (b *inbox) take(old []Event) []Event {
	clear(old)
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.events
	b.events, b.bytes = old[:0], 0
	b.notFull.Broadcast()
	return events
}

// close removes the bound, so that put does not block when there is no receiver any
// more.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.notFull.Broadcast()
}
