package metrics_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/metrics"
	"github.com/eddyrpc/eddy/natsnet"
)

// The metrics of a node, where Prometheus looks for them.
func ExampleNew() {
	var n eddy.Node
	var c *metrics.Collector = metrics.New(&n)
	prometheus.MustRegister(c)
	http.Handle("/metrics", promhttp.Handler())
	go http.ListenAndServe("127.0.0.1:9464", nil)
	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}

// The metrics of a node that joins a cluster over NATS: its own, and those of its
// connection.
func ExampleNewTransport() {
	var n eddy.Node
	roundTrips := metrics.NewRoundTrips("n2")
	net, err := natsnet.Dial(natsnet.Config{Node: "n2", Observe: roundTrips.Observe})
	if err != nil {
		log.Fatal(err)
	}
	var transport metrics.Transport = net
	var c *metrics.TransportCollector = metrics.NewTransport(transport)
	prometheus.MustRegister(metrics.New(&n), c, roundTrips)
}

// The series of a round trip.
func ExampleRoundTrips() {
	var r *metrics.RoundTrips = metrics.NewRoundTrips("n2")
	r.Observe("n1", 3*time.Millisecond)
	registry := prometheus.NewRegistry()
	registry.MustRegister(r)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, "_count") {
			fmt.Print(line)
		}
	}
	// Output:
	// eddy_attempt_duration_seconds_count{node="n2",server_address="n1"} 1
}

// The metrics of the calls and requests of a node, beside its counters.
func ExampleNewCalls() {
	var n eddy.Node
	var c *metrics.Calls = metrics.NewCalls(&n)
	n.Hooks = c.Hooks()
	prometheus.MustRegister(metrics.New(&n), c)
	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}
