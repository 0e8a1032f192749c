// Package metadata reads and writes the fields of a request that describe its call.
//
//	"call":"1f0a93c2b7d4e865/17"   the call id, the same in every attempt (Policy.CallID)
//	"deadline_ms":1200             how long the caller still waits (Policy.Propagate)
//	"retry":false                  whether the request, or one that it was made for, is a retry (Policy.Propagate)
//
// A caller writes them only if its policy says so.
package metadata

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/wire"
	"github.com/eddyrpc/eddy/retry"
)

// Read returns how long the caller of a request still waits, schedule.Never if the body does
// not say so, and whether the request is a retry.
func Read(body []byte) (remaining time.Duration, retry bool) {
	remaining = schedule.Never
	ms, ok := wire.ParseInt(wire.Member(body, wire.Deadline))
	if ok && ms >= 0 && ms < int64(schedule.Never/time.Millisecond)/2 {
		remaining = time.Duration(ms) * time.Millisecond
	}
	return remaining, string(wire.Member(body, wire.Retry)) == "true"
}

// An Incarnation is one run of a node process. It has a random number, which tells it from
// other runs and decides all that the node does at random, and it counts its calls. The zero
// value is ready.
type Incarnation struct {
	once   sync.Once
	random uint64
	calls  atomic.Uint64
	draws  atomic.Uint64
}

// Adopt takes the random number of the transport if it has one, as in a test in which each
// run is to be the same. It must be called before the first use.
func (i *Incarnation) Adopt(transport any) {
	if t, ok := transport.(interface{ Number() uint64 }); ok {
		i.SetNumber(t.Number())
	}
}

// Fraction returns a random number from 0 to 1, without 1.
func (i *Incarnation) Fraction() float64 {
	return rand.New(rand.NewPCG(i.Number(), i.draws.Add(1))).Float64()
}

// SetNumber sets the random number. It must be called before the first use.
func (i *Incarnation) SetNumber(random uint64) { i.once.Do(func() { i.random = random }) }

// Number returns the random number.
func (i *Incarnation) Number() uint64 {
	i.once.Do(func() { i.random = rand.Uint64() })
	return i.random
}

// NextCall returns the number of a new call.
func (i *Incarnation) NextCall() uint64 { return i.calls.Add(1) }

// CallID returns the id of a new call, which no incarnation of any node returns again: the
// random number in 16 hexadecimal digits, and the number of the call.
func (i *Incarnation) CallID() string {
	text := strconv.FormatUint(i.Number(), 16)
	return "0000000000000000"[len(text):] + text + "/" + strconv.FormatUint(i.NextCall(), 10)
}

// Write returns the body of a call, with a call id if the policy says so, and without the
// fields that are written for each attempt.
func (i *Incarnation) Write(raw []byte, p *retry.Policy) ([]byte, error) {
	var body wire.Body
	raw, err := body.Read(raw)
	if err != nil {
		return nil, err
	}
	if body.HasMetadata {
		if p.CallID {
			raw = wire.Without(raw, wire.Call)
		}
		if p.Propagate {
			raw = wire.Without(raw, wire.Deadline, wire.Retry)
		}
	}
	if p.CallID {
		raw = append(raw[:len(raw)-1:len(raw)-1], `,"call":"`...)
		raw = append(append(raw, i.CallID()...), `"}`...)
	}
	return raw, nil
}
