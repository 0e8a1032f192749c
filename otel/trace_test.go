package otel_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	diff "github.com/google/go-cmp/cmp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/golden"
	"github.com/eddyrpc/eddy/otel"
	"github.com/eddyrpc/eddy/retry"
	"github.com/eddyrpc/eddy/watch"
)

// A traced is a test with the nodes n1, n2 and n3, whose spans it keeps.
type traced struct {
	t        *testing.T
	net      *eddytest.Net
	nodes    map[string]*eddy.Node
	exporter *tracetest.InMemoryExporter
	provider trace.TracerProvider
	begun    time.Time
}

func newTraced(t *testing.T, others ...*watch.Hooks) *traced {
	exporter := tracetest.NewInMemoryExporter()
	tr := &traced{t, eddytest.New(t, "n1", "n2", "n3"), map[string]*eddy.Node{}, exporter,
		sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)), time.Now()}
	for _, name := range []string{"n1", "n2", "n3"} {
		hooks := otel.Hooks(otel.Config{TracerProvider: tr.provider, MeterProvider: metricnoop.NewMeterProvider()})
		n := &eddy.Node{Hooks: watch.Join(append(others, hooks)...)}
		n.HandleInline("echo", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
		n.HandleInline("refuse", func(context.Context, *eddy.Request) (any, error) { return nil, eddy.Errorf(1234, "not today") })
		n.HandleInline("busy", func(context.Context, *eddy.Request) (any, error) { return nil, eddy.TemporarilyUnavailable })
		n.HandleInline("nap", func(context.Context, *eddy.Request) (any, error) {
			time.Sleep(250 * time.Millisecond)
			return eddy.Raw(`{}`), nil
		})
		n.Handle("forward", func(ctx context.Context, _ *eddy.Request) (any, error) {
			return n.RPC(ctx, "n3", eddy.Raw(`{"type":"echo"}`))
		})
		tr.net.Start(name, n)
		tr.nodes[name] = n
	}
	exporter.Reset() // what init made
	return tr
}

// call makes a call from n1 to n2.
func (tr *traced) call(ctx context.Context, typ string, policy *eddy.Policy) error {
	_, _, err := tr.nodes["n1"].RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"`+typ+`"}`), policy)
	return err
}

// want compares the spans that have ended with a text: a line for each, below its parent, with
// when it began and ended, in milliseconds, and what is special.
func (tr *traced) want(want string) {
	tr.t.Helper()
	synctest.Wait()
	spans := tr.exporter.GetSpans()
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int {
		return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name+details(a), b.Name+details(b)))
	})
	var text strings.Builder
	var show func(parent trace.SpanID, indent string)
	show = func(parent trace.SpanID, indent string) {
		for _, s := range spans {
			if s.Parent.SpanID() == parent {
				fmt.Fprintf(&text, "%s%s %s %d-%d%s\n", indent, s.Name, s.SpanKind, s.StartTime.Sub(tr.begun).Milliseconds(), s.EndTime.Sub(tr.begun).Milliseconds(), details(s))
				show(s.SpanContext.SpanID(), indent+"  ")
			}
		}
	}
	show(trace.SpanID{}, "")
	if d := diff.Diff(strings.TrimPrefix(want, "\n"), text.String()); d != "" {
		tr.t.Errorf("the spans are (-want +got)\n%s", d)
	}
	tr.exporter.Reset()
}

// rank is the place of a span among those that begin at the same time: requests come last.
func rank(s tracetest.SpanStub) int {
	return slices.Index([]trace.SpanKind{trace.SpanKindInternal, trace.SpanKindClient, trace.SpanKindServer}, s.SpanKind)
}

// details returns the attributes of a span except those that every span has, its status and its
// events.
func details(s tracetest.SpanStub) string {
	var text strings.Builder
	for _, a := range s.Attributes {
		if a.Key == "rpc.system.name" && a.Value.AsString() == "eddy" ||
			a.Key == "rpc.method" && strings.HasSuffix(s.Name, a.Value.AsString()) ||
			a.Key == "server.address" && a.Value.AsString() == "n2" || a.Key == "eddy.queue_time" && a.Value.AsFloat64() == 0 {
			continue
		}
		fmt.Fprintf(&text, " %s=%s", strings.TrimPrefix(string(a.Key), "eddy."), a.Value)
	}
	if s.Status.Code != 0 {
		fmt.Fprintf(&text, " %s(%s)", s.Status.Code, s.Status.Description)
	}
	for _, e := range s.Events {
		fmt.Fprintf(&text, " [%s", e.Name)
		for _, a := range e.Attributes {
			fmt.Fprintf(&text, " %s=%s", strings.TrimPrefix(string(a.Key), "eddy."), a.Value)
		}
		text.WriteString("]")
	}
	return text.String()
}

// The first attempt is lost. The trace shows that the second one was answered, and goes on in
// the node that is called, and in the call that its handler makes.
func TestTraceOfALostAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t)
		tr.net.Lose("n1", "n2", 1)
		if err := tr.call(t.Context(), "forward", &eddy.Policy{Trace: true}); err != nil {
			t.Fatal(err)
		}
		want := `
