package metrics

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/figures"
	"github.com/eddyrpc/eddy/watch"
)

// Calls is a Collector of what hooks tell of the calls, attempts and handlers of one node: how
// long they take, and how they end.
//
// It shows 1,000 pairs of a destination and a type; the others are shown together, with empty
// labels. The codes of error replies that the protocol does not define are limited to 100.
type Calls struct {
	node   *eddy.Node
	labels *figures.Labels

	calls    *prometheus.HistogramVec
	attempts *prometheus.HistogramVec
	retries  *prometheus.HistogramVec
	hedges   *prometheus.HistogramVec
	delays   *prometheus.HistogramVec
	refusals *prometheus.CounterVec
	handlers *prometheus.HistogramVec
	queues   *prometheus.HistogramVec
}

// NewCalls returns the Calls of a node. The node must have its [Calls.Hooks].
func NewCalls(node *eddy.Node) *Calls {
	if node == nil {
		panic("metrics: NewCalls with a nil node")
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "eddy_" + name, Help: help, Buckets: buckets}, append([]string{"node"}, labels...))
	}
	seconds := prometheus.ExponentialBuckets(0.0005, 2, 16) // to 16 s
	few := []float64{1, 2, 3, 4, 5}
	return &Calls{
		node: node, labels: figures.NewLabels(),
		calls:    histogram("call_duration_seconds", "Time that calls took, with all their attempts.", seconds, "server_address", "type", "outcome"),
		attempts: histogram("attempt_wait_seconds", "Time from when an attempt was written until its timeout, its reply or the end of its call.", seconds, "server_address", "type", "outcome"),
		retries:  histogram("call_retries", "Retries of the calls that have some.", few, "server_address", "type"),
		hedges:   histogram("call_hedges", "Hedges of the calls that have some.", few, "server_address", "type"),
		delays:   histogram("call_retry_delay_seconds", "Pauses between the attempts of calls that have more than one.", seconds, "server_address", "type"),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "eddy_attempts_refused_total", Help: "Attempts that a budget, a circuit breaker or a veto refused."},
			[]string{"node", "server_address", "type", "reason"}),
		handlers: histogram("handler_duration_seconds", "Time from when a handler began until it and its callbacks had returned.", seconds, "type", "code"),
		queues:   histogram("request_queue_seconds", "Time from when a request was read until its handler began.", seconds, "type"),
	}
}

// Hooks returns hooks for the field Hooks of the node. Use [watch.Join] if it has others too.
func (c *Calls) Hooks() *watch.Hooks {
	return &watch.Hooks{
		CallBegins: c.callBegins, Sent: c.sent, Failed: c.failed, Refused: c.refused, CallEnds: c.callEnds,
		RequestEnds: c.requestEnds,
	}
}

func (c *Calls) callBegins(_ context.Context, call *watch.Call) {
	call.Data = figures.Begin()
}

func (c *Calls) sent(call *watch.Call, s watch.Sent) { call.Data.(*figures.Tally).Sent(call, s) }

func (c *Calls) failed(call *watch.Call, f watch.Failed) { call.Data.(*figures.Tally).Failed(f) }

func (c *Calls) refused(call *watch.Call, r watch.Refused) {
	c.refusedBy(call, figures.Refuser(r))
}

func (c *Calls) refusedBy(call *watch.Call, who string) {
	dest, typ := c.labels.Of(call.Dest, call.Type)
	c.refusals.WithLabelValues(c.name(), dest, typ, who).Inc()
}

func (c *Calls) callEnds(call *watch.Call, e watch.CallEnd) {
	t, outcome := call.Data.(*figures.Tally), figures.OfCall(e)
	if outcome.Kind == figures.Vetoed {
		c.refusedBy(call, figures.Veto)
	}
	node := c.name()
	dest, typ := c.labels.Of(call.Dest, call.Type)
	observe := func(to *prometheus.HistogramVec, took time.Duration, o figures.Outcome) {
		to.WithLabelValues(node, dest, typ, string(o.Kind)).Observe(took.Seconds())
	}
	observe(c.calls, time.Since(t.Begun), outcome)
	for i, a := range e.Attempts {
		observe(c.attempts, a.Waited, t.OfAttempt(call, e, i+1))
	}
	if len(e.Attempts) < 2 {
		return
	}
	if t.Retries > 0 {
		c.retries.WithLabelValues(node, dest, typ).Observe(float64(t.Retries))
	}
	if t.Hedges > 0 {
		c.hedges.WithLabelValues(node, dest, typ).Observe(float64(t.Hedges))
	}
	c.delays.WithLabelValues(node, dest, typ).Observe(t.Paused.Seconds())
}

func (c *Calls) requestEnds(r *watch.Request, e watch.RequestEnd) {
	node, typ, outcome := c.name(), figures.Label(r.Type), figures.OfRequest(e)
	code := string(outcome.Kind)
	if outcome.Kind == figures.ErrorReply {
		name, shown := c.labels.Code(outcome.Code)
		if !shown {
			name = "other"
		}
		code = strings.NewReplacer("-", "_", " ", "_").Replace(name)
	}
	c.handlers.WithLabelValues(node, typ, code).Observe(e.Took.Seconds())
	c.queues.WithLabelValues(node, typ).Observe(r.Queued.Seconds())
}

// name returns the label of the node, which has its name before it makes calls or serves.
func (c *Calls) name() string { return figures.Label(c.node.ID()) }

func (c *Calls) vecs() []prometheus.Collector {
	return []prometheus.Collector{c.calls, c.attempts, c.retries, c.hedges, c.delays, c.refusals, c.handlers, c.queues}
}

// Describe implements prometheus.Collector.
func (c *Calls) Describe(to chan<- *prometheus.Desc) {
	for _, v := range c.vecs() {
		v.Describe(to)
	}
}

// Collect implements prometheus.Collector.
func (c *Calls) Collect(to chan<- prometheus.Metric) {
	for _, v := range c.vecs() {
		v.Collect(to)
	}
}
