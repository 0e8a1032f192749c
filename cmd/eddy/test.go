package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natscarrier"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/report"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
)

// Exit statuses of eddy test and eddy rerun, as Maelstrom's.
const (
	statusFail    = 1
	statusUnknown = 2
)

// overNATS is the --network that is a real one.
const overNATS = "nats"

// testCommand is `eddy test`. Where a flag is Maelstrom's it means what it
// means there.
type testCommand struct {
	Workload string   `short:"w" required:"" help:"What to ask of the nodes: ${workloads}."`
	Bin      string   `required:"" placeholder:"PROGRAM" help:"The node program, in any language."`
	Args     []string `arg:"" optional:"" help:"The program's own arguments, after --."`

	NodeCount   *int     `name:"node-count" placeholder:"N" help:"Run n0 to n(N-1). Without it, n1 to n5."`
	Nodes       []string `sep:"," placeholder:"NAME" help:"Run nodes of these names."`
	Node        []string `short:"n" sep:"none" placeholder:"NAME" help:"Run a node of this name, too. Can be given again."`
	TimeLimit   float64  `name:"time-limit" default:"10" placeholder:"SECONDS" help:"Ask for so long (${default})."`
	Rate        string   `default:"5" help:"Operations a second, of all clients together (${default}); 0 for none, max for as many as can be."`
	Concurrency string   `default:"1n" help:"Clients that ask at the same time; 4n is four per node (${default})."`

	Net string `name:"network" default:"simulated" enum:"simulated,nats" help:"Carry messages by the simulated network alone, or from there on over NATS (${enum})."`

	Latency       string   `default:"0" help:"Of messages between nodes: a mean in ms for --latency-dist, or constant:50ms, exponential:50ms, uniform:0ms-100ms, file:PATH."`
	LatencyDist   string   `name:"latency-dist" default:"constant" enum:"constant,uniform,exponential" help:"How latencies are distributed (constant, uniform, exponential)."`
	Loss          float64  `help:"Lose this share of the messages between nodes, 0 to 1."`
	Duplicate     float64  `help:"Deliver this share of the messages between nodes twice."`
	ClientLatency string   `name:"client-latency" default:"0" help:"Of messages from and to clients, likewise."`
	ClientLoss    float64  `name:"client-loss" help:"Lose this share of the messages from and to clients."`
	Link          []string `sep:"none" placeholder:"n1:n2:loss=0.5,latency=200" help:"What is different on one link, in one direction. Can be given again."`
	StaleReplies  bool     `name:"stale-replies" help:"Deliver replies to requests of a node's earlier life."`

	Nemesis         []string `sep:"," help:"What goes wrong meanwhile: ${nemeses}."`
	NemesisInterval float64  `name:"nemesis-interval" default:"10" placeholder:"SECONDS" help:"Time from one nemesis to the next, at least 0.01 (${default})."`
	Quiesce         float64  `default:"-1" placeholder:"SECONDS" help:"Calm before the final phase. Without it, as long as messages may take, for broadcast and relay, and else none."`
	Seed            uint64   `help:"Where chance begins; the same seed gives each message the same fate. Without it, a new one."`

	ClientTimeout time.Duration `name:"client-timeout" default:"5s" help:"How long a client waits for an answer, beside what calls and latencies may take (${default})."`

	Topology     string        `default:"grid" enum:"line,grid,tree,tree2,tree3,tree4,total" help:"Of broadcast: who is told to be whose neighbour (${enum})."`
	CallTimeout  time.Duration `name:"call-timeout" default:"500ms" help:"What a relay under test promises: how long each attempt waits (${default})."`
	CallAttempts int           `name:"call-attempts" default:"3" help:"And how many attempts it makes (${default})."`
	CallBackoff  time.Duration `name:"call-backoff" default:"0s" help:"And how long it may pause before it tries again (${default})."`
	CallLate     string        `name:"call-late" default:"accept" enum:"accept,ignore" help:"And what it does with a reply that comes after its attempt's timeout (accept or ignore)."`
	Availability string        `placeholder:"SHARE" help:"Fail if less than this share of operations ends ok; total is 1."`
	Sick         string        `default:"fail" enum:"fail,report" help:"Sick nodes make the verdict fail, or (report) unknown."`

	Store      string `default:"store" placeholder:"DIR" help:"Where to keep what happened (${default})."`
	JSON       bool   `name:"json" help:"Print results.json instead of text; with --test-count an array of them."`
	JUnit      string `name:"junit" placeholder:"FILE" help:"Write the verdicts for a build server, too."`
	TestCount  int    `name:"test-count" default:"1" help:"Run the test so often, each time with another seed; end at the first that doesn't pass."`
	LogStderr  bool   `name:"log-stderr" help:"Show what nodes write to stderr."`
	LogNetSend bool   `name:"log-net-send" help:"Show every message that a node sends."`
	LogNetRecv bool   `name:"log-net-recv" help:"Show every message that a node receives."`

	argv   []string // the command line, to be stored
	stored string   // where the latest run was
	runs   []*report.Results
}

