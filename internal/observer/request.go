package observer

import (
	"context"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/internal/wire"
	"github.com/eddyrpc/eddy/watch"
)

// A Request tells hooks of one request. A nil Request does nothing.
type Request struct {
	request  watch.Request
	hooks    *watch.Hooks
	panicked func(where string, p any)
	begun    time.Time

	mu  sync.Mutex
	end watch.RequestEnd
}

// BeginRequest tells the hooks that the handler of a request begins, and returns the context
// that the handler gets. panicked is called if a hook panics.
func BeginRequest(ctx context.Context, hooks *watch.Hooks, request watch.Request, panicked func(where string, p any)) (*Request, context.Context) {
	r := &Request{request: request, hooks: hooks, panicked: panicked, begun: time.Now()}
	if hooks.RequestBegins != nil {
		guard(panicked, "RequestBegins", func() {
			if changed := hooks.RequestBegins(ctx, &r.request); changed != nil {
				ctx = changed
			}
		})
	}
	return r, ctx
}

// Seen returns the request as hooks see it, nil if r is nil.
func (r *Request) Seen() *watch.Request {
	if r == nil {
		return nil
	}
	return &r.request
}

// Replied keeps the encoded fields of the reply.
func (r *Request) Replied(fields []byte) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end.Replied = fields != nil
	r.end.Code, r.end.Failed = wire.ErrorCode(fields)
}

// End tells the hooks that nothing holds the request any more.
func (r *Request) End() {
	if r == nil || r.hooks.RequestEnds == nil {
		return
	}
	r.mu.Lock()
	end := r.end
	r.mu.Unlock()
	end.Took = time.Since(r.begun)
	guard(r.panicked, "RequestEnds", func() { r.hooks.RequestEnds(&r.request, end) })
}
