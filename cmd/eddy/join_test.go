package main

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/metrics"
)

// fakeMember is a member and its connection.
type fakeMember struct {
	health       error
	disconnected bool
}

func (f *fakeMember) Health() error              { return f.health }
func (f *fakeMember) Node() string               { return "n1" }
func (f *fakeMember) Connected() bool            { return !f.disconnected }
func (f *fakeMember) Reconnects() int64          { return 0 }
func (f *fakeMember) Messages() (in, out int64)  { return 1, 2 }
func (f *fakeMember) Dropped() map[string]int64  { return nil }
func (f *fakeMember) Requests() map[string]int64 { return nil }

// /metrics shows the connection and the round trips; /healthz tells whether the node can
// be reached and runs.
func TestJoinMetrics(t *testing.T) {
	f := &fakeMember{}
	trips := metrics.NewRoundTrips("n1")
	trips.Observe("n2", time.Second)
	h := metricsHandler(served{f, f, trips})
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Body.String()
	}
	status, text := get("/metrics")
	for _, want := range []string{
		`eddy_transport_messages_total{direction="out",node="n1"} 2`,
		`eddy_attempt_duration_seconds_count{node="n1",server_address="n2"} 1`,
	} {
		if status != 200 || !strings.Contains(text, want+"\n") {
			t.Errorf("%d, no %s in\n%s", status, want, text)
		}
	}
	if status, text := get("/healthz"); status != 200 || text != "ok\n" {
		t.Errorf("%d %q", status, text)
	}
	f.health = errors.New("the node is not running")
	if status, text := get("/healthz"); status != 503 || text != "the node is not running\n" {
		t.Errorf("%d %q", status, text)
	}
	f.disconnected = true
	if status, text := get("/healthz"); status != 503 || text != "no NATS server is connected\n" {
		t.Errorf("%d %q", status, text)
	}
}
