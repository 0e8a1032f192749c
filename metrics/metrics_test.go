package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/metrics"
	"github.com/eddyrpc/eddy/natsnet"
)

func get(t *testing.T, m *metrics.Metrics, path string) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(text)
}

// What a node does over NATS is shown as it happens.
func TestMetrics(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	m := metrics.New("n1")
	net, err := natsnet.Dial(natsnet.Config{Servers: s.ClientURL(), Node: "n1", Nodes: []string{"n1"}, Observe: m.Observe})
	if err != nil {
		t.Fatal(err)
	}
	node := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	node.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) { return nil, req.ReplyAs("echo_ok", req.Body) })
	joined := make(chan struct{})
	node.OnInit(func(context.Context) error { close(joined); return nil })
	m.Net(net)
	m.Node(node)
	ctx, end := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { node.Serve(ctx, net) })
	defer served.Wait()
	defer end()
	<-joined

	patient := &eddy.Policy{Timeout: time.Minute}
	for range 5 {
		if _, _, err := node.RPCWithRetry(ctx, "n1", eddy.Raw(`{"type":"echo"}`), patient); err != nil {
			t.Fatal(err)
		}
	}
	node.RPCWithRetry(ctx, "n9", eddy.Raw(`{"type":"echo"}`), &eddy.Policy{Attempts: 2, Timeout: time.Millisecond})
	status, text := get(t, m, "/metrics")
	if status != 200 {
		t.Fatalf("%d: %s", status, text)
	}
	for _, want := range []string{
		`eddy_calls_total{node="n1",server_address="n1"} 5`,
		`eddy_calls_total{node="n1",server_address="n9"} 1`,
		`eddy_attempts_total{node="n1",server_address="n9"} 2`,
		`eddy_retries_total{node="n1",server_address="n9"} 1`,
		`eddy_failures_total{node="n1",server_address="n9"} 1`,
		`eddy_late_replies_total{node="n1",server_address="n1"} 0`,
		`eddy_retries_refused_total{node="n1",server_address="n9"} 0`,
		`eddy_dropped_total{node="n1",reason="nobody has joined as its dest"} \d`,
		`eddy_messages_total{direction="out",node="n1"} \d\d`,
		`eddy_net_connected{node="n1"} 1`,
		`eddy_net_reconnects_total{node="n1"} 0`,
		`rpc_client_call_duration_seconds_count{node="n1",rpc_system_name="eddy",server_address="n1"} 5`,
	} {
		if !regexp.MustCompile(`(?m)^` + strings.NewReplacer("{", `\{`, "}", `\}`).Replace(want) + `$`).MatchString(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}

	// What carries a node's messages sees its attempts, but not its calls.
	carrier := metrics.New("n1")
	carrier.Net(net)
	_, seen := get(t, carrier, "/metrics")
	if !strings.Contains(seen, `eddy_attempts_total{node="n1",server_address="n1"} 5`) ||
		!strings.Contains(seen, `eddy_attempts_total{node="n1",server_address="n9"} 2`) || strings.Contains(seen, "eddy_calls") {
		t.Error(seen)
	}

	dashboard, err := os.ReadFile("../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(dashboard, &shown); err != nil || len(shown.Panels) == 0 {
		t.Errorf("the dashboard has %d panels, %v", len(shown.Panels), err)
	}
	for i, p := range shown.Panels {
		if len(p.Targets) == 0 || !strings.Contains(p.Targets[0].Expr, `node=~"$node"`) {
			t.Errorf("panel %d shows %+v", i, p.Targets)
		}
	}
	for _, name := range regexp.MustCompile(`\b(eddy|rpc)_\w+\b`).FindAllString(string(dashboard), -1) {
		if !strings.Contains(text, name) {
			t.Errorf("the dashboard shows %s, which is not there", name)
		}
	}

	if status, text := get(t, m, "/healthz"); status != 200 || text != "ok\n" {
		t.Errorf("%d %q", status, text)
	}
	m.Health(func() error { return errors.New("the node is down") })
	if status, text := get(t, m, "/healthz"); status != 503 || text != "the node is down\n" {
		t.Errorf("%d %q", status, text)
	}
	s.Shutdown()
	s.WaitForShutdown()
	for end := time.Now().Add(20 * time.Second); net.Connected() && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	if status, text := get(t, m, "/healthz"); status != 503 || text != "no NATS server is reached\n" {
		t.Errorf("%d %q", status, text)
	}
}

// Without a node and a connection there is nothing to show, and nothing wrong.
func TestNothingToShow(t *testing.T) {
	m := metrics.New("n1")
	if status, text := get(t, m, "/metrics"); status != 200 || text != "" {
		t.Errorf("%d %q", status, text)
	}
	if status, _ := get(t, m, "/healthz"); status != 200 {
		t.Errorf("%d", status)
	}
}
