package eddy

import (
	"context"
	"time"

	"github.com/eddyrpc/eddy/internal/caller"
	"github.com/eddyrpc/eddy/internal/observer"
	"github.com/eddyrpc/eddy/internal/wire"
	"github.com/eddyrpc/eddy/watch"
)

// watch tells the hooks, if there are any, that a call begins. They may add a field to its body.
func (n *Node) watch(ctx context.Context, dest string, c *call) {
	if n.Hooks == nil {
		return
	}
	typ := wire.FieldText([]byte("{"+c.Fields+"}"), "type")
	w := watch.Call{Dest: dest, Type: typ, Policy: c.Policy, For: detailsOf(c.Owner.request).watched.Seen()}
	o := observer.Begin(ctx, n.Hooks, w, n.log.Panic)
	if parent := o.Traceparent(); parent != "" && c.Policy != nil && c.Policy.Trace {
		c.Fields = n.dialect().WithTraceparent(c.Fields, parent)
	}
	c.Watch(o)
}

// retried tells the hooks of a call about an attempt that was sent again. The log of retries is
// such a hook.
func (n *Node) retried(again caller.Retry[owner]) {
	again.Call.Watched().Tell()
	if !n.log.LogsRetries() {
		return
	}
	c := &watch.Call{Dest: again.Call.Dest(), Policy: again.Call.Policy}
	if r := again.Owner.request; r != nil {
		c.For = r.seen()
	}
	n.log.Sent(c, again.Sent)
}

// watch tells the hooks that the handler of a request begins. It may give the handler another
// context.
func (r *Request) watch() {
	n, details := r.handler.node, r.addDetails()
	seen := r.seen()
	seen.Queued, seen.Traceparent = time.Since(n.start)-r.arrived, wire.FieldText(r.Body, wire.Traceparent)
	details.watched, details.ctx = observer.BeginRequest(r.context(), n.Hooks, *seen, n.log.Panic)
}

// seen returns the request as hooks see it.
func (r *Request) seen() *watch.Request {
	return &watch.Request{Type: r.Type(), Src: r.Src, ID: r.ID, OneWay: r.OneWay()}
}
