package plan

import "time"

// A kind says what an event is.
type kind uint8

const (
	arrival kind = iota // a request reaches the callee
	reply               // a reply reaches the caller
	timer               // a call is due
)

// An event happens at a time.
type event struct {
	index int32  // of the request, or of the call if it is a timer
	timer uint32 // which timer of the call it is; only the latest counts
	kind  kind
}

// push adds an event. Events at the same time happen in the order of push, timers before
// all others. So a reply that arrives at the very moment of its timeout is late. It is
// late for a node, too: a node reads a reply a little after the network has delivered it.
func (e *run) push(at time.Duration, ev event) {
	e.pushed++
	order := e.pushed
	if ev.kind != timer {
		order |= 1 << 63
	}
	e.events.Push(at, order, ev)
}
