package plan

import (
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
)

// none is the index of no request.
const none = -1

// A call is a call of the first caller or of a relay.
type call struct {
	schedule   schedule.Schedule
	key        key
	due        time.Duration // when its latest timer expires
	timer      uint32        // the number of its latest timer; earlier ones do not count
	generation uint32        // how many calls had this index before
	hop        int32         // from 0
	origin     int32         // the index of the call of the first caller that led to it
	serves     int32         // the index of the request that it was made for, or none
	refusals   int32         // attempts that were answered with error 11
	unsent     bool          // the breaker refused its first attempt
}

// answer returns what the relay that made the call answers.
func (c *call) answer(ok bool) answer {
	switch {
	case ok:
		return success
	case c.unsent, int(c.refusals) == c.schedule.Sent() && c.refusals > 0:
		return unavailable // definite, because every attempt failed definitely
	}
	return indefinite
}

// An origin is a call of the first caller with all calls and requests that it led to.
// It stays until all of them have ended: the leaf may execute a request long after the
// call failed.
type origin struct {
	begun    time.Duration
	number   int
	open     int32 // the requests, and the call itself
	executed bool
	failed   bool
}

// A request is a request on its way to a callee, or its reply on the way back.
type request struct {
	written    time.Duration
	half       time.Duration // of the round trip
	deadline   time.Duration // how long the caller waits after the arrival; Never if it does not say
	key        key
	caller     int32  // the index of the call
	generation uint32 // of the caller's index; another one means that the call is over
	attempt    int32
	hop        int32
	origin     int32
	answer     answer
	lost       bool // its reply will be lost
	retry      bool // it is a retry, or on behalf of one
}

type answer uint8

const (
	success     answer = iota
	indefinite         // error 0: it may have had an effect
	unavailable        // error 11: it surely had no effect
)

// A pool holds values by index. It uses the indices of removed values again.
type pool[T any] struct {
	all  []T
	idle []int32
}

func (p *pool[T]) at(i int32) *T { return &p.all[i] }

// take returns an index that is not in use.
func (p *pool[T]) take() int32 {
	if n := len(p.idle); n > 0 {
		i := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return i
	}
	var zero T
	p.all = append(p.all, zero)
	return int32(len(p.all) - 1)
}

// open returns how many indices are in use.
func (p *pool[T]) open() int { return len(p.all) - len(p.idle) }

func (p *pool[T]) free(i int32) { p.idle = append(p.idle, i) }
