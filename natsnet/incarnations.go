package natsnet

import (
	"crypto/rand"
	"sync"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/wire"
)

// incarnations tell apart the runs of a node's process. A node that was restarted
// numbers its messages from 0 again, so a reply to a request of an earlier incarnation
// could settle a call of the present one. The reply subject of every message therefore
// names the incarnation of its sender; that of a reply also names the incarnation that
// had sent the request.
type incarnations struct {
	mu      sync.Mutex
	current string
	askers  bounded.Map[request, string] // the incarnation that sent a request, until it is answered
}

// A request is identified by the node on the other side and the request's msg_id.
type request struct {
	node string
	id   int64
}

func (r request) bytes() int { return len(r.node) }

// Requests that are never answered would otherwise be kept without limit. The reply to
// a request that was forgotten is not checked.
const (
	maxRequests     = 200_000
	maxRequestBytes = 8 << 20
)

func (i *incarnations) init() {
	i.askers = bounded.Map[request, string]{
		MaxEntries: maxRequests, MaxBytes: maxRequestBytes,
		Bytes: func(r request, asker string) int { return r.bytes() + len(asker) },
	}
	i.next()
}

// next begins another incarnation.
func (i *incarnations) next() {
	id := rand.Text()[:idLen]
	i.mu.Lock()
	defer i.mu.Unlock()
	i.current = id
}

const idLen = 16 // of an incarnation's id

// isID reports whether a token can be an incarnation's id. Others are ignored: the id
// becomes a part of the subject of the reply.
func isID(token string) bool {
	if len(token) != idLen {
		return false
	}
	for i := range len(token) {
		if !staysInToken(token[i]) {
			return false
		}
	}
	return true
}

// isCurrent reports whether an id is that of the present incarnation.
func (i *incarnations) isCurrent(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return id == i.current
}

// accept reports whether a message is for the present incarnation, and remembers which
// incarnation sent a request.
func (i *incarnations) accept(src, reply string, body *wire.Body) bool {
	sender, asker := incarnationsIn(reply)
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case body.InReplyTo != wire.NoID:
		return asker == "" || asker == i.current
	case body.ID != wire.NoID && isID(sender):
		i.askers.Put(request{src, body.ID}, sender)
	}
	return true
}

// reply returns the reply subject of a message.
func (i *incarnations) reply(dest *peer, body *wire.Body) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	subject := dest.replySubject(i.current)
	if body.InReplyTo == wire.NoID {
		return subject
	}
	r := request{dest.name, body.InReplyTo}
	asker := i.askers.Get(r)
	if asker == "" {
		return subject
	}
	i.askers.Delete(r)
	return subject + "." + asker
}
