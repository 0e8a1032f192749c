package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.yaml.in/yaml/v3"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/golden"
	"github.com/eddyrpc/eddy/maelstrom"
	"github.com/eddyrpc/eddy/metrics"
	"github.com/eddyrpc/eddy/retry"
)

// registry returns a registry with these collectors.
func registry(collectors ...prometheus.Collector) *prometheus.Registry {
	r := prometheus.NewPedanticRegistry() // which checks what is collected against Describe
	r.MustRegister(collectors...)
	return r
}

// scrape returns what Prometheus reads.
func scrape(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// wantSeries checks that a text has these lines.
func wantSeries(t *testing.T, text string, want ...string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}

func echo() *eddy.Node {
	n := &eddy.Node{}
	n.Handle("forward", func(ctx context.Context, _ *eddy.Request) (any, error) {
		return n.RPC(ctx, "n9", eddy.Raw(`{"type":"echo"}`))
	})
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) { return nil, req.ReplyAs("echo_ok", req.Body) })
	return n
}

// A Collector shows what its nodes do.
func TestCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n1, n2, unnamed := echo(), echo(), echo()
		r := registry(metrics.New(n1, n2, unnamed))
		if text := scrape(t, r); text != "" {
			t.Errorf("before init: %s", text)
		}
		net := eddytest.New(t, "n1", "n2")
		net.Start("n1", n1)
		net.Start("n2", n2)
		for range 5 {
			if _, err := n1.RPC(t.Context(), "n2", eddy.Raw(`{"type":"echo"}`)); err != nil {
				t.Fatal(err)
			}
		}
		n1.RPCWithRetry(t.Context(), "n9", eddy.Raw(`{"type":"echo"}`), &eddy.Policy{Attempts: 2, Timeout: time.Second})
		net.Delay("n2", "n1", 1500*time.Millisecond)
		n1.RPCWithRetry(t.Context(), "n2", eddy.Raw(`{"type":"echo"}`), &eddy.Policy{Attempts: 2, Timeout: time.Second})
		client := net.Client("c1")
		client.Send("n2", `{"type":"unknown"}`)
		time.Sleep(time.Minute)
		wantSeries(t, scrape(t, r),
			`eddy_calls_total{node="n1",server_address="n2"} 6`,
			`eddy_calls_total{node="n1",server_address="n9"} 1`,
			`eddy_attempts_total{node="n1",server_address="n9"} 2`,
			`eddy_retries_total{node="n1",server_address="n9"} 1`,
			`eddy_failures_total{node="n1",server_address="n9"} 1`,
			`eddy_late_replies_total{node="n1",server_address="n2"} 1`,
			`eddy_retries_refused_total{node="n1",server_address="n9"} 0`,
			`eddy_messages_total{direction="out",node="n1"} 10`, // with init_ok
			`eddy_messages_total{direction="in",node="n2"} 9`,
			`eddy_dropped_total{node="n2",reason="no_handler"} 1`,
			`eddy_dropped_total{node="n2",reason="expired"} 0`,
			`eddy_stray_replies_total{node="n1"} 1`,
			`eddy_bad_lines_total{node="n1"} 0`,
			`eddy_log_dropped_total{node="n1"} 0`,
			`eddy_open_calls{node="n2"} 0`,
			`eddy_open_requests{node="n2"} 0`,
		)
		client.Request("n2", `{"type":"forward"}`)
		synctest.Wait()
		wantSeries(t, scrape(t, r), `eddy_open_calls{node="n2"} 1`, `eddy_open_requests{node="n2"} 1`)
	})
}

// A fakeTransport is a connection that has counted what it is told.
type fakeTransport struct {
	connected         bool
	dropped, requests map[string]int64
}

func (f *fakeTransport) Node() string               { return "n1" }
func (f *fakeTransport) Connected() bool            { return f.connected }
func (f *fakeTransport) Reconnects() int64          { return 3 }
func (f *fakeTransport) Messages() (in, out int64)  { return 10, 20 }
func (f *fakeTransport) Dropped() map[string]int64  { return f.dropped }
func (f *fakeTransport) Requests() map[string]int64 { return f.requests }

