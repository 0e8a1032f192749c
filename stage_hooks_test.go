package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/watch"
)

var errVeto = errors.New("not today")

type userKey struct{}

// hooks returns hooks that note what they are told. They veto the attempt veto, unless it is 0.
func hooks(n *eddy.Node, notes *lockedBuffer, veto int) *watch.Hooks {
	start := time.Now()
	note := func(format string, args ...any) {
		fmt.Fprintf(notes, "%v %s\n", time.Since(start), fmt.Sprintf(format, args...))
	}
	var calls atomic.Int64
	return &watch.Hooks{
		CallBegins: func(ctx context.Context, c *watch.Call) {
			call := calls.Add(1)
			c.Data, c.Traceparent = call, fmt.Sprintf("00-%032d-%016d-01", call, call)
			n.Stats() // a hook may use the node
			text := fmt.Sprintf("call %d begins: %s to %s", call, c.Type, c.Dest)
			if c.For != nil {
				text += fmt.Sprintf(", for %s %d of %s (%v, %v)", c.For.Type, c.For.ID, c.For.Src, c.For.Data, ctx.Value(userKey{}))
			}
			note("%s", text)
		},
		Sent: func(c *watch.Call, s watch.Sent) {
			note("call %v: attempt %d sent, msg_id %d, waited %v, after %v", c.Data, s.Attempt, s.ID, s.Waited, s.After)
		},
		Failed: func(c *watch.Call, f watch.Failed) {
			note("call %v: attempt %d failed, msg_id %d, waited %v: %v; again %t in %v, why %q", c.Data, f.Attempt, f.ID, f.Waited, f.Err, f.Next.Again, f.Next.In, f.Next.Why)
		},
		Late: func(c *watch.Call, l watch.Late) {
			note("call %v: late reply to attempt %d, msg_id %d, waited %v, ignored %t", c.Data, l.Attempt, l.ID, l.Waited, l.Ignored)
		},
		Refused: func(c *watch.Call, r watch.Refused) {
			note("call %v: attempt %d refused: %v", c.Data, r.Attempt, r.Why)
		},
		Veto: func(c *watch.Call, attempt int) error {
			if attempt != veto {
				return nil
			}
			note("call %v: attempt %d vetoed", c.Data, attempt)
			return errVeto
		},
		CallEnds: func(c *watch.Call, e watch.CallEnd) {
			note("call %v ends: reply %s to attempt %d, error %v, definite %t", c.Data, e.Reply, e.Answered, e.Err, e.Definite)
			for i, a := range e.Attempts {
				written := "never"
				if !a.Written.IsZero() {
					written = "at " + a.Written.Sub(start).String()
				}
				note("  attempt %d: msg_id %d, written %s, waited %v, timed out %t, answered %t", i+1, a.ID, written, a.Waited, a.TimedOut, a.Answered)
			}
		},
		RequestBegins: func(ctx context.Context, r *watch.Request) context.Context {
			r.Data = "request of " + r.Src
			note("%s %d of %s begins, queued %v, one-way %t, traceparent %q", r.Type, r.ID, r.Src, r.Queued, r.OneWay, r.Traceparent)
			return context.WithValue(ctx, userKey{}, "value of "+r.Type)
		},
		RequestEnds: func(r *watch.Request, e watch.RequestEnd) {
			note("%s %d (%v) ends: took %v, replied %t, failed %t, code %d", r.Type, r.ID, r.Data, e.Took, e.Replied, e.Failed, e.Code)
		},
	}
}
