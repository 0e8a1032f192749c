package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/figures"
)

// RoundTrips is a Collector of the time from each request of a node to its reply, in a
// histogram for each destination. It keeps 1,000 destinations; the round trips to all
// others are counted together, with the server_address "".
type RoundTrips struct {
	histograms *prometheus.HistogramVec
	dests      bounded.Set[string]
}

const maxDests = 1000

// NewRoundTrips returns the RoundTrips of the node of this name.
func NewRoundTrips(node string) *RoundTrips {
	return &RoundTrips{
		histograms: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:        "eddy_attempt_duration_seconds",
			Help:        "Time from when an attempt was sent until its reply arrived.",
			Buckets:     prometheus.ExponentialBuckets(0.0005, 2, 16), // to 16 s
			ConstLabels: prometheus.Labels{"node": figures.Label(node)},
		}, []string{"server_address"}),
		dests: bounded.Set[string]{Max: maxDests},
	}
}

// Observe adds a round trip. It can be the Observe of a natsnet.Config.
func (r *RoundTrips) Observe(dest string, roundTrip time.Duration) {
	r.histograms.WithLabelValues(r.label(dest)).Observe(roundTrip.Seconds())
}

// label returns the label of a destination, "" beyond the limit.
func (r *RoundTrips) label(dest string) string {
	label := figures.Label(dest)
	if !r.dests.Add(label) {
		return ""
	}
	return label
}

// Describe implements prometheus.Collector.
func (r *RoundTrips) Describe(to chan<- *prometheus.Desc) { r.histograms.Describe(to) }

// Collect implements prometheus.Collector.
func (r *RoundTrips) Collect(to chan<- prometheus.Metric) { r.histograms.Collect(to) }
