package cluster

import (
	"sync"
	"time"
)

// A Kind is what an Event tells.
type Kind int

const (
	Wrote   Kind = iota // the node wrote a line to its stdout
	Started             // a life began, or failed to: Err
	Exited              // a life is over and its last line was told
)

// An Event is something that happened to a node.
type Event struct {
	Kind Kind
	Node int // its place among the cluster's nodes
	Life int // which of its lives, from 1
	At   time.Time
	Line Line
	Exit Exit
	Err  error
}

const (
	// maxInbox bounds the bytes of what waits in an inbox. Beyond it the nodes'
	// writes block: who is too slow to judge holds up the nodes and does not
	// grow.
	maxInbox = 8 << 20

	// eventCost is what an event costs apart from its line. A node that writes
	// empty lines would fill the memory if only their bytes were counted.
	eventCost = 256
)

// An inbox gathers the events of all nodes in the order they came, for one
// receiver that takes them by the batch.
type inbox struct {
	mu     sync.Mutex
	room   sync.Cond
	events []Event
	bytes  int
	closed bool
	ready  chan struct{} // holds a token while events may wait
}

func newInbox() *inbox {
	b := &inbox{ready: make(chan struct{}, 1)}
	b.room.L = &b.mu
	return b
}

func (b *inbox) put(e Event) {
	b.mu.Lock()
	for e.Kind == Wrote && b.bytes > maxInbox && !b.closed {
		b.room.Wait()
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

// take returns what waits and keeps old, which the receiver has done with, to
// gather what comes next.
func (b *inbox) take(old []Event) []Event {
	clear(old)
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.events
	b.events, b.bytes = old[:0], 0
	b.room.Broadcast()
	return events
}

// close lets everybody put without a bound: nobody takes any more.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.room.Broadcast()
}