func TestTransportCollector(t *testing.T) {
	f := &fakeTransport{connected: true, dropped: map[string]int64{"not_sent": 7}, requests: map[string]int64{"n2": 4}}
	r := registry(metrics.NewTransport(f))
	wantSeries(t, scrape(t, r),
		`eddy_transport_connected{node="n1"} 1`,
		`eddy_transport_reconnects_total{node="n1"} 3`,
		`eddy_transport_messages_total{direction="in",node="n1"} 10`,
		`eddy_transport_messages_total{direction="out",node="n1"} 20`,
		`eddy_transport_dropped_total{node="n1",reason="not_sent"} 7`,
		`eddy_transport_requests_total{node="n1",server_address="n2"} 4`,
	)
	f.connected = false
	wantSeries(t, scrape(t, r), `eddy_transport_connected{node="n1"} 0`)
}

// A destination may have any name: neither one that is not UTF-8 nor a very long one nor
// several that look the same as labels make a scrape fail.
func TestAnyNameIsShown(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	f := &fakeTransport{requests: map[string]int64{"n\xff": 1, "n\xfe": 2, "n\uFFFD": 4, "": 8, long + "1": 16, long + "2": 32}}
	trips := metrics.NewRoundTrips("n1")
	for name := range f.requests {
		trips.Observe(name, time.Second)
	}
	synctest.Test(t, func(t *testing.T) {
		n := echo()
		net := eddytest.New(t, "n1")
		net.Start("n1", n)
		for name := range f.requests {
			n.RPC(t.Context(), name, eddy.Raw(`{"type":"echo"}`)) // or it refuses the name
		}
		text := scrape(t, registry(metrics.New(n), metrics.NewTransport(f), trips))
		wantSeries(t, text,
			`eddy_transport_requests_total{node="n1",server_address="n`+"\uFFFD"+`"} 7`,
			`eddy_transport_requests_total{node="n1",server_address=""} 8`,
			`eddy_transport_requests_total{node="n1",server_address="`+strings.Repeat("é", 100)+`"} 48`,
			`eddy_attempt_duration_seconds_count{node="n1",server_address="n`+"\uFFFD"+`"} 3`,
		)
		if len(text) > 50_000 {
			t.Errorf("a scrape has %d bytes", len(text))
		}
	})
}

// A node may have any name, and in the mode of the official library call a node without a name.
func TestAnyNameOfANodeIsShown(t *testing.T) {
	n := maelstrom.NewNode()
	n.Stdin, n.Stdout = strings.NewReader(""), io.Discard
	n.Init("n\xff"+strings.Repeat("x", 1000), []string{"n1"})
	if err := n.Call("", map[string]any{"type": "read"}, nil, func(maelstrom.Message, int, error) {}); err != nil {
		t.Fatal(err)
	}
	wantSeries(t, scrape(t, registry(metrics.New(n.Eddy()))),
		`eddy_calls_total{node="n`+"\uFFFD"+strings.Repeat("x", 198)+`",server_address=""} 1`)
}

// What cannot be collected is refused at once. Otherwise the first scrape would end the process.
func TestNilIsRefused(t *testing.T) {
	for want, make := range map[string]func(){
		"metrics: New with a nil node":               func() { metrics.New(new(eddy.Node), nil) },
		"metrics: NewTransport with a nil Transport": func() { metrics.NewTransport(nil) },
		"metrics: NewCalls with a nil node":          func() { metrics.NewCalls(nil) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("it panics with %v, want %s", got, want)
				}
			}()
			make()
		}()
	}
}

// RoundTrips keep a limited number of destinations, and count the others together.
func TestRoundTripsKeepLimitedNames(t *testing.T) {
	trips := metrics.NewRoundTrips("n1")
	for i := range 5000 {
		trips.Observe(fmt.Sprint("n", i), time.Second)
	}
	text := scrape(t, registry(trips))
	const count = "eddy_attempt_duration_seconds_count"
	if got := strings.Count(text, "\n"+count); got != 1001 {
		t.Errorf("%d destinations, want 1001", got)
	}
	wantSeries(t, text, count+`{node="n1",server_address=""} 4000`)
}

