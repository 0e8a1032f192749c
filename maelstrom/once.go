package maelstrom

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/eddyrpc/eddy"
)

// A Once keeps the replies to calls, so that what is attempted twice takes effect
// once; see [Node.HandleOnce]. The zero value is ready.
type Once = eddy.Once

// HandleOnce is Handle for a handler that is to take effect once for each call,
// however many of its attempts arrive. The caller's policy must set CallID. The
// handler answers before it returns, or the request is answered with 13 crash. One
// Once may serve many types; nil is one for this type alone.
func (n *Node) HandleOnce(typ string, once *Once, fn HandlerFunc) {
	if once == nil {
		once = new(Once)
	}
	n.handle(typ, &handler{fn: fn, once: once})
}

// serveOnce is serve for a handler whose answer a Once keeps.
func (s *session) serveOnce(fn HandlerFunc) eddy.Handler {
	serve := s.serve(fn)
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		id, _ := idOf(Message{Body: json.RawMessage(req.Body)})
		defer s.answers.add(req, id)()
		if _, err := serve(ctx, req); err != nil {
			return nil, err
		}
		if !s.official.Answered(req) {
			return nil, eddy.Errorf(eddy.Crash, "the handler of %s gave no reply", req.Type())
		}
		return nil, nil
	}
}

// answers are the requests whose answers a Once keeps and that have none yet.
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

// of is the request of this sender and msg_id, nil if no Once keeps its answer.
func (a *answers) of(src string, id json.RawMessage) *eddy.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.to[asked{src, string(id)}]
}