forward client 0-500 attempts=2 answered_attempt=2
  attempt forward internal 0-500 attempt=1 msg_id=1 outcome=timeout error.type=timeout Error()
  attempt forward internal 500-500 attempt=2 msg_id=2 outcome=ok
  forward server 500-500 src=n1 msg_id=2
    echo client 500-500 server.address=n3 attempts=1 answered_attempt=1
      attempt echo internal 500-500 server.address=n3 attempt=1 msg_id=1 outcome=ok
echo server 500-500 src=n2 msg_id=1
`
		tr.want(want)
		golden.Section(t, "../docs/watching.md", "trace", strings.ReplaceAll(want[:strings.LastIndex(want, "\necho")], "\n", "\n    ")+"\n\n")
	})
}

// A call is a child of the span in its context. Without Trace in its policy, no field is sent.
func TestTraceStaysInTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t)
		ctx, span := tr.provider.Tracer("test").Start(t.Context(), "program")
		tr.call(ctx, "echo", nil)
		span.End()
		tr.want(`
program internal 0-0
  echo client 0-0 attempts=1 answered_attempt=1
    attempt echo internal 0-0 attempt=1 msg_id=1 outcome=ok
echo server 0-0 src=n1 msg_id=1
`)
		if body := string(tr.net.Journal()[len(tr.net.Journal())-2].Message.Body); strings.Contains(body, "traceparent") {
			t.Errorf("the body is %s", body)
		}
	})
}

// A reply to the first attempt comes while the second one waits.
func TestTraceOfALateReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t)
		tr.net.Delay("n2", "n1", 700*time.Millisecond)
		tr.call(t.Context(), "echo", nil)
		tr.want(`
echo client 0-700 attempts=2 answered_attempt=1 [late reply attempt=1 msg_id=1 ignored=false]
  attempt echo internal 0-700 attempt=1 msg_id=1 outcome=ok late=true
  attempt echo internal 500-700 attempt=2 msg_id=2 outcome=unanswered
echo server 0-0 src=n1 msg_id=1
echo server 500-500 src=n1 msg_id=2
`)
		tr.call(t.Context(), "echo", &eddy.Policy{Attempts: 2, Late: retry.Ignore})
		tr.want(`
echo client 700-1700 attempts=2 definite=false error.type=timeout Error(RPC failed after 2 attempts) [late reply attempt=1 msg_id=3 ignored=true]
  attempt echo internal 700-1200 attempt=1 msg_id=3 outcome=timeout late=true error.type=timeout Error()
  attempt echo internal 1200-1700 attempt=2 msg_id=4 outcome=timeout error.type=timeout Error()
echo server 700-700 src=n1 msg_id=3
echo server 1200-1200 src=n1 msg_id=4
`)
	})
}

// Error replies have their code, of the attempts too that were sent again.
func TestTraceOfErrorReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t)
		tr.call(t.Context(), "refuse", nil)
		tr.want(`
refuse client 0-0 attempts=1 answered_attempt=1 definite=false error.type=code 1234 rpc.response.status_code=code 1234 Error(RPC to n2 failed: not today (code 1234))
  attempt refuse internal 0-0 attempt=1 msg_id=1 outcome=error error.type=code 1234 rpc.response.status_code=code 1234 Error()
refuse server 0-0 src=n1 msg_id=1 error.type=code 1234 rpc.response.status_code=code 1234 Error()
`)
		tr.call(t.Context(), "busy", &eddy.Policy{Attempts: 2, RetryOn: []int{11}, Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Second}})
		tr.want(`
busy client 0-1000 attempts=2 answered_attempt=2 definite=true error.type=temporarily-unavailable rpc.response.status_code=temporarily-unavailable Error(RPC to n2 failed after 2 attempts: temporarily-unavailable (temporarily-unavailable))
  attempt busy internal 0-0 attempt=1 msg_id=2 outcome=error error.type=temporarily-unavailable rpc.response.status_code=temporarily-unavailable Error()
  attempt busy internal 1000-1000 attempt=2 msg_id=3 outcome=error error.type=temporarily-unavailable rpc.response.status_code=temporarily-unavailable Error()
