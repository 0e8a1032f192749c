package otel_test

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/otel"
)

// n1 calls n2, and the first attempt is lost. The spans of the attempts say which one was
// answered.
func ExampleHooks() {
	exporter := tracetest.NewInMemoryExporter() // or one that sends the spans to a collector
	provider := trace.NewTracerProvider(trace.WithSyncer(exporter))
	n1 := &eddy.Node{Hooks: otel.Hooks(otel.Config{TracerProvider: provider})}
	n2 := &eddy.Node{}
	n2.HandleInline("hello", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{"text":"hi"}`), nil })

	net, end := network() // a network of package eddytest
	defer end()
	net.Start("n1", n1)
	net.Start("n2", n2)
	net.Lose("n1", "n2", 1)
	policy := &eddy.Policy{Timeout: 50 * time.Millisecond, Trace: true}
	n1.RPCWithRetry(context.Background(), "n2", eddy.Raw(`{"type":"hello"}`), policy)

	for _, span := range exporter.GetSpans() {
		attributes := attribute.NewSet(span.Attributes...)
		if number, ok := attributes.Value("eddy.attempt"); ok {
			outcome, _ := attributes.Value("eddy.outcome")
			fmt.Println(span.Name, number.AsInt64(), outcome.AsString())
		}
	}
	// Output:
	// attempt hello 1 timeout
	// attempt hello 2 ok
}
