package otel

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/eddyrpc/eddy/internal/figures"
	"github.com/eddyrpc/eddy/watch"
)

// A call is what the hooks keep with a call.
type call struct {
	*figures.Tally
	ctx      context.Context // with span
	span     trace.Span
	attempts []attempt // in order; none if the span is not recorded
}

type attempt struct {
	span   trace.Span
	failed time.Time // its timeout or its error reply; zero if there is none
	late   bool      // its reply came after its timeout
}

// carrier is the propagation of a trace in the field "traceparent" of a body.
var carrier propagation.TraceContext

const traceparent = "traceparent"

func (o *observer) callBegins(ctx context.Context, c *watch.Call) {
	k := &call{Tally: figures.Begin()}
	typ := figures.Label(c.Type)
	k.ctx, k.span = o.tracer.Start(ctx, typ, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(k.Begun),
		trace.WithAttributes(system, semconv.RPCMethod(typ), semconv.ServerAddress(figures.Label(c.Dest))))
	if c.Policy != nil && c.Policy.Trace {
		fields := propagation.MapCarrier{}
		carrier.Inject(k.ctx, fields)
		c.Traceparent = fields[traceparent]
	}
	c.Data = k
}

func (o *observer) sent(c *watch.Call, s watch.Sent) {
	k := c.Data.(*call)
	k.Tally.Sent(c, s)
	if !k.span.IsRecording() {
		return
	}
	typ := figures.Label(c.Type)
	_, span := o.tracer.Start(k.ctx, "attempt "+typ,
		trace.WithAttributes(system, semconv.RPCMethod(typ), semconv.ServerAddress(figures.Label(c.Dest)),
			attemptKey.Int(s.Attempt), idKey.Int64(s.ID)))
	k.attempts = append(k.attempts, attempt{span: span})
}

func (o *observer) failed(c *watch.Call, f watch.Failed) {
	k := c.Data.(*call)
	k.Tally.Failed(f)
	if f.Attempt <= len(k.attempts) {
		k.attempts[f.Attempt-1].failed = time.Now()
	}
}

func (o *observer) late(c *watch.Call, l watch.Late) {
	k := c.Data.(*call)
	k.span.AddEvent("late reply", trace.WithAttributes(attemptKey.Int(l.Attempt), idKey.Int64(l.ID), ignoredKey.Bool(l.Ignored)))
	if l.Attempt <= len(k.attempts) {
		k.attempts[l.Attempt-1].late = true
	}
	o.meters.late(k.ctx, c)
}

func (o *observer) refused(c *watch.Call, r watch.Refused) {
	o.refusedBy(c, figures.Refuser(r))
}

func (o *observer) refusedBy(c *watch.Call, who string) {
	k := c.Data.(*call)
	k.span.AddEvent("attempt refused", trace.WithAttributes(reasonKey.String(who)))
	o.meters.refused(k.ctx, c, who)
}

func (o *observer) callEnds(c *watch.Call, e watch.CallEnd) {
	k := c.Data.(*call)
	outcome, now := figures.OfCall(e), time.Now()
	if outcome.Kind == figures.Vetoed {
		o.refusedBy(c, figures.Veto)
	}
	o.meters.call(c, k, e, outcome, now.Sub(k.Begun))
	for i := range k.attempts {
		k.attempts[i].end(k.OfAttempt(c, e, i+1), now)
	}
	if k.span.IsRecording() {
		k.span.SetAttributes(attemptsKey.Int(len(e.Attempts)))
		if e.Answered > 0 {
			k.span.SetAttributes(answeredKey.Int(e.Answered))
		}
		if e.Err != nil {
			k.span.SetAttributes(definiteKey.Bool(e.Definite))
			setError(k.span, outcome, strings.ToValidUTF8(e.Err.Error(), "\uFFFD"))
		}
	}
	k.span.End(trace.WithTimestamp(now))
}

// end ends the span of an attempt of a call that ends now.
func (a *attempt) end(o figures.Outcome, now time.Time) {
	a.span.SetAttributes(outcomeKey.String(string(o.Kind)))
	if a.late {
		a.span.SetAttributes(lateKey.Bool(true))
	}
	setError(a.span, o, "")
	if o.Error() != "" && !a.failed.IsZero() {
		now = a.failed
	}
	a.span.End(trace.WithTimestamp(now))
}
