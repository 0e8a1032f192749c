package otel_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/golden"
	"github.com/eddyrpc/eddy/otel"
	"github.com/eddyrpc/eddy/retry"
	"github.com/eddyrpc/eddy/watch"
)

// metered starts a node n1 on a network with a node n2. collect returns the metrics of n1.
func metered(t *testing.T) (net *eddytest.Net, n1 *eddy.Node, collect func() []metricdata.Metrics) {
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader), metric.WithCardinalityLimit(0))
	hooks := otel.Hooks(otel.Config{TracerProvider: tracenoop.NewTracerProvider(), MeterProvider: provider})
	veto := &watch.Hooks{Veto: func(c *watch.Call, _ int) error {
		if c.Type == "vetoed" {
			return errors.New("enough")
		}
		return nil
	}}
	net = eddytest.New(t, "n1", "n2")
	for _, name := range []string{"n2", "n1"} {
		n1 = &eddy.Node{}
		n1.HandleInline("echo", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
		n1.HandleInline("nap", func(context.Context, *eddy.Request) (any, error) {
			time.Sleep(250 * time.Millisecond)
			return eddy.Raw(`{}`), nil
		})
		n1.HandleInline("odd", func(_ context.Context, r *eddy.Request) (any, error) {
			code, _ := r.Body.Get("code").Int()
			return nil, eddy.Code(code)
		})
		if name == "n1" {
			n1.Hooks = watch.Join(veto, hooks)
		}
		net.Start(name, n1)
	}
	return net, n1, func() []metricdata.Metrics {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		return all.ScopeMetrics[0].Metrics
	}
}

// A series is one series of a metric: its attributes, and its value, or the number and the sum of
// what a histogram has.
type series struct {
	attributes attribute.Set
	value      string
}

// seriesOf returns the kind and the series of a metric.
func seriesOf(m metricdata.Metrics) (kind string, all []series) {
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			all = append(all, series{p.Attributes, fmt.Sprintf("%d, %.2f", p.Count, p.Sum)})
		}
		return "histogram", all
	case metricdata.Histogram[int64]:
		for _, p := range data.DataPoints {
			all = append(all, series{p.Attributes, fmt.Sprintf("%d, %d", p.Count, p.Sum)})
		}
		return "histogram", all
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			all = append(all, series{p.Attributes, fmt.Sprint(p.Value)})
		}
		return "counter", all
	}
	return "", nil
}

