package otel_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/metrics"
	"github.com/eddyrpc/eddy/otel"
	"github.com/eddyrpc/eddy/watch"
)

// BenchmarkCall is what hooks add to a call with one attempt, and to the request that it is made
// for. Both are of one node, which calls itself.
func BenchmarkCall(b *testing.B) {
	for _, hooks := range []struct {
		name string
		of   func(*eddy.Node) *watch.Hooks
	}{
		{"none", func(*eddy.Node) *watch.Hooks { return nil }},
		{"empty", func(*eddy.Node) *watch.Hooks { return nothing() }},
		{"metrics", func(n *eddy.Node) *watch.Hooks { return metrics.NewCalls(n).Hooks() }},
		{"otel-metrics", func(*eddy.Node) *watch.Hooks {
			meters := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
			return otel.Hooks(otel.Config{TracerProvider: tracenoop.NewTracerProvider(), MeterProvider: meters})
		}},
		{"otel-traces", func(*eddy.Node) *watch.Hooks { return traces(sdktrace.AlwaysSample()) }},
		{"otel-traces-not-sampled", func(*eddy.Node) *watch.Hooks { return traces(sdktrace.NeverSample()) }},
	} {
		b.Run(hooks.name, func(b *testing.B) {
			n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
			n.HandleInline("echo", func(_ context.Context, r *eddy.Request) (any, error) { return nil, r.ReplyAs("echo_ok", r.Body) })
			n.Hooks = hooks.of(n)
			ready, ended := make(chan bool), make(chan error, 1)
			n.OnInit(func(context.Context) error { close(ready); return nil })
			self := newSelf()
			go func() { ended <- n.Serve(context.Background(), self) }()
			<-ready
			policy, body := &eddy.Policy{Timeout: time.Minute}, eddy.Raw(`{"type":"echo","echo":"hi"}`)
			open := make(chan struct{}, 64)
			b.ReportAllocs()
			for b.Loop() {
				open <- struct{}{}
				err := n.Call(context.Background(), "n1", body, policy, func(r eddy.Result) {
					if r.Err != nil {
						b.Error(r.Err)
					}
					<-open
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			for range cap(open) { // until none is open
				open <- struct{}{}
			}
			self.end()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}

// A self is a transport on which a node reads what it has written.
type self struct {
	mu    sync.Mutex
	more  sync.Cond
	lines bytes.Buffer
	ended bool
}

func newSelf() *self {
	s := &self{}
	s.more.L = &s.mu
	s.lines.WriteString(`{"src":"c0","dest":"n1","body":{"type":"init","msg_id":4611686018427387904,"node_id":"n1","node_ids":["n1"]}}` + "\n")
	return s
}

func (s *self) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.more.Signal()
	return s.lines.Write(p)
}

func (s *self) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.lines.Len() == 0 && !s.ended {
		s.more.Wait()
	}
	return s.lines.Read(p)
}

func (s *self) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.more.Signal()
}

// nothing returns hooks that do nothing.
func nothing() *watch.Hooks {
	return &watch.Hooks{
		CallBegins:    func(context.Context, *watch.Call) {},
		Sent:          func(*watch.Call, watch.Sent) {},
		Failed:        func(*watch.Call, watch.Failed) {},
		Late:          func(*watch.Call, watch.Late) {},
		Refused:       func(*watch.Call, watch.Refused) {},
		CallEnds:      func(*watch.Call, watch.CallEnd) {},
		RequestBegins: func(ctx context.Context, _ *watch.Request) context.Context { return ctx },
		RequestEnds:   func(*watch.Request, watch.RequestEnd) {},
	}
}

// traces returns hooks whose spans go to an exporter that drops them.
func traces(s sdktrace.Sampler) *watch.Hooks {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithBatcher(dropped{}))
	return otel.Hooks(otel.Config{TracerProvider: provider, MeterProvider: metricnoop.NewMeterProvider()})
}

type dropped struct{}

func (dropped) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (dropped) Shutdown(context.Context) error                             { return nil }
