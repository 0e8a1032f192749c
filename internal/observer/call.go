// Package observer tells the hooks of package watch what becomes of calls and requests.
package observer

import (
	"context"
	"sync"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/watch"
)

// A Call tells hooks of one call. A nil Call does nothing.
//
// Things happen to a call under the lock of its node. The hooks are the user's code, so they
// run without it: the methods that tell something keep it, and Tell calls the hooks in order.
type Call struct {
	call     watch.Call
	hooks    *watch.Hooks
	panicked func(where string, p any)

	mu      sync.Mutex
	queue   []func()
	refused bool

	telling chan struct{} // has a value while hooks run; a mutex would stop virtual time if a hook sleeps
}

// Begin tells the hooks that a call begins. The lock is not held. panicked is called if a hook
// panics.
func Begin(ctx context.Context, hooks *watch.Hooks, call watch.Call, panicked func(where string, p any)) *Call {
	c := &Call{call: call, hooks: hooks, panicked: panicked, telling: make(chan struct{}, 1)}
	if hooks.CallBegins != nil {
		guard(panicked, "CallBegins", func() { hooks.CallBegins(ctx, &c.call) })
	}
	return c
}

// guard runs a hook.
func guard(panicked func(where string, p any), name string, hook func()) {
	defer func() {
		if p := recover(); p != nil {
			panicked("the hook "+name, p)
		}
	}()
	hook()
}

// Traceparent returns what the hooks want to send as the field "traceparent".
func (c *Call) Traceparent() string { return c.call.Traceparent }

func (c *Call) keep(name string, hook func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, func() { guard(c.panicked, name, hook) })
}

// Sent keeps that an attempt was sent.
func (c *Call) Sent(s watch.Sent) {
	if c != nil && c.hooks.Sent != nil {
		c.keep("Sent", func() { c.hooks.Sent(&c.call, s) })
	}
}

// Failed keeps that an attempt has failed.
func (c *Call) Failed(f watch.Failed) {
	if c != nil && c.hooks.Failed != nil {
		c.keep("Failed", func() { c.hooks.Failed(&c.call, f) })
	}
}

// Late keeps that a late reply has come.
func (c *Call) Late(l watch.Late) {
	if c != nil && c.hooks.Late != nil {
		c.keep("Late", func() { c.hooks.Late(&c.call, l) })
	}
}

// Decided keeps that an attempt was refused, if that is why there is no further one.
func (c *Call) Decided(attempt int, why schedule.Reason) {
	if c == nil || c.hooks.Refused == nil || c.refused || why != schedule.BudgetExhausted && why != schedule.BreakerOpen {
		return
	}
	c.refused = true
	c.keep("Refused", func() { c.hooks.Refused(&c.call, watch.Refused{Attempt: attempt, Why: why}) })
}

// End tells the hooks that the call has ended. The lock is not held.
func (c *Call) End(e watch.CallEnd) {
	if c == nil {
		return
	}
	if c.hooks.CallEnds != nil {
		c.keep("CallEnds", func() { c.hooks.CallEnds(&c.call, e) })
	}
	c.Tell()
}

// HasVeto reports whether Veto asks a hook.
func (c *Call) HasVeto() bool { return c != nil && c.hooks.Veto != nil }

// Veto tells the hooks what was kept, and asks them for a veto. The lock is not held.
func (c *Call) Veto(attempt int) (err error) {
	c.Tell()
	c.telling <- struct{}{}
	defer func() { <-c.telling }()
	guard(c.panicked, "Veto", func() { err = c.hooks.Veto(&c.call, attempt) })
	return err
}

// Tell tells the hooks what was kept. When it returns, they know. The lock is not held.
func (c *Call) Tell() {
	if c == nil {
		return
	}
	c.telling <- struct{}{}
	defer func() { <-c.telling }()
	for {
		c.mu.Lock()
		queue := c.queue
		c.queue = nil
		c.mu.Unlock()
		if queue == nil {
			return
		}
		for _, hook := range queue {
			hook()
		}
	}
}
