package plan

import (
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
)

// none is no request.
const none = -1

// A call is a call of the first caller or of a relay.
type call struct {
	schedule schedule.Schedule
	key      key
	due      time.Duration // when its timer goes off
	timer    uint32        // the latest timer; those before are void
	life     uint32        // how many calls had this place before
	hop      int32         // from 0 on
	origin   int32         // the first caller's call that led to it
	serves   int32         // the request that it was made for, or none
	refusals int32         // attempts that were answered with error 11
}

// answer is what the relay that made the call answers.
func (c *call) answer(ok bool) answer {
	switch {
	case ok:
		return success
	case int(c.refusals) == c.schedule.Sent() && c.refusals > 0:
		return unavailable // which is definite, as all of its attempts have been
	}
	return indefinite
}

// An origin is a call of the first caller and all that it has led to. It stays
// until nothing of that is left: the leaf may execute a request of a call that
// failed long ago.
type origin struct {
	begun    time.Duration
	number   int
	open     int32 // requests, and the call itself
	executed bool
	failed   bool
}

// A request is a message on its way to a callee, there, or back as its reply.
type request struct {
	written  time.Duration
	half     time.Duration // of the round trip
	deadline time.Duration // how long the caller is interested, from its arrival on; Never if it does not say
	key      key
	caller   int32
	life     uint32 // of the caller; it may be over
	attempt  int32
	hop      int32
	origin   int32
	answer   answer
	lost     bool // its reply will be
	behalf   bool // it is a retry, or on behalf of one
}

type answer uint8

const (
	success     answer = iota
	indefinite         // error 0: it may have taken effect
	unavailable        // error 11: it surely has not
)

// A pool holds things by number, and gives a number that is free again to the
// next.
type pool[T any] struct {
	all  []T
	idle []int32
}

func (p *pool[T]) at(i int32) *T { return &p.all[i] }

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

// open is how many have a number.
func (p *pool[T]) open() int { return len(p.all) - len(p.idle) }

func (p *pool[T]) free(i int32) { p.idle = append(p.idle, i) }
