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

// push adds an event. Events at the same time happen in the order of push.
func (e *run) push(at time.Duration, ev event) {
	e.pushed++
	e.events.Push(at, e.pushed, ev)
}
