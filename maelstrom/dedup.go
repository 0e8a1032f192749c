package maelstrom

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/eddyrpc/eddy"
)

// A Dedup keeps the replies to calls, so that a call has its effect once; see
// [Node.HandleOnce]. The zero value is ready.
type Dedup = eddy.Dedup

// HandleOnce registers a handler that runs once for each call, however many of its attempts
// arrive. The policy of the caller must set CallID; without it the handler runs for every
// request, as with Handle. The handler of a call must reply before it returns; otherwise
// the node replies with code 13 (crash). Several types may share one Dedup. nil means one
// for this type alone.
func (n *Node) HandleOnce(typ string, dedup *Dedup, fn HandlerFunc) {
	if dedup == nil {
		dedup = new(Dedup)
	}
	n.handle(typ, &handler{fn: fn, dedup: dedup})
}

// serveOnce is serve for a handler that a Dedup calls.
func (s *session) serveOnce(fn HandlerFunc) eddy.Handler {
	serve := s.serve(fn)
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		if s.official.Kept(req) {
			id, _ := idOf(Message{Body: json.RawMessage(req.Body)})
			defer s.user.kept.add(req, id)()
		}
		return serve(ctx, req)
	}
}

// keptRequests are requests that are being handled, of those whose reply somebody wants to know.
// Reply finds a request here, because only the request's own method tells the Dedup.
type keptRequests struct {
	mu   sync.Mutex
	open map[requestKey]*eddy.Request
}

// A requestKey is the sender of a request and its msg_id.
type requestKey struct{ src, id string }

// add adds a request until the returned function is called.
func (k *keptRequests) add(req *eddy.Request, id json.RawMessage) (remove func()) {
	key := requestKey{req.Src, string(id)}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open == nil {
		k.open = make(map[requestKey]*eddy.Request)
	}
	k.open[key] = req
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.open[key] == req {
			delete(k.open, key)
		}
	}
}

// find returns the request of this sender and msg_id, nil if there is none.
func (k *keptRequests) find(src string, id json.RawMessage) *eddy.Request {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open[requestKey{src, string(id)}]
}
