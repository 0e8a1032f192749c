package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natscarrier"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/wasmrunner"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/report"
	"github.com/eddyrpc/eddy/internal/trial"
)

// Exit statuses of eddy test and eddy rerun. They are those of Maelstrom.
const (
	statusFail    = 1
	statusUnknown = 2
)

// overNATS is the value of --network for a carrier of NATS servers.
const overNATS = "nats"

// testCommand is `eddy test`. A flag that Maelstrom has, too, has the same meaning.
type testCommand struct {
	Workload string   `short:"w" required:"" placeholder:"NAME" help:"The workload: ${workloads}."`
	Bin      string   `required:"" placeholder:"PROGRAM" help:"The node program, in any language."`
	Topology string   `default:"grid" enum:"line,grid,tree,tree2,tree3,tree4,total" help:"The topology that broadcast sends to the nodes: ${enum} (${default})."`
	Args     []string `arg:"" optional:"" help:"The arguments of the program, after --."`

	NodeCount *int     `name:"node-count" placeholder:"N" group:"nodes" help:"Run nodes n0 to n(N-1). Without it, n1 to n5."`
	Nodes     []string `sep:"," placeholder:"NAME" group:"nodes" help:"Run nodes with these names."`
	Node      []string `short:"n" sep:"none" placeholder:"NAME" group:"nodes" help:"Run a node with this name, too. Can be repeated."`

	TimeLimit     float64       `name:"time-limit" type:"seconds" default:"10" group:"load" help:"The length of the main phase, in which clients send requests (${default}): seconds, or with a unit, such as 500ms."`
	Rate          string        `placeholder:"N" group:"load" help:"Operations per second of all clients together; 0 for none, max for as many as possible. Without it, ${rates}."`
	Concurrency   string        `placeholder:"N" group:"load" help:"The number of clients; 4n means four per node. Without it, ${concurrencies}."`
	ClientTimeout time.Duration `name:"client-timeout" default:"5s" group:"load" help:"How long a client waits for a reply, in addition to the time that calls and latencies may take (${default})."`

	Net           string   `name:"network" default:"simulated" enum:"simulated,nats" group:"network" help:"The network: simulated, or nats to send messages over NATS servers after the simulated network (${default})."`
	Latency       string   `default:"0" placeholder:"LATENCY" group:"network" help:"The latency of messages between nodes (${default}): the mean for --latency-dist in ms, or with a unit, such as 0.1s; or constant:50ms, exponential:50ms, uniform:0ms-100ms, file:PATH."`
	LatencyDist   string   `name:"latency-dist" default:"constant" enum:"constant,uniform,exponential" group:"network" help:"The distribution of latencies (${default})."`
	Loss          float64  `placeholder:"SHARE" group:"network" help:"The share of messages between nodes that are lost, 0 to 1."`
	Duplicate     float64  `placeholder:"SHARE" group:"network" help:"The share of messages between nodes that are delivered twice, 0 to 1."`
	Order         string   `default:"any" enum:"any,fifo" group:"network" help:"The order of the messages of a link between nodes: any, or fifo for the order in which they were sent, as over TCP (${default})."`
	ClientLatency string   `name:"client-latency" default:"0" placeholder:"LATENCY" group:"network" help:"The latency of messages from and to clients, like --latency (${default})."`
	ClientLoss    float64  `name:"client-loss" placeholder:"SHARE" group:"network" help:"The share of messages from and to clients that are lost, 0 to 1."`
	Link          []string `sep:"none" placeholder:"n1:n2:loss=0.5,latency=200" group:"network" help:"Latency, loss or duplication of one link, in one direction. Can be repeated."`
	StaleReplies  bool     `name:"stale-replies" group:"network" help:"Deliver replies to requests of an earlier incarnation of a node."`

	Nemesis         []string `sep:"," placeholder:"FAULT" group:"faults" help:"Faults in the main phase: ${nemeses}."`
	NemesisInterval *float64 `name:"nemesis-interval" type:"seconds" group:"faults" help:"The mean duration of a fault, and the mean time to the next one; at least 0.01. Without it, an eighth of --time-limit, and at most 10."`
	Quiesce         float64  `type:"seconds" default:"-1" group:"faults" help:"The wait before the final phase. Without it, as long as messages may take for workloads in which messages between nodes change later replies, otherwise none."`
	Seed            uint64   `placeholder:"N" group:"faults" help:"The random seed. The same seed gives each message the same fate. Without it, a new one."`

	Policy       string         `placeholder:"FILE|PRESET" group:"relays" help:"The policy of the relays: a JSON file, or one of ${presets}. The flags --call-... go over it. Without it, all attempts have the same timeout."`
	CallTimeout  *time.Duration `name:"call-timeout" placeholder:"TIME" group:"relays" help:"The timeout of each attempt. Without it and --policy, 500ms. A plain number is in seconds, as for every time but a latency."`
	CallAttempts *int           `name:"call-attempts" placeholder:"N" group:"relays" help:"The number of attempts of a call. Without it and --policy, 3."`
	CallBackoff  *time.Duration `name:"call-backoff" placeholder:"TIME" group:"relays" help:"The longest pause between two attempts. Without it and --policy, there is none."`
	CallLate     string         `name:"call-late" default:"" enum:",accept,ignore" placeholder:"accept|ignore" group:"relays" help:"What a relay does with a reply that arrives after its attempt's timeout. Without it and --policy, accept."`

	ConsistencyModels string `name:"consistency-models" default:"strict-serializable" placeholder:"NAMES" group:"transactions" help:"The consistency models that transactions must fit, separated by commas (${default})."`
	KeyCount          int    `name:"key-count" default:"10" placeholder:"N" group:"transactions" help:"How many keys are in use at a time (${default})."`
	MaxTxnLength      int    `name:"max-txn-length" default:"4" placeholder:"N" group:"transactions" help:"How many operations a transaction has at most (${default})."`
	MaxWritesPerKey   int    `name:"max-writes-per-key" default:"16" placeholder:"N" group:"transactions" help:"After how many writes another key takes the place of a key (${default})."`

	Availability string `placeholder:"SHARE" group:"verdict" help:"Fail if a smaller share of operations ends ok, or with an error that is a result, such as 22 of a cas; total means 1."`
	Sick         string `default:"warn" enum:"warn,fail,unknown,report,ignore" placeholder:"MEANING" group:"verdict" help:"What violations mean: warn: they fail the test, but what nodes say to each other only gives warnings; fail: so does that; unknown: they make the verdict unknown; report: those of the protocol give warnings; ignore: all do, and only the history is judged (${default})."`

	Store       string `default:"store" placeholder:"DIR" group:"output" help:"The directory for the files of tests (${default})."`
	JSON        bool   `name:"json" group:"output" help:"Print results.json instead of text; with --test-count, an array of them."`
	JUnit       string `name:"junit" placeholder:"FILE" group:"output" help:"Also write the verdicts as JUnit XML for a build server."`
	TestCount   int    `name:"test-count" default:"1" group:"output" help:"Run the test this many times, each time with another seed; stop after the first that does not pass."`
	exportFlags `embed:""`
	LogStderr   bool `name:"log-stderr" group:"output" help:"Show what nodes write to stderr."`
	LogNetSend  bool `name:"log-net-send" group:"output" help:"Show every message that a node sends."`
	LogNetRecv  bool `name:"log-net-recv" group:"output" help:"Show every message that a node receives."`

	Case string `name:"case" placeholder:"FILE" group:"output" help:"Replay a case that eddy hunt has stored: case.json in the directory of its test."`

	argv   []string // the command line, to be stored
	quiet  bool     // print no results
	stored string   // the directory of the latest run
	runs   []*report.Results
}

