// Package otel shows OpenTelemetry the calls and requests of a node, as traces and metrics.
//
//	var n eddy.Node
//	n.Hooks = otel.Hooks(otel.Config{})
//
// The traces and metrics go to the global providers, those that otel.SetTracerProvider and
// otel.SetMeterProvider of go.opentelemetry.io/otel have set, or to those in the [Config]. This
// writes the spans of a node to standard error, with the exporter in
// go.opentelemetry.io/otel/exporters/stdout/stdouttrace and the SDK in
// go.opentelemetry.io/otel/sdk/trace:
//
//	exporter, err := stdouttrace.New(stdouttrace.WithWriter(os.Stderr))
//	...
//	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
//	defer provider.Shutdown(context.Background())
//	n.Hooks = otel.Hooks(otel.Config{TracerProvider: provider})
//
// For other exporters see go.opentelemetry.io/otel. A test can read the spans from the
// InMemoryExporter of go.opentelemetry.io/otel/sdk/trace/tracetest; WithSyncer instead of
// WithBatcher hands it each span at once, when the call or the handler has ended. Standard output belongs to the messages of a node.
//
// A program that needs both packages called otel names one of them otherwise:
//
//	import eddyotel "github.com/eddyrpc/eddy/otel"
//
// # Traces
//
// A call has a span of kind client whose name is the type of its body. It is a child of the
// span in the context of the call. Each attempt has a span below it, from when the attempt was
// sent until it failed, its reply came or the call ended. The spans of the attempts end, and so
// are exported, when the call ends. A request has a span of kind server, from when the node read
// it until its handler and the callbacks that it left the reply to have returned. The context of
// the handler has this span, so the calls of the handler are children of it.
//
// A trace goes on in the node that is called only where the policy of the call says so, because
// the body then has the field "traceparent". Otherwise the span of the request begins another
// trace.
//
//	reply, attempts, err := n.RPCWithRetry(ctx, "n2", body, &eddy.Policy{Trace: true})
//
// Beside rpc.system.name ("eddy"), rpc.method (the type), server.address (the node that is
// called), rpc.response.status_code (the name of the code of an error reply) and error.type,
// spans have these attributes:
//
//	eddy.attempts          of a call: how many attempts were sent
//	eddy.answered_attempt  of a call: the number, from 1, of the attempt that was answered
//	eddy.definite          of a call that failed: whether it surely had no effect
//	eddy.attempt           of an attempt: its number
//	eddy.outcome           of an attempt: ok, error (reply), rejected (by RetryIf), timeout,
//	                       or unanswered (the call ended first)
//	eddy.late              of an attempt: its reply came after its timeout
//	eddy.msg_id            of an attempt and of a request: the msg_id, the same on both sides
//	eddy.src               of a request: the node or client that sent it
//	eddy.queue_time        of a request: the seconds until its handler began
//
// A call has an event "late reply" for each reply that came after the timeout of its attempt, with
// eddy.attempt, eddy.msg_id and eddy.ignored, and an event "attempt refused" with eddy.reason
// (budget, breaker or veto). If a call, an attempt or a request fails, the status of its span is
// an error. Then error.type is the name of the code of the error reply, or timeout, canceled,
// refused (by the breaker before the first attempt), vetoed, not_sent or rejected.
//
// # Metrics
//
// All have the attributes rpc.system.name and rpc.method, and those of calls server.address:
//
//	rpc.client.call.duration      calls, with retries; error.type
//	eddy.client.attempt.duration  attempts, from when they were written; eddy.outcome, error.type
//	eddy.client.call.retries      retries of a call, if there were any
//	eddy.client.call.hedges       hedges of a call, if there were any
//	eddy.client.call.retry_delay  pauses of a call with more than one attempt
//	eddy.client.attempt.refused   attempts that were refused; eddy.reason
//	eddy.client.late_replies      replies after the timeout of their attempt
//	rpc.server.call.duration      requests; error.type
//	eddy.server.queue_time        requests, until their handlers began
//
// The names that begin with rpc are those of OpenTelemetry's conventions for RPC, of which this
// is version 1.43. The others follow gRPC's proposal A96 with eddy in place of grpc. At most 1,000
// pairs of server.address and rpc.method are shown; both are "_OTHER" for the others.
package otel

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/eddyrpc/eddy/internal/figures"
	"github.com/eddyrpc/eddy/watch"
)

// A Config says where traces and metrics go. The zero value is ready to use.
type Config struct {
	// TracerProvider makes the spans. nil means the global one. To have no traces, set that
	// of go.opentelemetry.io/otel/trace/noop.
	TracerProvider trace.TracerProvider

	// MeterProvider makes the metrics. nil means the global one. To have no metrics, set that
	// of go.opentelemetry.io/otel/metric/noop.
	MeterProvider metric.MeterProvider
}

// Hooks returns hooks for the field Hooks of a node. Several nodes may have the same. Use
// [watch.Join] for a node that has other hooks too.
func Hooks(c Config) *watch.Hooks {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	const name = "github.com/eddyrpc/eddy/otel"
	o := &observer{
		tracer: c.TracerProvider.Tracer(name, trace.WithSchemaURL(semconv.SchemaURL)),
		meters: newMeters(c.MeterProvider.Meter(name, metric.WithSchemaURL(semconv.SchemaURL))),
	}
	return &watch.Hooks{
		CallBegins: o.callBegins, Sent: o.sent, Failed: o.failed, Late: o.late, Refused: o.refused,
		CallEnds: o.callEnds, RequestBegins: o.requestBegins, RequestEnds: o.requestEnds,
	}
}

// An observer makes spans and metrics.
type observer struct {
	tracer trace.Tracer
	meters *meters
}

var system = semconv.RPCSystemNameKey.String("eddy")

// The attributes that no convention has.
const (
	attemptsKey  = attribute.Key("eddy.attempts")
	answeredKey  = attribute.Key("eddy.answered_attempt")
	definiteKey  = attribute.Key("eddy.definite")
	attemptKey   = attribute.Key("eddy.attempt")
	outcomeKey   = attribute.Key("eddy.outcome")
	lateKey      = attribute.Key("eddy.late")
	ignoredKey   = attribute.Key("eddy.ignored")
	reasonKey    = attribute.Key("eddy.reason")
	idKey        = attribute.Key("eddy.msg_id")
	srcKey       = attribute.Key("eddy.src")
	queueTimeKey = attribute.Key("eddy.queue_time")
)

// setError sets the status of a span by an outcome. text is for people.
func setError(span trace.Span, o figures.Outcome, text string) {
	what := o.Error()
	if what == "" {
		return
	}
	span.SetAttributes(semconv.ErrorTypeKey.String(what))
	if o.Kind == figures.ErrorReply {
		span.SetAttributes(semconv.RPCResponseStatusCode(what))
	}
	span.SetStatus(codes.Error, text)
}
