package eddytest

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/txn"
	"github.com/eddyrpc/eddy/internal/workload"
)

// A Test says what [Check] does. Its fields are those of the command eddy test, which
// docs/workloads.md and docs/faults.md describe. The zero value of a field means its default.
type Test struct {
	// Workload is the name of a workload: echo, unique-ids, broadcast, g-set, g-counter,
	// pn-counter, lin-kv, kafka, txn-list-append, txn-rw-register or relay.
	Workload string
	// Own makes a workload of one's own, which is used instead.
	Own func() Workload

	// Nodes is how many nodes there are: n1, n2 and so on. The default is 5.
	Nodes int

	// Time is how long clients send requests. The default is 10 s, of virtual time.
	Time time.Duration
	// Rate is how many operations all clients together begin in a second. The default is that
	// of the workload, 100 to 500.
	Rate float64
	// Concurrency is the number of clients. The default is 4 for each node, and 2 with the
	// workloads of transactions.
	Concurrency int
	// ClientTimeout is how long a client waits for a reply, beyond the time that calls and
	// latencies may take. The default is 5 s.
	ClientTimeout time.Duration

	// Quiesce is how long the nodes have, after all faults, before the final phase. The default
	// is as short as the workload allows. Set it for nodes that need time to agree, if the
	// workload reads only once in the final phase, as those of transactions do.
	Quiesce time.Duration

	// Latency is the latency of messages between nodes: "50ms", "exponential:50ms" or
	// "uniform:0ms-100ms". The default is 0. ClientLatency is that of messages from and to
	// clients.
	Latency, ClientLatency string
	// Loss and Duplicate are the shares of messages between nodes that are lost, and that are
	// delivered twice, from 0 to 1. ClientLoss is the share of messages from and to clients
	// that are lost.
	Loss, Duplicate, ClientLoss float64
	// FIFO delivers the messages from one node to another in the order in which they were
	// sent, as over TCP.
	FIFO bool
	// StaleReplies delivers replies to requests of an earlier incarnation of a node.
	StaleReplies bool
	// Topology is what workload broadcast sends to the nodes: line, grid, tree, tree2, tree3,
	// tree4 or total. The default is grid.
	Topology string

	// Nemesis names the faults during Time, separated by commas, such as
	// "partition,kill,pause".
	Nemesis string
	// NemesisInterval is the mean duration of a fault and the mean time to the next one. The
	// default is an eighth of Time, and at most 10 s. The least is 10 ms.
	NemesisInterval time.Duration

	// CallTimeout, CallAttempts, CallBackoff and IgnoreLate say what workload relay expects of
	// the relays: the timeout of each attempt (500 ms), their number (3), the longest pause
	// between them (0), and whether they ignore replies that come after the timeout.
	CallTimeout, CallBackoff time.Duration
	CallAttempts             int
	IgnoreLate               bool

	// CallPolicy is the policy of the relays. If it is set, it says what workload relay expects
	// of them, and the four fields before must not be set.
	CallPolicy *eddy.Policy

	// ConsistencyModels are the models that transactions must fit, separated by commas. The
	// default is strict-serializable. KeyCount (10), MaxTxnLength (4) and MaxWritesPerKey (16)
	// are as in eddy test.
	ConsistencyModels                       string
	KeyCount, MaxTxnLength, MaxWritesPerKey int

	// Availability is the share of the operations that must end ok, or with an error that is
	// a result.
	Availability float64

	// Seeds is how many seeds are tried, from 1 on. The default is 20.
	Seeds int
}

// minInterval is the shortest NemesisInterval.
const minInterval = 10 * time.Millisecond

var topologies = []string{"line", "grid", "tree", "tree2", "tree3", "tree4", "total"}