// testGroups are the groups of eddy test's flags, in the order of its help.
var testGroups = []kong.Group{
	{Key: "nodes", Title: "Nodes:"},
	{Key: "load", Title: "Load:"},
	{Key: "network", Title: "Network:"},
	{Key: "faults", Title: "Faults:"},
	{Key: "relays", Title: "Relays:", Description: "What workload relay expects of the relays under test."},
	{Key: "transactions", Title: "Transactions, and the logs of kafka:"},
	{Key: "verdict", Title: "Verdict:"},
	{Key: "output", Title: "Output:"},
	{Key: "hunt", Title: "Search:"},
}

func (testCommand) Help() string {
	return `Starts nodes, sends them the requests of a workload over a simulated network with faults, checks the replies, and prints a verdict: pass, fail or unknown.

  eddy test -w relay --bin ./relay --node-count 3 --loss 0.1 --nemesis partition,kill --seed 42

With --network nats, the messages that the simulated network delivers are sent over three NATS servers. The faults kill-server and partition-servers affect these servers.

The exit status is 0 for pass, 1 for fail, 2 for unknown, 254 for bad arguments, 255 if eddy itself fails.`
}

// check checks the form of a command line.
func (c *testCommand) check(ctx *kong.Context) error {
	if err := onlyOnce(ctx); err != nil {
		return err
	}
	if wrong := wrongDash(ctx.Args); len(c.Args) > 0 && wrong != nil {
		return usageError("%v", wrong)
	}
	if len(c.Args) > 0 && !slices.Contains(ctx.Args, "--") {
		return usageError("unexpected argument %s; arguments of the node program must follow --", c.Args[0])
	}
	return nil
}

func (c *testCommand) Run(ctx *kong.Context) error {
	if err := c.check(ctx); err != nil {
		return err
	}
	if c.Policy != "" {
		if p, err := c.policy(); err == nil {
			warn(c.Policy, p)
		}
	}
	c.argv = ctx.Args[1:]
	seeded := given(ctx, "seed")
	if c.TestCount < 1 {
		return usageError("--test-count must be at least 1")
	}
	if c.JSON && c.TestCount > 1 {
		fmt.Println("[")
		defer fmt.Println("]")
	}
	for i := range c.TestCount {
		if !seeded {
			c.Seed = newSeed()
		} else if i > 0 {
			c.Seed++
		}
		verdict, err := c.once()
		if err != nil {
			return err
		}
		if status := statusOf(verdict); status != 0 {
			return statusErr{status: status}
		}
	}
	return nil
}

