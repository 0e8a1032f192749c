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
func (r *roundTrips) sent(m *wire.Message) {
	if r.observe == nil || m.Body.ID == wire.NoID || m.Body.InReplyTo != wire.NoID {
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
	r.open[question{string(m.Dest), m.Body.ID}] = time.Now()
}

// received notes a reply.
func (r *roundTrips) received(m *wire.Message) {
	if r.observe == nil || m.Body.InReplyTo == wire.NoID {
		return
	}
	q := question{string(m.Src), m.Body.InReplyTo}
	r.mu.Lock()
	begun, asked := r.open[q]
	delete(r.open, q)
	r.mu.Unlock()
	if asked {
		r.observe(q.src, time.Since(begun))
	}
}
