package otel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/rpcconv"

	"github.com/eddyrpc/eddy/internal/figures"
	"github.com/eddyrpc/eddy/watch"
)

// meters are the instruments.
type meters struct {
	labels *figures.Labels

	calls    metric.Float64Histogram
	attempts metric.Float64Histogram
	retries  metric.Int64Histogram
	hedges   metric.Int64Histogram
	delays   metric.Float64Histogram
	refusals metric.Int64Counter
	lates    metric.Int64Counter
	requests metric.Float64Histogram
	queued   metric.Float64Histogram
}

// other is the name of what is beyond a limit.
const other = "_OTHER"

// must returns an instrument. An error, which only another instrument with the same name could
// cause, goes to OpenTelemetry's handler of errors.
func must[T any](instrument T, err error) T {
	if err != nil {
		otel.Handle(err)
	}
	return instrument
}

func newMeters(m metric.Meter) *meters {
	seconds := func(name, description string) metric.Float64Histogram {
		return must(m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
			metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10)))
	}
	few := func(name, unit, description string) metric.Int64Histogram {
		return must(m.Int64Histogram(name, metric.WithUnit(unit), metric.WithDescription(description),
			metric.WithExplicitBucketBoundaries(1, 2, 3, 4, 5)))
	}
	count := func(name, unit, description string) metric.Int64Counter {
		return must(m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description)))
	}
	return &meters{
		labels:   figures.NewLabels(),
		calls:    must(rpcconv.NewClientCallDuration(m)).Inst(),
		attempts: seconds("eddy.client.attempt.duration", "How long attempts waited, from when they were written."),
		retries:  few("eddy.client.call.retries", "{retry}", "Number of retries during the call. 0 is not reported."),
		hedges:   few("eddy.client.call.hedges", "{hedge}", "Number of hedges during the call. 0 is not reported."),
		delays:   seconds("eddy.client.call.retry_delay", "Pauses between the attempts of a call that has more than one."),
		refusals: count("eddy.client.attempt.refused", "{attempt}", "Number of attempts that a budget, a breaker or a veto refused."),
		lates:    count("eddy.client.late_replies", "{reply}", "Number of replies that came after the timeout of their attempt."),
		requests: must(rpcconv.NewServerCallDuration(m)).Inst(),
		queued:   seconds("eddy.server.queue_time", "Time from when a request was read until its handler began."),
	}
}

// of returns the attributes of a call, and room for three more.
func (m *meters) of(c *watch.Call) []attribute.KeyValue {
	dest, typ := m.labels.Of(c.Dest, c.Type)
	if dest == "" && typ == "" {
		dest, typ = other, other
	}
	return append(make([]attribute.KeyValue, 0, 6), system, semconv.RPCMethod(typ), semconv.ServerAddress(dest))
}

// with adds the attribute error.type, if there is an error.
func (m *meters) with(attributes []attribute.KeyValue, o figures.Outcome) metric.MeasurementOption {
	what := o.Error()
	if o.Kind == figures.ErrorReply {
		if name, shown := m.labels.Code(o.Code); !shown {
			what = other
		} else {
			what = name
		}
		attributes = append(attributes, semconv.RPCResponseStatusCode(what))
	}
	if what != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(what))
	}
	return metric.WithAttributes(attributes...)
}

func (m *meters) late(ctx context.Context, c *watch.Call) {
	m.lates.Add(ctx, 1, metric.WithAttributes(m.of(c)...))
}

func (m *meters) refused(ctx context.Context, c *watch.Call, why string) {
	m.refusals.Add(ctx, 1, metric.WithAttributes(append(m.of(c), reasonKey.String(why))...))
}

func (m *meters) call(c *watch.Call, k *call, e watch.CallEnd, o figures.Outcome, took time.Duration) {
	of := m.of(c)
	if m.calls.Enabled(k.ctx) {
		m.calls.Record(k.ctx, took.Seconds(), m.with(of, o))
	}
	for i, a := range e.Attempts {
		if outcome := k.OfAttempt(c, e, i+1); m.attempts.Enabled(k.ctx) {
			m.attempts.Record(k.ctx, a.Waited.Seconds(), m.with(append(of, outcomeKey.String(string(outcome.Kind))), outcome))
		}
	}
	if len(e.Attempts) < 2 {
		return
	}
	same := metric.WithAttributes(of...)
	if k.Retries > 0 {
		m.retries.Record(k.ctx, int64(k.Retries), same)
	}
	if k.Hedges > 0 {
		m.hedges.Record(k.ctx, int64(k.Hedges), same)
	}
	m.delays.Record(k.ctx, k.Paused.Seconds(), same)
}

func (m *meters) request(ctx context.Context, r *watch.Request, e watch.RequestEnd, o figures.Outcome) {
	of := append(make([]attribute.KeyValue, 0, 4), system, semconv.RPCMethod(figures.Label(r.Type)))
	if m.queued.Enabled(ctx) {
		m.queued.Record(ctx, r.Queued.Seconds(), metric.WithAttributes(of...))
	}
	if m.requests.Enabled(ctx) {
		m.requests.Record(ctx, (r.Queued + e.Took).Seconds(), m.with(of, o))
	}
}