// config returns the configuration of a trial, without a seed.
func (test *Test) config() (*trial.Config, error) {
	spec, err := test.spec()
	if err != nil {
		return nil, err
	}
	limit := cmp.Or(test.Time, 10*time.Second)
	cfg := &trial.Config{
		Spec: spec, Bin: trial.GoTest, Virtual: true,
		TimeLimit: limit, Rate: cmp.Or(test.Rate, spec.Rate),
		Topology: cmp.Or(test.Topology, "grid"), Quiesce: cmp.Or(test.Quiesce, -1),
		Interval:    cmp.Or(test.NemesisInterval, max(minInterval, min(10*time.Second, limit/8))),
		CallTimeout: cmp.Or(test.CallTimeout, 500*time.Millisecond), CallAttempts: cmp.Or(test.CallAttempts, 3),
		CallBackoff: test.CallBackoff, IgnoreLate: test.IgnoreLate,
		ClientTimeout: cmp.Or(test.ClientTimeout, 5*time.Second), Availability: test.Availability,
		Network: sim.Config{
			Loss: test.Loss, Duplicate: test.Duplicate, ClientLoss: test.ClientLoss,
			FIFO: test.FIFO, StaleReplies: test.StaleReplies, Links: map[sim.Link]sim.LinkConfig{},
		},
		Txn: workload.TxnConfig{KeyCount: cmp.Or(test.KeyCount, 10), MaxLength: cmp.Or(test.MaxTxnLength, 4), MaxWritesPerKey: cmp.Or(test.MaxWritesPerKey, 16)},
	}
	for i := range cmp.Or(test.Nodes, 5) {
		cfg.Nodes = append(cfg.Nodes, "n"+strconv.Itoa(i+1))
	}
	cfg.Concurrency = cmp.Or(test.Concurrency, spec.Clients(len(cfg.Nodes)))
	if test.Nemesis != "" {
		cfg.Nemeses = strings.Split(strings.ReplaceAll(test.Nemesis, " ", ""), ",")
	}
	for _, step := range []func(*trial.Config) error{test.network, test.limits, test.policy} {
		if err := step(cfg); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

// spec returns the spec of the workload.
func (test *Test) spec() (workload.Spec, error) {
	switch {
	case test.Own == nil:
		return workload.Find(test.Workload)
	case test.Workload != "":
		return workload.Spec{}, fmt.Errorf("the fields Workload and Own are both set")
	}
	return ownSpec(test.Own), nil
}

// policy sets what relays do to what CallPolicy says.
func (test *Test) policy(cfg *trial.Config) error {
	switch {
	case test.CallPolicy == nil:
		return nil
	case test.CallTimeout != 0 || test.CallAttempts != 0 || test.CallBackoff != 0 || test.IgnoreLate:
		return fmt.Errorf("field CallPolicy is set, and so is CallTimeout, CallAttempts, CallBackoff or IgnoreLate, which it says already")
	}
	if err := test.CallPolicy.Validate(); err != nil {
		return fmt.Errorf("field CallPolicy: %w", err)
	}
	cfg.FollowPolicy(test.CallPolicy)
	return nil
}

// network sets what the configuration says as text.
func (test *Test) network(cfg *trial.Config) (err error) {
	if cfg.Network.Latency, err = sim.ParseDist(cmp.Or(test.Latency, "0"), os.ReadFile); err != nil {
		return fmt.Errorf("field Latency: %w", err)
	}
	if cfg.Network.ClientLatency, err = sim.ParseDist(cmp.Or(test.ClientLatency, "0"), os.ReadFile); err != nil {
		return fmt.Errorf("field ClientLatency: %w", err)
	}
	if cfg.Txn.Models, err = txn.ParseModels(cmp.Or(test.ConsistencyModels, "strict-serializable")); err != nil {
		return fmt.Errorf("field ConsistencyModels: %w", err)
	}
	if err := trial.CheckNemeses(cfg.Nemeses, false); err != nil {
		return fmt.Errorf("field Nemesis: %w", err)
	}
	return nil
}

// limits returns an error if a number has no meaning.
func (test *Test) limits(*trial.Config) error {
	for _, share := range []struct {
		name string
		of   float64
	}{{"Loss", test.Loss}, {"Duplicate", test.Duplicate}, {"ClientLoss", test.ClientLoss}, {"Availability", test.Availability}} {
		if !(share.of >= 0 && share.of <= 1) {
			return fmt.Errorf("field %s is %v: must be from 0 to 1", share.name, share.of)
		}
	}
	for _, n := range []struct {
		name string
		of   float64
	}{
		{"Nodes", float64(test.Nodes)}, {"Time", float64(test.Time)}, {"Rate", test.Rate}, {"Concurrency", float64(test.Concurrency)},
		{"ClientTimeout", float64(test.ClientTimeout)}, {"Quiesce", float64(test.Quiesce)}, {"NemesisInterval", float64(test.NemesisInterval)},
		{"CallTimeout", float64(test.CallTimeout)}, {"CallBackoff", float64(test.CallBackoff)}, {"CallAttempts", float64(test.CallAttempts)},
		{"KeyCount", float64(test.KeyCount)}, {"MaxTxnLength", float64(test.MaxTxnLength)}, {"MaxWritesPerKey", float64(test.MaxWritesPerKey)},
		{"Seeds", float64(test.Seeds)},
	} {
		if !(n.of >= 0) {
			return fmt.Errorf("field %s must not be negative", n.name)
		}
	}
	switch {
	case test.Rate > 1e9:
		return fmt.Errorf("field Rate is %v: must be at most 1e9", test.Rate)
	case test.NemesisInterval > 0 && test.NemesisInterval < minInterval:
		return fmt.Errorf("field NemesisInterval is %v: must be at least %v", test.NemesisInterval, minInterval)
	case test.Topology != "" && !slices.Contains(topologies, test.Topology):
		return fmt.Errorf("field Topology is %q: must be one of %s", test.Topology, strings.Join(topologies, ", "))
	}
	return nil
}