busy server 0-0 src=n1 msg_id=2 error.type=temporarily-unavailable rpc.response.status_code=temporarily-unavailable Error()
busy server 1000-1000 src=n1 msg_id=3 error.type=temporarily-unavailable rpc.response.status_code=temporarily-unavailable Error()
`)
	})
}

// A hedge is no timeout of the attempt before it.
func TestTraceOfAHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t)
		tr.net.Lose("n1", "n2", 1)
		tr.call(t.Context(), "echo", &eddy.Policy{Hedge: 20 * time.Millisecond})
		tr.want(`
echo client 0-20 attempts=2 answered_attempt=2
  attempt echo internal 0-20 attempt=1 msg_id=1 outcome=unanswered
  attempt echo internal 20-20 attempt=2 msg_id=2 outcome=ok
echo server 20-20 src=n1 msg_id=2
`)
	})
}

// Calls that end without a reply say why.
func TestTraceOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t, &watch.Hooks{Veto: func(c *watch.Call, _ int) error {
			if c.Type == "vetoed" {
				return errors.New("enough\xff")
			}
			return nil
		}})
		tr.net.Cut("n1", "n2")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		tr.call(ctx, "echo", nil)
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		tr.call(ctx, "echo", nil)
		breaker := &eddy.Policy{Attempts: 3, Breaker: retry.Breaker{Failures: 2, Open: time.Minute}}
		tr.call(t.Context(), "echo", breaker)
		tr.call(t.Context(), "echo", breaker)
		tr.call(t.Context(), "vetoed", nil)
		tr.nodes["n1"].RPC(t.Context(), "", eddy.Raw(`{"type":"echo"}`))
		tr.want(`
echo client 0-100 attempts=1 definite=false error.type=timeout Error(RPC failed after 1 attempts: deadline passed)
  attempt echo internal 0-100 attempt=1 msg_id=1 outcome=unanswered
echo client 100-200 attempts=1 definite=false error.type=canceled Error(RPC to n2 failed: context canceled)
  attempt echo internal 100-200 attempt=1 msg_id=2 outcome=unanswered
echo client 200-1200 attempts=2 definite=false error.type=timeout Error(RPC failed after 2 attempts: attempt refused by the circuit breaker) [attempt refused reason=breaker]
  attempt echo internal 200-700 attempt=1 msg_id=3 outcome=timeout error.type=timeout Error()
  attempt echo internal 700-1200 attempt=2 msg_id=4 outcome=timeout error.type=timeout Error()
echo client 1200-1200 attempts=0 definite=true error.type=refused Error(RPC to n2 failed before it was sent: temporarily-unavailable; attempt refused by the circuit breaker) [attempt refused reason=breaker]
vetoed client 1200-1700 attempts=1 definite=false error.type=vetoed Error(RPC to n2 failed: enough�) [attempt refused reason=veto]
  attempt vetoed internal 1200-1700 attempt=1 msg_id=5 outcome=timeout error.type=timeout Error()
echo client 1700-1700 server.address= attempts=0 definite=true error.type=not_sent Error(RPC to  failed before it was sent: dest is empty)
`)
	})
}

// The span of a request begins when the node has read it.
func TestTraceOfAQueuedRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t)
		c := tr.net.Client("c1")
		c.Request("n1", `{"type":"nap"}`)
		c.Call("n1", `{"type":"echo"}`) // which waits for the handler before
		tr.want(`
echo server 0-250 src=c1 queue_time=0.25 msg_id=2
nap server 0-250 src=c1 msg_id=1
`)
	})
}

// What is no traceparent begins another trace.
func TestBadTraceparent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t)
		c := tr.net.Client("c1")
		const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		for _, field := range []string{`"` + parent + `"`, `"00-0"`, `7`, `"` + strings.Repeat("0", 1<<20) + `"`} {
			tr.exporter.Reset()
			c.Call("n1", `{"type":"echo","traceparent":`+field+`}`)
			synctest.Wait()
			span := tr.exporter.GetSpans()[0]
			if got := span.Parent.TraceID().String() == strings.Split(parent, "-")[1] && span.Parent.IsRemote(); got != (strings.Contains(field, parent)) {
				t.Errorf("with %.100s the parent is %v", field, span.Parent)
			}
		}
		tr.want(`
echo server 0-0 src=c1 msg_id=4
`)
	})
}

// Names that are very long, or not UTF-8, are shown as what an exporter can send.
func TestTraceOfAnyName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t)
		tr.net.Client("c"+strings.Repeat("é", 1000)).Send("n1", `{"type":"echo"}`)
		synctest.Wait()
		if got := details(tr.exporter.GetSpans()[0]); got != " src=c"+strings.Repeat("é", 99)+"\uFFFD" {
			t.Errorf("the request has%s", got)
		}
	})
}