func (testCommand) Help() string {
	return `Starts nodes, asks them for what the workload says, through a network that it simulates, and says whether what came back is right: pass, fail, or unknown.

  eddy test -w relay --bin ./relay --node-count 3 --loss 0.1 --nemesis partition,kill --seed 42

With --network nats what the simulated network lets through goes over three NATS servers, each a process of its own; kill-server and partition-servers make these go wrong.

The exit status is 0 for pass, 1 for fail, 2 for unknown, 254 for bad arguments, 255 if eddy itself failed.`
}

func (c *testCommand) Run(ctx *kong.Context) error {
	if err := onlyOnce(ctx); err != nil {
		return err
	}
	c.argv = ctx.Args[1:]
	if len(c.Args) > 0 && !slices.Contains(ctx.Args, "--") {
		return usageError("unexpected argument %s; a node's own arguments follow --", c.Args[0])
	}
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

// once runs the test, shows and stores what it came to, and returns the verdict.
func (c *testCommand) once() (verdict string, err error) {
	cfg, err := c.config()
	if err != nil {
		return "", err
	}
	store, err := report.NewStore(c.Store, c.Workload, time.Now())
	if err != nil {
		return "", fmt.Errorf("keep what happens: %w", err)
	}
	cfg.Dirs, cfg.Logs = store.Dirs(), store.Logs()
	status := newStatusLine(os.Stderr)
	started := time.Now()
	teller := store.Tell(cfg, c.argv, started)
	cfg.Live = func(p runner.Progress) {
		status.show(p.At, func() string { return testStatus(&p) })
		teller.Show(p)
	}
	c.trace(cfg, os.Stderr)
	if c.Net == overNATS {
		program, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("start NATS servers: %w", err)
		}
		cfg.Carrier = natscarrier.New(natscarrier.Config{Program: program, Args: []string{"nats-server"}, Logs: store.NATSLogs()})
		status.say("starting NATS servers")
	}

	collectOften()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second one ends us at once
	res, err := runner.Run(ctx, cfg)
	status.clear()
	if err != nil {
		store.Discard()
		return "", startError(c.Bin, err)
	}
	store.Keep(res)
	results := report.New(cfg, res, c.Sick == "report")
	results.Started = started
	results.Command.Args = c.argv
	if results.Command.Dir, err = os.Getwd(); err != nil {
		return "", err
	}
	if err := c.show(os.Stdout, results); err != nil {
		return "", err
	}
	if err := store.Write(results, res); err != nil {
		return "", fmt.Errorf("keep what happened: %w", err)
	}
	c.stored = store.Dir
	if !c.JSON {
		fmt.Printf("stored in   %s\n", store.Dir)
	}
	return results.Verdict, nil
}

// collectOften lets the collector run when a quarter of the memory is new, and not
// when half of it is. History and journal are most of it and have no pointers, so
// that a collection costs next to nothing. Who sets GOGC knows better.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
}

// show prints the results, and writes them where else they were asked for. Nobody
// has to wait for them until millions of messages are on the disk.
func (c *testCommand) show(to io.Writer, results *report.Results) error {
	c.runs = append(c.runs, results)
	if c.JUnit != "" {
		if err := os.WriteFile(c.JUnit, report.JUnit(c.runs), 0o644); err != nil {
			return fmt.Errorf("write --junit: %w", err)
		}
	}
	if !c.JSON {
		_, err := io.WriteString(to, results.Text())
		return err
	}
	text, err := results.JSON()
	if err == nil && len(c.runs) > 1 {
		_, err = io.WriteString(to, ",\n")
	}
	if err == nil {
		_, err = to.Write(text)
	}
	return err
}

// trace shows messages as they pass, if that was asked for.
func (c *testCommand) trace(cfg *runner.Config, to io.Writer) {
	if c.LogStderr {
		cfg.Stderr = to
	}
	if !c.LogNetSend && !c.LogNetRecv {
		return
	}
	cfg.Trace = func(t runner.Traffic) {
		if t.Received && !c.LogNetRecv || !t.Received && !c.LogNetSend {
			return
		}
		word := "send"
		if t.Received {
			word = "recv"
		}
		fmt.Fprintf(to, "%8.3fs %s %s > %s %s\n", t.At.Seconds(), word, t.Message.Src, t.Message.Dest, quote.Printable(t.Message.Body))
	}
}

// onlyOnce rejects a flag that is given twice, unless it is one that adds up.
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
