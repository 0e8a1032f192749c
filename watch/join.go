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

// each calls f for each of the Hooks. Meanwhile data is what they keep.
func (j joined) each(data *any, f func(h *Hooks)) {
	all, ok := (*data).([]any)
	if !ok {
		all = make([]any, len(j))
	}
	for i, h := range j {
		*data = all[i]
		f(h)
		all[i] = *data
	}
	*data = all
}

func (j joined) callBegins(ctx context.Context, c *Call) {
	j.each(&c.Data, func(h *Hooks) {
		if h.CallBegins != nil {
			h.CallBegins(ctx, c)
		}
	})
}

func (j joined) sent(c *Call, s Sent) {
	j.each(&c.Data, func(h *Hooks) {
		if h.Sent != nil {
			h.Sent(c, s)
		}
	})
}

func (j joined) failed(c *Call, f Failed) {
	j.each(&c.Data, func(h *Hooks) {
		if h.Failed != nil {
			h.Failed(c, f)
		}
	})
}

func (j joined) late(c *Call, l Late) {
	j.each(&c.Data, func(h *Hooks) {
		if h.Late != nil {
			h.Late(c, l)
		}
	})
}

func (j joined) refused(c *Call, r Refused) {
	j.each(&c.Data, func(h *Hooks) {
		if h.Refused != nil {
			h.Refused(c, r)
		}
	})
}

func (j joined) veto(c *Call, attempt int) (err error) {
	j.each(&c.Data, func(h *Hooks) {
		if err == nil && h.Veto != nil {
			err = h.Veto(c, attempt)
		}
	})
	return err
}

func (j joined) callEnds(c *Call, e CallEnd) {
	j.each(&c.Data, func(h *Hooks) {
		if h.CallEnds != nil {
			h.CallEnds(c, e)
		}
	})
}

func (j joined) requestBegins(ctx context.Context, r *Request) context.Context {
	j.each(&r.Data, func(h *Hooks) {
		if h.RequestBegins != nil {
			ctx = h.RequestBegins(ctx, r)
		}
	})
	return ctx
}

func (j joined) requestEnds(r *Request, e RequestEnd) {
	j.each(&r.Data, func(h *Hooks) {
		if h.RequestEnds != nil {
			h.RequestEnds(r, e)
		}
	})
}
