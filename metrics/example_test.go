package metrics_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/metrics"
	"github.com/eddyrpc/eddy/natsnet"
)

// The metrics of a node and of its connection, where Prometheus looks for them.
func ExampleNew() {
	var n eddy.Node
	m := metrics.New("n2")
	net, err := natsnet.Dial(natsnet.Config{Node: "n2", Observe: m.Observe})
	if err != nil {
		log.Fatal(err)
	}
	m.Net(net)
	m.Node(&n)
	log.Fatal(http.ListenAndServe("127.0.0.1:9464", m.Handler()))
}

// What is shown of a round trip.
func ExampleMetrics() {
	var m *metrics.Metrics = metrics.New("n2")
	m.Observe("n1", 3*time.Millisecond)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, "_count") {
			fmt.Print(line)
		}
	}
	// Output:
	// rpc_client_call_duration_seconds_count{node="n2",rpc_system_name="eddy",server_address="n1"} 1
}
