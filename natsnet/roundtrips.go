package natsnet

import (
	"sync"
	"time"

	"github.com/eddyrpc/eddy/internal/wire"
)

// roundTrips measures how long the replies to the node's requests take.
type roundTrips struct {
	observe func(dest string, roundTrip time.Duration)

	mu   sync.Mutex
	open map[question]time.Time
}

// sent notes a request.
func (r *roundTrips) sent(dest string, body *wire.Body) {
	if r.observe == nil || body.ID == wire.NoID || body.InReplyTo != wire.NoID {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for other := range r.open {
		if len(r.open) < maxAsked {
			break
		}
		delete(r.open, other)
	}
	if r.open == nil {
		r.open = make(map[question]time.Time)
	}
	r.open[question{dest, body.ID}] = time.Now()
}

// received notes a reply.
func (r *roundTrips) received(src string, body *wire.Body) {
	if r.observe == nil || body.InReplyTo == wire.NoID {
		return
	}
	q := question{src, body.InReplyTo}
	r.mu.Lock()
	begun, asked := r.open[q]
	delete(r.open, q)
	r.mu.Unlock()
	if asked {
		r.observe(src, time.Since(begun))
	}
}
