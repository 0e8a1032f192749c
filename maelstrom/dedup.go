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

// HandleOnce is Handle for a handler that is to run once for each call, however many of
// its attempts arrive. The policy of the caller must say CallID. The handler must reply
// before it returns; otherwise the node replies with code 13 crash. One Dedup may serve
// many types. nil means one for this type alone.
func (n *Node) HandleOnce(typ string, dedup *Dedup, fn HandlerFunc) {
	if dedup == nil {
		dedup = new(Dedup)
	}
	n.handle(typ, &handler{fn: fn, dedup: dedup})
}

// serveOnce is serve for a handler whose reply a Dedup keeps.
func (s *session) serveOnce(fn HandlerFunc) eddy.Handler {
	serve := s.serve(fn)
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		id, _ := idOf(Message{Body: json.RawMessage(req.Body)})
		defer s.answers.add(req, id)()
		if _, err := serve(ctx, req); err != nil {
			return nil, err
		}
		if !s.official.Answered(req) {
			return nil, eddy.Errorf(eddy.Crash, "the handler of %s did not reply", req.Type)
		}
		return nil, nil
	}
}

// answers are the requests that have no reply yet and whose reply a Dedup will keep.
type answers struct {
	mu sync.Mutex
	to map[asked]*eddy.Request
}

// Who asked, and with which msg_id.
type asked struct{ src, id string }

// add adds one until the function that it returns is called.
func (a *answers) add(req *eddy.Request, id json.RawMessage) (remove func()) {
	key := asked{req.Src, string(id)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.to == nil {
		a.to = make(map[asked]*eddy.Request)
	}
	a.to[key] = req
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.to, key)
	}
}

// of is the request of this sender and msg_id, nil if no Dedup keeps its reply.
func (a *answers) of(src string, id json.RawMessage) *eddy.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.to[asked{src, string(id)}]
}
