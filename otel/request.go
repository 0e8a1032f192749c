package otel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/eddyrpc/eddy/internal/figures"
	"github.com/eddyrpc/eddy/watch"
)

// A request is what the hooks keep with a request.
type request struct {
	ctx  context.Context // with span
	span trace.Span
}

func (o *observer) requestBegins(ctx context.Context, r *watch.Request) context.Context {
	if r.Traceparent != "" {
		ctx = carrier.Extract(ctx, propagation.MapCarrier{traceparent: r.Traceparent})
	}
	typ := figures.Label(r.Type)
	attributes := append(make([]attribute.KeyValue, 0, 5), system, semconv.RPCMethod(typ),
		srcKey.String(figures.Label(r.Src)), queueTimeKey.Float64(r.Queued.Seconds()))
	if !r.OneWay {
		attributes = append(attributes, idKey.Int64(r.ID))
	}
	ctx, span := o.tracer.Start(ctx, typ, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithTimestamp(time.Now().Add(-r.Queued)), trace.WithAttributes(attributes...))
	r.Data = &request{ctx, span}
	return ctx
}

func (o *observer) requestEnds(r *watch.Request, e watch.RequestEnd) {
	k := r.Data.(*request)
	outcome := figures.OfRequest(e)
	setError(k.span, outcome, "")
	o.meters.request(k.ctx, r, e, outcome)
	k.span.End()
}
