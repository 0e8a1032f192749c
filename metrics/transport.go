package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eddyrpc/eddy/internal/figures"
)

// A Transport is what is shown of a node's connection. A *natsnet.Conn is one. Its
// methods must be safe for concurrent use.
type Transport interface {
	// Node returns the name of the node.
	Node() string
	// Connected reports whether the connection exists now.
	Connected() bool
	// Reconnects returns how often the connection was made again.
	Reconnects() int64
	// Messages returns how many messages were received and sent.
	Messages() (in, out int64)
	// Dropped returns how many messages were dropped or lost, by reason. The reasons
	// must be a fixed set.
	Dropped() map[string]int64
	// Requests returns how many requests were sent, by destination.
	Requests() map[string]int64
}

// A TransportCollector shows the counters of connections.
type TransportCollector struct{ transports []Transport }

// NewTransport returns a TransportCollector of these connections. It panics if one is nil.
func NewTransport(transports ...Transport) *TransportCollector {
	if slices.Contains(transports, nil) {
		panic("metrics: NewTransport with a nil Transport")
	}
	return &TransportCollector{transports}
}

var (
	transportMessages   = desc("transport_messages_total", "Messages that the connection received and sent.", "direction")
	transportRequests   = desc("transport_requests_total", "Requests that the connection sent: attempts of calls.", "server_address")
	transportDropped    = desc("transport_dropped_total", "Messages that the connection dropped or lost.", "reason")
	transportReconnects = desc("transport_reconnects_total", "How often the connection was made again.")
	transportConnected  = desc("transport_connected", "1 if the connection exists, otherwise 0.")
)

// Describe implements prometheus.Collector.
func (c *TransportCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{transportMessages, transportRequests, transportDropped, transportReconnects, transportConnected} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *TransportCollector) Collect(to chan<- prometheus.Metric) {
	for _, t := range c.transports {
		node := figures.Label(t.Node())
		count := func(desc *prometheus.Desc, value int64, label ...string) {
			to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), append([]string{node}, label...)...)
		}
		in, out := t.Messages()
		count(transportMessages, in, "in")
		count(transportMessages, out, "out")
		same := func(n int64) int64 { return n }
		for dest, n := range byName(t.Requests(), same) {
			count(transportRequests, n, dest)
		}
		for reason, n := range byName(t.Dropped(), same) {
			count(transportDropped, n, reason)
		}
		count(transportReconnects, t.Reconnects())
		connected := 0.0
		if t.Connected() {
			connected = 1
		}
		to <- prometheus.MustNewConstMetric(transportConnected, prometheus.GaugeValue, connected, node)
	}
}
