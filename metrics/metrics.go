// Package metrics shows what a node and its connection do, in the form that
// Prometheus reads.
//
//	m := metrics.New("n2")
//	net, err := natsnet.Dial(natsnet.Config{Node: "n2", Observe: m.Observe, ...})
//	m.Net(net)
//	m.Node(&node)
//	go http.ListenAndServe("127.0.0.1:9464", m.Handler())
//
// Of the node there are the messages that it read, wrote and dropped, and for each node
// that it calls the calls, attempts, retries, late replies and failures; of the
// connection the round trips to each node, what was lost on it, and whether a server is
// reached. Where OpenTelemetry's conventions for RPC have a name, it is theirs; the
// others begin with eddy_.
//
// Counters are read when they are asked for, so that what is not watched costs nothing.
// /healthz tells a supervisor whether the node can be reached ([Metrics.Health]).
package metrics

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/natsnet"
)

// Metrics are those of one node. Its methods may be called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	trips    *prometheus.HistogramVec

	mu     sync.Mutex
	node   *eddy.Node
	net    *natsnet.Conn
	health func() error
}

// New makes the metrics of the node of this name.
func New(node string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		trips: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rpc_client_call_duration_seconds",
			Help:    "From when an attempt was sent until its reply came.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16), // to 16 s
		}, []string{"rpc_system_name", "server_address"}),
	}
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"node": node}, m.registry)
	labelled.MustRegister(m.trips, &collector{m})
	return m
}

// Node shows a node's counters too.
func (m *Metrics) Node(n *eddy.Node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.node = n
}

// Net shows a connection's counters too, and without a Node the attempts that pass
// through it: that is all it sees of calls.
func (m *Metrics) Net(c *natsnet.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.net = c
}

// Health makes /healthz ask something else besides whether a server is reached: nil
// is good.
func (m *Metrics) Health(ask func() error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.health = ask
}

// Observe takes in a round trip: a natsnet.Config's Observe.
func (m *Metrics) Observe(dest string, roundTrip time.Duration) {
	m.trips.WithLabelValues("eddy", dest).Observe(roundTrip.Seconds())
}

// Handler serves /metrics, and /healthz: 200, or 503 and the reason.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := m.healthy(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok\n"))
	})
	return mux
}

func (m *Metrics) healthy() error {
	m.mu.Lock()
	net, ask := m.net, m.health
	m.mu.Unlock()
	if net != nil && !net.Connected() {
		return errors.New("no NATS server is reached")
	}
	if ask != nil {
		return ask()
	}
	return nil
}

// A collector reads the counters when it is asked.
type collector struct{ m *Metrics }

// A counter is one of a node, of its connection, or of the calls to a destination.
type counter[T any] struct {
	desc  *prometheus.Desc
	value func(T) int64
	label string // the value of its last label
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("eddy_"+name, help, labels, nil)
}

var (
	messages  = desc("messages_total", "Messages that the node read and wrote.", "direction")
	dropped   = desc("dropped_total", "Messages that were not handed on.", "reason")
	reconnect = desc("net_reconnects_total", "How often another NATS server was found.")
	connected = desc("net_connected", "Whether a NATS server is reached: 1 or 0.")
	strays    = desc("stray_replies_total", "Replies that no open call asked for.")
	attempts  = desc("attempts_total", "Messages that were sent for calls.", "server_address")
	badLines  = desc("bad_lines_total", "Lines that were no message.")

	ofNode = []counter[eddy.Stats]{
		{messages, func(s eddy.Stats) int64 { return s.In }, "in"},
		{messages, func(s eddy.Stats) int64 { return s.Out }, "out"},
		{dropped, func(s eddy.Stats) int64 { return s.Dropped }, "no handler"},
		{dropped, func(s eddy.Stats) int64 { return s.Expired }, "expired"},
		{strays, func(s eddy.Stats) int64 { return s.Strays }, ""},
		{badLines, func(s eddy.Stats) int64 { return s.BadLines }, ""},
	}
	ofNet = []counter[natsnet.Counts]{
		{dropped, func(c natsnet.Counts) int64 { return c.Misplaced }, "not what its subject says"},
		{dropped, func(c natsnet.Counts) int64 { return c.Earlier }, "for an earlier life"},
		{dropped, func(c natsnet.Counts) int64 { return c.Foreign }, "in a wrong name"},
		{dropped, func(c natsnet.Counts) int64 { return c.Lost }, "not read in time"},
		{dropped, func(c natsnet.Counts) int64 { return c.Unheard }, "nobody has joined as its dest"},
		{dropped, func(c natsnet.Counts) int64 { return c.Unsent }, "not sent"},
		{reconnect, func(c natsnet.Counts) int64 { return c.Reconnects }, ""},
	}
	ofDest = []counter[eddy.DestinationStats]{
		{desc("calls_total", "Calls that were made.", "server_address"), func(d eddy.DestinationStats) int64 { return d.Calls }, ""},
		{attempts, func(d eddy.DestinationStats) int64 { return d.Attempts }, ""},
		{desc("retries_total", "Attempts after a call's first.", "server_address"), func(d eddy.DestinationStats) int64 { return d.Retries }, ""},
		{desc("late_replies_total", "Replies that came after their attempt's timeout.", "server_address"), func(d eddy.DestinationStats) int64 { return d.Late }, ""},
		{desc("failures_total", "Calls that ended without a reply.", "server_address"), func(d eddy.DestinationStats) int64 { return d.Failures }, ""},
		{desc("retries_refused_total", "Retries that a budget refused.", "server_address"), func(d eddy.DestinationStats) int64 { return d.Refused }, ""},
	}
)

// Describe says nothing: what there is depends on what is shown.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

func (c *collector) Collect(to chan<- prometheus.Metric) {
	c.m.mu.Lock()
	node, net := c.m.node, c.m.net
	c.m.mu.Unlock()
	if node != nil {
		send(to, ofNode, node.Stats())
		for name, d := range node.Destinations() {
			for _, one := range ofDest {
				to <- prometheus.MustNewConstMetric(one.desc, prometheus.CounterValue, float64(one.value(d)), name)
			}
		}
	}
	if net != nil {
		counts := net.Counts()
		send(to, ofNet, counts)
		if node == nil {
			to <- prometheus.MustNewConstMetric(messages, prometheus.CounterValue, float64(counts.In), "in")
			to <- prometheus.MustNewConstMetric(messages, prometheus.CounterValue, float64(counts.Out), "out")
			for name, n := range net.Requests() {
				to <- prometheus.MustNewConstMetric(attempts, prometheus.CounterValue, float64(n), name)
			}
		}
		up := 0.0
		if net.Connected() {
			up = 1
		}
		to <- prometheus.MustNewConstMetric(connected, prometheus.GaugeValue, up)
	}
}

func send[T any](to chan<- prometheus.Metric, counters []counter[T], from T) {
	for _, one := range counters {
		var labels []string
		if one.label != "" {
			labels = []string{one.label}
		}
		to <- prometheus.MustNewConstMetric(one.desc, prometheus.CounterValue, float64(one.value(from)), labels...)
	}
}
