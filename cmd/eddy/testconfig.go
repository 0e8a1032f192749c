package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/wasmrunner"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/txn"
	"github.com/eddyrpc/eddy/internal/workload"
	"github.com/eddyrpc/eddy/retry"
)

// newSeed returns a random seed that is short enough to type.
func newSeed() uint64 { return uint64(rand.Uint32()) }

// workloadNames returns the names of all workloads.
func workloadNames() string {
	var names []string
	for _, s := range workload.Specs {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// defaultRates and defaultConcurrencies return the defaults of the workloads as text.
func defaultRates() string {
	return perWorkload(func(s *workload.Spec) string { return strconv.FormatFloat(s.Rate, 'g', -1, 64) })
}

func defaultConcurrencies() string {
	return perWorkload(func(s *workload.Spec) string { return s.Concurrency })
}

// perWorkload returns a value of each workload, such as "5 with echo and relay, 7 with
// broadcast", or only the value if it is the same for all.
func perWorkload(value func(*workload.Spec) string) string {
	var values []string
	names := map[string][]string{}
	for i := range workload.Specs {
		v := value(&workload.Specs[i])
		if names[v] == nil {
			values = append(values, v)
		}
		names[v] = append(names[v], workload.Specs[i].Name)
	}
	if len(values) == 1 {
		return values[0]
	}
	for i, v := range values {
		all := names[v]
		text := strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
		values[i] = v + " with " + strings.TrimPrefix(text, " and ")
	}
	return strings.Join(values, ", ")
}

// finalWait replaces the usual times of the final phase. Tests set it, which run many nodes
// that do not reply there.
var finalWait time.Duration

// config returns the configuration that the flags describe.
func (c *testCommand) config() (*runner.Config, error) {
	spec, err := findWorkload(c.Workload)
	if err != nil {
		return nil, usageError("%v", err)
	}
	cfg := &runner.Config{Args: c.Args, Config: trial.Config{
		Spec: spec, Bin: c.Bin, Topology: c.Topology,
		TimeLimit: seconds(c.TimeLimit), Interval: seconds(c.interval()), Quiesce: seconds(c.Quiesce),
		CallTimeout: retry.DefaultTimeout, CallAttempts: retry.DefaultAttempts,
		ClientTimeout: c.ClientTimeout, Nemeses: c.Nemesis, Sick: trial.Sick(c.Sick), FinalClientTimeout: finalWait, FinalTimeout: finalWait,
	}}
	cfg.Virtual = wasmrunner.IsModule(c.Bin)
	for _, step := range []func(*runner.Config) error{c.names, c.load, c.network, c.calls, c.limits, c.transactions} {
		if err := step(cfg); err != nil {
			return nil, usageError("%v", err)
		}
	}
	if c.Case != "" {
		replayed, err := readCase(c.Case)
		if err != nil {
			return nil, usageError("--case: %v", err)
		}
		cfg.Config = *replayed.Apply(&cfg.Config)
		if err := replayed.Check(&cfg.Config, c.Net == overNATS); err != nil {
			return nil, usageError("--case %s: %v", c.Case, err)
		}
	}
	return cfg, nil
}

// interval returns the interval of faults in seconds. Unless the command line says
// otherwise, it is short enough for several faults.
func (c *testCommand) interval() float64 {
	if c.NemesisInterval != nil {
		return *c.NemesisInterval
	}
	return max(minInterval, min(10, c.TimeLimit/8))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// names sets the nodes' names.
func (c *testCommand) names(cfg *runner.Config) error {
	switch {
	case c.NodeCount != nil && (*c.NodeCount < 1 || *c.NodeCount > 1000):
		return fmt.Errorf("--node-count %d: must be from 1 to 1000", *c.NodeCount)
	case count(c.NodeCount != nil, len(c.Nodes) > 0, len(c.Node) > 0) > 1:
		return fmt.Errorf("--node-count, --nodes and --node cannot be combined")
	case len(c.Nodes)+len(c.Node) > 0:
		cfg.Nodes = slices.Concat(c.Nodes, c.Node)
	case c.NodeCount != nil:
		for i := range *c.NodeCount {
			cfg.Nodes = append(cfg.Nodes, "n"+strconv.Itoa(i))
		}
	default:
		cfg.Nodes = []string{"n1", "n2", "n3", "n4", "n5"}
	}
	for i, name := range cfg.Nodes {
		switch {
		case name == "" || strings.ContainsAny(name, `/\:`) || name[0] == '.':
			return fmt.Errorf("--nodes: %q is not a valid name", name)
		case trial.IsService(name):
			return fmt.Errorf("--nodes: %s is the name of a service", name)
		case sim.IsClient(name):
			return fmt.Errorf("--nodes: %s is the name of a client", name)
		case slices.Contains(cfg.Nodes[:i], name):
			return fmt.Errorf("--nodes: %s is given twice", name)
		}
	}
	return nil
}

// count is how many of them are so.
func count(each ...bool) (n int) {
	for _, is := range each {
		if is {
			n++
		}
	}
	return n
}

// load sets the rate and the number of clients.
func (c *testCommand) load(cfg *runner.Config) error {
	rate, err := strconv.ParseFloat(c.Rate, 64)
	switch {
	case c.Rate == "":
		cfg.Rate = cfg.Spec.Rate
	case c.Rate == "max":
		cfg.Rate = trial.MaxRate
	case err != nil || !(rate >= 0 && rate <= 1e9):
		return fmt.Errorf("--rate %s: must be operations per second, or max", c.Rate)
	default:
		cfg.Rate = rate
	}
	number, perNode := strings.CutSuffix(cmp.Or(c.Concurrency, cfg.Spec.Concurrency), "n")
	n, err := strconv.Atoi(number)
	if perNode && number == "" {
		n, err = 1, nil
	}
	if perNode {
		n *= len(cfg.Nodes)
	}
	if err != nil || n < 1 || n > 100_000 {
		return fmt.Errorf("--concurrency %s: must be a number of clients, such as 10 or 4n", c.Concurrency)
	}
	cfg.Concurrency = n
	return nil
}

// network sets the configuration of the network.
func (c *testCommand) network(cfg *runner.Config) (err error) {
	n := &cfg.Network
	n.Seed, n.StaleReplies, n.FIFO = c.Seed, c.StaleReplies, c.Order == "fifo"
	n.Loss, n.Duplicate, n.ClientLoss = c.Loss, c.Duplicate, c.ClientLoss
	if ms, number := milliseconds(c.Latency); number == nil {
		n.Latency, err = sim.MaelstromDist(ms, c.LatencyDist)
	} else if c.LatencyDist != "constant" {
		return fmt.Errorf("--latency-dist needs a --latency such as 50 or 50ms, not %s", c.Latency)
	} else {
		n.Latency, err = sim.ParseDist(c.Latency, os.ReadFile)
	}
	if err != nil {
		return fmt.Errorf("--latency: %w", err)
	}
	if n.ClientLatency, err = sim.ParseDist(c.ClientLatency, os.ReadFile); err != nil {
		return fmt.Errorf("--client-latency: %w", err)
	}
	n.Links = map[sim.Link]sim.LinkConfig{}
	for _, text := range c.Link {
		link, special, err := sim.ParseLink(text, os.ReadFile)
		if err != nil {
			return fmt.Errorf("--link: %w", err)
		}
		for _, end := range []string{link.From, link.To} {
			if !slices.Contains(cfg.Nodes, end) && !sim.IsClient(end) && end != sim.AnyClient {
				return fmt.Errorf("--link %s: node %s does not exist", text, end)
			}
		}
		n.Links[link] = special
	}
	return nil
}

// milliseconds parses a time. A plain number is in milliseconds, as in Maelstrom.
func milliseconds(text string) (float64, error) {
	if ms, err := strconv.ParseFloat(text, 64); err == nil {
		return ms, nil
	}
	d, err := time.ParseDuration(text)
	return float64(d) / 1e6, err
}

// transactions sets the configuration of the workloads of transactions.
func (c *testCommand) transactions(cfg *runner.Config) error {
	models, err := txn.ParseModels(c.ConsistencyModels)
	if err != nil {
		return fmt.Errorf("--consistency-models: %w", err)
	}
	if c.KeyCount < 1 || c.MaxTxnLength < 1 || c.MaxWritesPerKey < 1 {
		return fmt.Errorf("--key-count, --max-txn-length and --max-writes-per-key must be positive")
	}
	cfg.Txn = workload.TxnConfig{Models: models, KeyCount: c.KeyCount, MaxLength: c.MaxTxnLength, MaxWritesPerKey: c.MaxWritesPerKey}
	return nil
}

// The limits of the interval in seconds and of the number of faults of each kind,
// because every fault needs time and memory.
const (
	minInterval = 0.01
	maxFaults   = 100_000
)

// limits checks the remaining flags.
func (c *testCommand) limits(cfg *runner.Config) error {
	for name, share := range map[string]float64{"loss": c.Loss, "duplicate": c.Duplicate, "client-loss": c.ClientLoss} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("--%s %v: must be from 0 to 1", name, share)
		}
	}
	switch {
	case !(c.TimeLimit >= 0 && c.TimeLimit <= 1e6):
		return fmt.Errorf("--time-limit %v: must be from 0 to 1000000 s", c.TimeLimit)
	case !(c.interval() >= minInterval && c.interval() <= 1e6):
		return fmt.Errorf("--nemesis-interval %v: must be at least %v s", c.interval(), minInterval)
	case len(c.Nemesis) > 0 && c.TimeLimit/c.interval() > maxFaults:
		return fmt.Errorf("--nemesis-interval %v: this is more than %d faults of a kind in %v s", c.interval(), maxFaults, c.TimeLimit)
	case c.Quiesce != -1 && !(c.Quiesce >= 0 && c.Quiesce <= 1e6):
		return fmt.Errorf("--quiesce %v: must be from 0 to 1000000 s", c.Quiesce)
	case c.StaleReplies && c.Net == overNATS:
		return fmt.Errorf("--stale-replies needs the simulated network: over NATS such replies are dropped")
	case cfg.Virtual && c.Net == overNATS:
		return fmt.Errorf("--network nats needs processes: a WebAssembly program runs in virtual time")
	case cfg.Virtual && cfg.Rate == trial.MaxRate:
		return fmt.Errorf("--rate max needs processes: in virtual time there is no limit to how many operations a second has")
	case c.Store == "":
		return fmt.Errorf("--store: must be a directory")
	case cfg.CallTimeout <= 0 || cfg.CallAttempts < 1 || c.ClientTimeout <= 0 || cfg.CallBackoff < 0:
		return fmt.Errorf("--call-timeout, --call-attempts and --client-timeout must be positive, and --call-backoff not negative")
	}
	err := runner.CheckNemeses(c.Nemesis, c.Net == overNATS)
	if err != nil {
		return fmt.Errorf("--nemesis: %w", err)
	}
	switch c.Availability {
	case "":
	case "total":
		cfg.Availability = 1
	default:
		if cfg.Availability, err = strconv.ParseFloat(c.Availability, 64); err != nil || !(cfg.Availability >= 0 && cfg.Availability <= 1) {
			return fmt.Errorf("--availability %s: must be from 0 to 1, or total", c.Availability)
		}
	}
	return nil
}
