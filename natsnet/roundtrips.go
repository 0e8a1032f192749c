package natsnet

import (
	"sync"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/wire"
)

// roundTrips measures the time from each request of the node to its reply.
type roundTrips struct {
	observe func(dest string, roundTrip time.Duration)

	mu   sync.Mutex
	open bounded.Map[request, time.Time]
}

func (r *roundTrips) init(observe func(dest string, roundTrip time.Duration)) {
	r.observe = observe
	r.open = bounded.Map[request, time.Time]{
		MaxEntries: maxRequests, MaxBytes: maxRequestBytes,
		Bytes: func(r request, _ time.Time) int { return r.bytes() },
	}
}

// sent records the time of a request.
func (r *roundTrips) sent(dest string, body *wire.Body) {
	if r.observe == nil || body.ID == wire.NoID || body.InReplyTo != wire.NoID {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open.Put(request{dest, body.ID}, time.Now())
}

// received observes the round trip that a reply ends.
func (r *roundTrips) received(src string, body *wire.Body) {
	if r.observe == nil || body.InReplyTo == wire.NoID {
		return
	}
	key := request{src, body.InReplyTo}
	r.mu.Lock()
	sent, ok := r.open.Lookup(key)
	r.open.Delete(key)
	r.mu.Unlock()
	if ok {
		r.observe(src, time.Since(sent))
	}
}