// Names and help texts are as Prometheus wants them, and the values of labels that are
// not names of nodes are in snake case.
func TestConventions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := echo()
		calls := metrics.NewCalls(n)
		n.Hooks = calls.Hooks()
		eddytest.New(t, "n1").Start("n1", n)
		budget := retry.Budget{Ratio: 0.01, PerSecond: 0.001}
		for _, p := range []*eddy.Policy{nil, {Hedge: time.Millisecond}, {Budget: budget}} {
			n.RPCWithRetry(t.Context(), "n9", eddy.Raw(`{"type":"echo"}`), p)
		}
		trips := metrics.NewRoundTrips("n1")
		trips.Observe("n9", time.Second)
		f := &fakeTransport{requests: map[string]int64{"n9": 1}, dropped: map[string]int64{"not_sent": 1}}
		families, err := registry(metrics.New(n), metrics.NewTransport(f), trips, calls).Gather()
		if err != nil {
			t.Fatal(err)
		}
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("%v, %v", problems, err)
		}
		snakeCase := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
		values := 0
		var names []string
		var table strings.Builder
		table.WriteString("| metric | labels | what it shows |\n|---|---|---|\n")
		for _, family := range families {
			names = append(names, family.GetName())
			var labels []string
			for _, label := range family.GetMetric()[0].GetLabel() {
				labels = append(labels, "`"+label.GetName()+"`")
			}
			fmt.Fprintf(&table, "| `%s` | %s | %s |\n", family.GetName(), strings.Join(labels, ", "), family.GetHelp())
			for _, m := range family.GetMetric() {
				for _, label := range m.GetLabel() {
					if slices.Contains([]string{"node", "server_address", "type"}, label.GetName()) {
						continue
					}
					if values++; !snakeCase.MatchString(label.GetValue()) {
						t.Errorf("%s has %s=%q", family.GetName(), label.GetName(), label.GetValue())
					}
				}
			}
		}
		if values < 7 {
			t.Errorf("%d values of labels were looked at", values)
		}
		checkDashboard(t, names)
		checkAlerts(t, names)
		golden.Section(t, "../docs/watching.md", "metrics", table.String())
	})
}

// ofHistogram returns the name of a metric without what the series of a histogram have.
func ofHistogram(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
}

// checkDashboard checks that the dashboard shows metrics that exist.
func checkDashboard(t *testing.T, names []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil || len(dashboard.Panels) == 0 {
		t.Errorf("the dashboard has %d panels, %v", len(dashboard.Panels), err)
	}
	shown := map[string]bool{}
	for i, p := range dashboard.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("panel %d shows nothing", i)
		}
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, `node=~"$node"`) {
				t.Errorf("panel %d shows %s", i, target.Expr)
			}
		}
	}
	for _, name := range regexp.MustCompile(`\b(eddy|rpc)_\w+\b`).FindAllString(string(text), -1) {
		if name = ofHistogram(name); !slices.Contains(names, name) {
			t.Errorf("the dashboard shows %s, which does not exist", name)
		}
		shown[name] = true
	}
	for _, name := range names {
		if !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// checkAlerts checks that the alerts are about metrics that exist.
func checkAlerts(t *testing.T, names []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Expr        string            `yaml:"expr"`
				For         string            `yaml:"for"`
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	in := yaml.NewDecoder(bytes.NewReader(text))
	in.KnownFields(true)
	if err := in.Decode(&file); err != nil || len(file.Groups) != 1 {
		t.Fatalf("the alerts have %d groups, %v", len(file.Groups), err)
	}
	used := map[string]bool{}
	for _, r := range file.Groups[0].Rules {
		if _, err := time.ParseDuration(r.For); err != nil || r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
			t.Errorf("alert %q is not complete: %v", r.Alert, err)
		}
		found := regexp.MustCompile(`\b(eddy|rpc)_\w+\b`).FindAllString(r.Expr, -1)
		if len(found) == 0 || !regexp.MustCompile(`^[^<>]+ > [^<>]+$`).MatchString(r.Expr) {
			t.Errorf("alert %s compares no metric: %s", r.Alert, r.Expr)
		}
		for _, name := range found {
			if used[name] = true; !slices.Contains(names, ofHistogram(name)) {
				t.Errorf("alert %s is about %s, which does not exist", r.Alert, name)
			}
		}
	}
	for _, name := range []string{"eddy_retries_total", "eddy_retries_refused_total", "eddy_late_replies_total", "eddy_open_calls",
		"eddy_call_duration_seconds_count", "eddy_attempts_refused_total", "eddy_request_queue_seconds_bucket"} {
		if !used[name] {
			t.Errorf("no alert is about %s", name)
		}
	}
}
