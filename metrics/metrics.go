// Package metrics shows Prometheus what nodes and their connections do. Its types are
// prometheus.Collectors, which you register where you like:
//
//	prometheus.MustRegister(metrics.New(&node))
//	http.Handle("/metrics", promhttp.Handler())
//
// [New] shows the messages that a node reads, writes and drops, its open calls and
// requests, and for each node that it calls the calls, attempts, retries, late replies
// and failures. [NewCalls] shows how long calls, attempts and handlers take and how they end,
// by type. It is told by hooks:
//
//	calls := metrics.NewCalls(&node)
//	node.Hooks = calls.Hooks()
//
// [NewTransport] shows what a connection such as a natsnet.Conn lost and whether it is
// connected; [NewRoundTrips] shows how long replies take where only the messages can be seen.
//
// Every metric has the label node, the name of the node that it is about, and a name that
// begins with eddy_. The counters of New and NewTransport are read when Prometheus asks for
// them.
package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/figures"
)

// A Collector shows the counters of nodes. A node that has not received its name yet is
// not shown.
type Collector struct{ nodes []*eddy.Node }

// New returns a Collector of these nodes. It panics if one is nil.
func New(nodes ...*eddy.Node) *Collector {
	if slices.Contains(nodes, nil) {
		panic("metrics: New with a nil node")
	}
	return &Collector{nodes}
}

// A metric is one series of what it is read from: the counters of a node, or those of
// the calls to one destination.
type metric[T any] struct {
	desc  *prometheus.Desc
	typ   prometheus.ValueType
	value func(T) int64
	label string // the value of the last label, or ""
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("eddy_"+name, help, append([]string{"node"}, labels...), nil)
}

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

var (
	messages = desc("messages_total", "Messages that the node read and wrote.", "direction")
	dropped  = desc("dropped_total", "Messages that the node read and no handler received.", "reason")

	ofNode = []metric[eddy.Stats]{
		{messages, counter, func(s eddy.Stats) int64 { return s.In }, "in"},
		{messages, counter, func(s eddy.Stats) int64 { return s.Out }, "out"},
		{dropped, counter, func(s eddy.Stats) int64 { return s.Dropped }, "no_handler"},
		{dropped, counter, func(s eddy.Stats) int64 { return s.Expired }, "expired"},
		{desc("stray_replies_total", "Replies that belong to no open call."), counter, func(s eddy.Stats) int64 { return s.Strays }, ""},
		{desc("open_calls", "Calls that have not ended."), gauge, func(s eddy.Stats) int64 { return s.OpenCalls }, ""},
		{desc("open_requests", "Requests and one-way messages that are open, except the one in an inline handler."), gauge, func(s eddy.Stats) int64 { return s.OpenRequests }, ""},
		{desc("log_dropped_total", "Lines of the default log that standard error did not take in time."), counter, func(s eddy.Stats) int64 { return s.LogDropped }, ""},
		{desc("bad_lines_total", "Lines that are no message."), counter, func(s eddy.Stats) int64 { return s.BadLines }, ""},
	}
	ofDest = []metric[eddy.DestinationStats]{
		{desc("calls_total", "Calls begun.", "server_address"), counter, func(d eddy.DestinationStats) int64 { return d.Calls }, ""},
		{desc("attempts_total", "Messages sent for calls.", "server_address"), counter, func(d eddy.DestinationStats) int64 { return d.Attempts }, ""},
		{desc("retries_total", "Attempts after a call's first one.", "server_address"), counter, func(d eddy.DestinationStats) int64 { return d.Retries }, ""},
		{desc("late_replies_total", "Replies that arrived after the timeout of their attempt.", "server_address"), counter, func(d eddy.DestinationStats) int64 { return d.Late }, ""},
		{desc("failures_total", "Calls that ended without a reply.", "server_address"), counter, func(d eddy.DestinationStats) int64 { return d.Failures }, ""},
		{desc("retries_refused_total", "Retries that a budget refused.", "server_address"), counter, func(d eddy.DestinationStats) int64 { return d.Refused }, ""},
	}
)

// Describe implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	describe(to, ofNode)
	describe(to, ofDest)
}

func describe[T any](to chan<- *prometheus.Desc, metrics []metric[T]) {
	for i, m := range metrics {
		if i == 0 || m.desc != metrics[i-1].desc {
			to <- m.desc
		}
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for _, n := range c.nodes {
		name := n.ID()
		if name == "" {
			continue
		}
		name = figures.Label(name)
		stats := n.Stats()
		for _, m := range ofNode {
			labels := []string{name}
			if m.label != "" {
				labels = append(labels, m.label)
			}
			m.send(to, m.value(stats), labels...)
		}
		dests := n.Destinations()
		for _, m := range ofDest {
			for dest, value := range byName(dests, m.value) {
				m.send(to, value, name, dest)
			}
		}
	}
}

func (m *metric[T]) send(to chan<- prometheus.Metric, value int64, labels ...string) {
	to <- prometheus.MustNewConstMetric(m.desc, m.typ, float64(value), labels...)
}

// byName returns the values with labels for names. Values whose labels are equal are
// added up: Prometheus refuses everything if one series is there twice.
func byName[T any](values map[string]T, value func(T) int64) map[string]int64 {
	sums := make(map[string]int64, len(values))
	for name, v := range values {
		sums[figures.Label(name)] += value(v)
	}
	return sums
}
