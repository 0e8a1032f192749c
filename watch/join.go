package watch

import "context"

// Join returns Hooks that call the functions of all of these, in their order, each with its own
// Data. If several set Traceparent, the last one counts. An attempt is vetoed by the first error.
// Hooks that are nil are left out.
func Join(all ...*Hooks) *Hooks {
	joined := joined{}
	for _, h := range all {
		if h != nil {
			joined = append(joined, h)
		}
	}
	return &Hooks{
		CallBegins: joined.callBegins, Sent: joined.sent, Failed: joined.failed, Late: joined.late,
		Refused: joined.refused, Veto: joined.veto, CallEnds: joined.callEnds,
		RequestBegins: joined.requestBegins, RequestEnds: joined.requestEnds,
	}
}

type joined []*Hooks

// each calls f for each of the Hooks. Meanwhile Data of the call, and of its request, are what they
// keep.
func (j joined) each(c *Call, f func(h *Hooks)) {
	all, ok := c.Data.([]any)
	if !ok {
		all = make([]any, len(j))
	}
	request := c.For
	for i, h := range j {
		if c.Data = all[i]; request != nil {
			own := *request // others may read it now
			own.Data = j.kept(request)[i]
			c.For = &own
		}
		f(h)
		all[i] = c.Data
	}
	c.Data, c.For = all, request
}

// kept returns what each of the Hooks keeps with a request.
func (j joined) kept(r *Request) []any {
	if all, ok := r.Data.([]any); ok {
		return all
	}
	return make([]any, len(j))
}

func (j joined) callBegins(ctx context.Context, c *Call) {
	j.each(c, func(h *Hooks) {
		if h.CallBegins != nil {
			h.CallBegins(ctx, c)
		}
	})
}

func (j joined) sent(c *Call, s Sent) {
	j.each(c, func(h *Hooks) {
		if h.Sent != nil {
			h.Sent(c, s)
		}
	})
}

func (j joined) failed(c *Call, f Failed) {
	j.each(c, func(h *Hooks) {
		if h.Failed != nil {
			h.Failed(c, f)
		}
	})
}

func (j joined) late(c *Call, l Late) {
	j.each(c, func(h *Hooks) {
		if h.Late != nil {
			h.Late(c, l)
		}
	})
}

func (j joined) refused(c *Call, r Refused) {
	j.each(c, func(h *Hooks) {
		if h.Refused != nil {
			h.Refused(c, r)
		}
	})
}

func (j joined) veto(c *Call, attempt int) (err error) {
	j.each(c, func(h *Hooks) {
		if err == nil && h.Veto != nil {
			err = h.Veto(c, attempt)
		}
	})
	return err
}

func (j joined) callEnds(c *Call, e CallEnd) {
	j.each(c, func(h *Hooks) {
		if h.CallEnds != nil {
			h.CallEnds(c, e)
		}
	})
}

func (j joined) requestBegins(ctx context.Context, r *Request) context.Context {
	all := make([]any, len(j))
	for i, h := range j {
		if h.RequestBegins != nil {
			r.Data = nil
			ctx = h.RequestBegins(ctx, r)
			all[i] = r.Data
		}
	}
	r.Data = all
	return ctx
}

func (j joined) requestEnds(r *Request, e RequestEnd) {
	for i, h := range j {
		if h.RequestEnds != nil {
			own := *r // calls that were made for it may read it now
			own.Data = j.kept(r)[i]
			h.RequestEnds(&own, e)
		}
	}
}
