package wasm

import (
	"math"
	"time"
)

var pollFunctions = []function{
	{"poll_oneoff", "iiii", (*Process).poll},
}

// Sizes and kinds of what poll_oneoff reads and writes.
const (
	subscriptionSize = 48
	eventSize        = 32

	subscribeClock = 0
	subscribeRead  = 1
	subscribeWrite = 2

	absoluteTime = 1 // a flag
	hangup       = 1 // a flag
)

// A wait says what a blocked program waits for.
type wait struct {
	input bool          // that there is something to read, or the end of the input
	timed bool          // until
	until time.Duration // if timed
}

// over says if the wait is over.
func (w wait) over(p *Process) bool {
	return w.input && p.in.ready() || w.timed && w.until <= p.now
}

// poll implements poll_oneoff. It is where the goroutines of a Go program block.
func (p *Process) poll(m memory, args []uint64) errno {
	n := uint64(uint32(args[2]))
	if n == 0 {
		return errInvalid
	}
	if n > math.MaxUint32/subscriptionSize {
		return errFault
	}
	subscriptions, err := m.bytes(args[0], n*subscriptionSize)
	if err != success {
		return err
	}
	events, err := m.bytes(args[1], n*eventSize)
	if err != success {
		return err
	}
	// A relative timeout begins now: what the program waits for is fixed before it blocks.
	waits := make([]wait, n)
	any := wait{until: math.MaxInt64}
	for i := range waits {
		w, err := p.subscribed(subscriptions[i*subscriptionSize:])
		if err != success {
			return err
		}
		waits[i] = w
		any.input = any.input || w.input
		if w.timed {
			any.timed, any.until = true, min(any.until, w.until)
		}
	}
	p.block(any)
	happened := uint32(0)
	for i, w := range waits {
		if w.over(p) {
			p.putEvent(events[happened*eventSize:], subscriptions[i*subscriptionSize:])
			happened++
		}
	}
	return m.put32(args[3], happened)
}

// subscribed reads what a subscription waits for.
func (p *Process) subscribed(s []byte) (wait, errno) {
	const immediately = math.MinInt64
	switch s[8] {
	case subscribeClock:
		timeout, absolute := little.Uint64(s[24:]), little.Uint16(s[40:])&absoluteTime != 0
		until := p.now
		if absolute {
			until = 0
			zero := uint64(uptime)
			if little.Uint32(s[16:]) == clockRealtime {
				zero = uint64(Epoch.UnixNano())
			}
			timeout -= min(timeout, zero)
		}
		if timeout > uint64(math.MaxInt64-until) {
			return wait{}, success // later than any time
		}
		return wait{timed: true, until: until + time.Duration(timeout)}, success
	case subscribeRead:
		d := p.descriptor(uint64(little.Uint32(s[16:])))
		if d != nil && d.kind == standardInput {
			return wait{input: true}, success
		}
		return wait{timed: true, until: immediately}, success
	case subscribeWrite:
		return wait{timed: true, until: immediately}, success
	}
	return wait{}, errInvalid
}

// putEvent writes the event of a subscription.
func (p *Process) putEvent(event, s []byte) {
	clear(event[:eventSize])
	copy(event, s[:8]) // the user's data
	event[10] = s[8]
	if s[8] == subscribeClock {
		return
	}
	d := p.descriptor(uint64(little.Uint32(s[16:])))
	switch {
	case d == nil:
		little.PutUint16(event[8:], uint16(errBadFD))
	case d.kind == standardInput && s[8] == subscribeRead:
		little.PutUint64(event[16:], uint64(len(p.in.pending)))
		if len(p.in.pending) == 0 {
			little.PutUint16(event[24:], hangup)
		}
	default:
		little.PutUint64(event[16:], 1)
	}
}