// Every metric has what happened, with the attributes of the conventions.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, n1, collect := metered(t)
		call := func(body string, policy *eddy.Policy) { n1.RPCWithRetry(t.Context(), "n2", eddy.Raw(body), policy) }
		call(`{"type":"odd","code":22}`, nil)
		call(`{"type":"odd","code":11}`, &eddy.Policy{Attempts: 2, RetryOn: []int{11}})
		net.Lose("n1", "n2", 1)
		call(`{"type":"echo"}`, &eddy.Policy{Timeout: time.Second, Backoff: retry.Backoff{Kind: retry.Constant, Base: 250 * time.Millisecond}})
		net.Lose("n1", "n2", 2)
		call(`{"type":"echo"}`, &eddy.Policy{Hedge: 20 * time.Millisecond})
		net.Delay("n2", "n1", 700*time.Millisecond)
		call(`{"type":"echo"}`, nil)
		net.Cut("n1", "n2")
		call(`{"type":"vetoed"}`, nil)
		breaker := &eddy.Policy{Attempts: 1, Breaker: retry.Breaker{Failures: 1, Open: time.Minute}}
		call(`{"type":"read"}`, breaker)
		call(`{"type":"read"}`, breaker)
		call(`{"type":"write"}`, &eddy.Policy{Attempts: 2, Budget: retry.Budget{Ratio: 0.01, PerSecond: 0.001}})
		c := net.Client("c1")
		c.Request("n1", `{"type":"nap"}`)
		c.Call("n1", `{"type":"echo"}`) // which waits for the handler before
		c.Call("n1", `{"type":"odd","code":1234}`)
		synctest.Wait()
		source, err := os.ReadFile("otel.go")
		if err != nil {
			t.Fatal(err)
		}
		var got, table strings.Builder
		got.WriteByte('\n')
		table.WriteString("| metric | kind | unit | attributes | what it shows |\n|---|---|---|---|---|\n")
		for _, m := range collect() {
			kind, all := seriesOf(m)
			var lines, names []string
			for _, s := range all {
				line := m.Name
				for _, a := range s.attributes.ToSlice() {
					if name := "`" + string(a.Key) + "`"; !slices.Contains(names, name) {
						names = append(names, name)
					}
					switch {
					case a.Key == "rpc.system.name" && a.Value.AsString() == "eddy":
					case a.Key == "server.address" && a.Value.AsString() == "n2":
					default:
						line += " " + a.Value.AsString()
					}
				}
				lines = append(lines, line+": "+s.value+"\n")
			}
			slices.Sort(lines)
			slices.Sort(names)
			got.WriteString(strings.Join(lines, ""))
			fmt.Fprintf(&table, "| `%s` | %s | `%s` | %s | %s |\n", m.Name, kind, m.Unit, strings.Join(names, ", "), m.Description)
		}
		if d := diff.Diff(`
rpc.client.call.duration echo: 3, 1.99
rpc.client.call.duration precondition-failed odd precondition-failed: 1, 0.00
rpc.client.call.duration refused read: 1, 0.00
rpc.client.call.duration temporarily-unavailable odd temporarily-unavailable: 1, 0.00
rpc.client.call.duration timeout read: 1, 0.50
rpc.client.call.duration timeout write: 1, 0.50
rpc.client.call.duration vetoed vetoed: 1, 0.50
eddy.client.attempt.duration error precondition-failed odd precondition-failed: 1, 0.00
eddy.client.attempt.duration error temporarily-unavailable odd temporarily-unavailable: 2, 0.00
eddy.client.attempt.duration ok echo: 3, 0.70
eddy.client.attempt.duration timeout timeout echo: 1, 1.00
eddy.client.attempt.duration timeout timeout read: 1, 0.50
eddy.client.attempt.duration timeout timeout vetoed: 1, 0.50
eddy.client.attempt.duration timeout timeout write: 1, 0.50
eddy.client.attempt.duration unanswered echo: 3, 0.24
eddy.client.call.retries echo: 2, 2
eddy.client.call.retries odd: 1, 1
eddy.client.call.hedges echo: 1, 2
eddy.client.call.retry_delay echo: 3, 0.25
eddy.client.call.retry_delay odd: 1, 0.00
eddy.client.attempt.refused breaker read: 1
eddy.client.attempt.refused budget write: 1
eddy.client.attempt.refused veto vetoed: 1
eddy.client.late_replies echo: 1
rpc.server.call.duration code 1234 odd code 1234: 1, 0.00
rpc.server.call.duration echo: 1, 0.25
rpc.server.call.duration init: 1, 0.00
rpc.server.call.duration nap: 1, 0.25
eddy.server.queue_time echo: 1, 0.25
eddy.server.queue_time init: 1, 0.00
eddy.server.queue_time nap: 1, 0.00
eddy.server.queue_time odd: 1, 0.00
`, got.String()); d != "" {
			t.Errorf("the metrics are (-want +got)\n%s", d)
		}
		for _, m := range collect() {
			if !strings.Contains(string(source), "//\t"+m.Name+" ") {
				t.Errorf("the comment of the package does not list %s", m.Name)
			}
		}
		golden.Section(t, "../docs/watching.md", "otel", table.String())
	})
}

// What strangers choose does not make the number of series grow without end.
func TestMetricsKeepLimitedNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, n1, collect := metered(t)
		for i := range 1500 {
			n1.Call(t.Context(), "n2", eddy.Raw(fmt.Sprintf(`{"type":"t%d"}`, i)), nil, func(eddy.Result) {})
		}
		c := net.Client("c1")
		for i := range 150 {
			c.Call("n1", fmt.Sprintf(`{"type":"odd","code":%d}`, 2000+i))
		}
		synctest.Wait()
		for _, m := range collect() {
			_, all := seriesOf(m)
			switch m.Name {
			case "rpc.client.call.duration":
				if len(all) != 1001 {
					t.Errorf("%d pairs of destination and type, want 1001", len(all))
				}
				for _, s := range all {
					if typ, _ := s.attributes.Value("rpc.method"); (typ.AsString() == "_OTHER") != (s.value == "500, 0.00") {
						t.Errorf("the type %s has %s", typ.AsString(), s.value)
					}
				}
			case "rpc.server.call.duration":
				if len(all) != 102 {
					t.Errorf("%d codes, want 101 and that of init", len(all))
				}
				for _, s := range all {
					if what, _ := s.attributes.Value("error.type"); (what.AsString() == "_OTHER") != (s.value == "50, 0.00") {
						t.Errorf("the code %s has %s", what.AsString(), s.value)
					}
				}
			}
		}
	})
}