func statusOf(verdict string) int {
	switch verdict {
	case "pass":
		return 0
	case "fail":
		return statusFail
	}
	return statusUnknown
}

// once runs the test, prints and stores its results, and returns the verdict.
func (c *testCommand) once() (verdict string, err error) {
	var replayed *trial.Case
	if c.Case != "" {
		if replayed, err = readCase(c.Case); err != nil {
			return "", usageError("--case: %v", err)
		}
	}
	if _, err := c.config(); err != nil {
		return "", err
	}
	store, err := c.storeCase(replayed)
	if err != nil {
		return "", err
	}
	results, _, err := c.onceIn(store)
	if err != nil {
		return "", err
	}
	return results.Verdict, nil
}

// storeCase creates the directory of a test. If the test replays a case, the case is in
// the directory, so that the test can be run again.
func (c *testCommand) storeCase(replayed *trial.Case) (*report.Store, error) {
	store, err := report.NewStore(c.Store, c.Workload, time.Now())
	if err != nil {
		return nil, fmt.Errorf("create the store: %w", err)
	}
	if replayed == nil {
		return store, nil
	}
	c.Case = filepath.Join(store.Dir, caseName)
	c.argv = c.args()
	return store, writeCase(c.Case, replayed)
}

// onceIn runs the test, and prints and stores its results in a directory.
func (c *testCommand) onceIn(store *report.Store) (results *report.Results, res *trial.Result, err error) {
	cfg, err := c.config()
	if err != nil {
		store.Discard()
		return nil, nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, nil, err
	}
	cfg.Dirs, cfg.Logs = store.Dirs(), store.Logs()
	status := newStatusLine(os.Stderr)
	started := time.Now()
	progress := store.WriteProgress(&cfg.Config, c.argv, started)
	cfg.OnProgress = func(p trial.Progress) {
		status.show(p.At, func() string { return testStatus(&p) })
		progress.Update(p)
	}
	c.trace(cfg, os.Stderr)
	if c.Net == overNATS {
		if cfg.Carrier, err = carrier(store); err != nil {
			return nil, nil, err
		}
		status.say("starting NATS servers")
	}

	collectOften()
	ctx, stop := untilSignal()
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends this process at once
	res, err = runTest(ctx, cfg)
	status.clear()
	if err != nil {
		store.Discard()
		return nil, nil, startError(c.Bin, err)
	}
	store.Keep(res)
	results = judge(&cfg.Config, res, status)
	defer endOnSignal(store.Dir)()
	results.Started, results.Command.Args, results.Command.Dir = started, c.argv, dir
	if err := c.finish(store, results, res, status); err != nil {
		return nil, nil, err
	}
	return results, res, nil
}

// runTest runs a test of processes in real time, or of WebAssembly programs in virtual time.
func runTest(ctx context.Context, cfg *runner.Config) (*trial.Result, error) {
	if !cfg.Virtual {
		return runner.Run(ctx, cfg)
	}
	program, err := wasmrunner.Compile(ctx, cfg.Bin)
	if err != nil {
		return nil, err
	}
	defer program.Close(ctx)
	return program.Run(ctx, cfg)
}

// carrier returns NATS servers that carry the messages of a test.
func carrier(store *report.Store) (runner.Carrier, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start NATS servers: %w", err)
	}
	return natscarrier.New(natscarrier.Config{Program: program, Args: []string{"nats-server"}, Logs: store.NATSLogs()}), nil
}

// collectOften makes the garbage collector run when the heap has grown by a quarter,
// which saves memory. A collection is cheap, because most of the heap is history and
// journal, which contain no pointers. GOGC has precedence.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
}

// trace prints the messages that the flags select.
func (c *testCommand) trace(cfg *runner.Config, to io.Writer) {
	if c.LogStderr {
		cfg.Stderr = to
	}
	if !c.LogNetSend && !c.LogNetRecv {
		return
	}
	cfg.Trace = func(t trial.Traffic) {
		if t.Received && !c.LogNetRecv || !t.Received && !c.LogNetSend {
			return
		}
		word := "send"
		if t.Received {
			word = "recv"
		}
		fmt.Fprintf(to, "%8.3fs %s %s > %s %s\n", t.At.Seconds(), word, quote.Printable(t.Message.Src), quote.Printable(t.Message.Dest), quote.JSON(t.Message.Body))
	}
}

// onlyOnce returns an error if a flag that takes one value is given twice.
func onlyOnce(ctx *kong.Context) error {
	seen := map[string]bool{}
	for _, p := range ctx.Path {
		if p.Flag == nil {
			continue
		}
		if name := p.Flag.Name; seen[name] && !p.Flag.IsSlice() {
			return usageError("--%s is given twice; see eddy %s --help", name, ctx.Selected().Name)
		} else {
			seen[name] = true
		}
	}
	return nil
}

// given reports whether a flag is on the command line.
func given(ctx *kong.Context, name string) bool {
	return slices.ContainsFunc(ctx.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == name })
}
