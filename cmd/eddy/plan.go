package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kong"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/plan"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// planCommand is `eddy plan`.
type planCommand struct {
	Policy []string `default:"default" sep:"none" placeholder:"FILE|PRESET" help:"A JSON file with a policy, or one of ${presets}. Repeat to compare policies."`

	Loss      float64       `placeholder:"SHARE" help:"The share of messages that are lost each way, 0 to 1 (0)."`
	RoundTrip string        `name:"round-trip" default:"0" placeholder:"KIND:VALUE" help:"The latency of a request and its reply together (0): 50ms, constant:50ms, exponential:50ms, uniform:0ms-100ms, lognormal:50ms,0.5 (median and sigma), or file:PATH with measured milliseconds."`
	TraceFile string        `name:"trace-file" placeholder:"FILE" help:"Draw round trips from a file with measured milliseconds, one per line. Only these occur, each as often as in the file; with --round-trip file:PATH, values between them occur, too."`
	Rate      float64       `default:"1000" placeholder:"N" help:"Calls per second, at random times (${default})."`
	Duration  time.Duration `help:"In each run, calls begin for this time. Without it, until there are --calls."`
	Calls     int           `placeholder:"N" help:"The number of calls at most, of all runs together. Without it and --duration, 1,000,000."`
	Hops      int           `default:"1" placeholder:"N" help:"The length of the chain of calls. Each hop but the last leads to a relay with the same policy, and the last one to the leaf (${default})."`
	Capacity  float64       `placeholder:"N" help:"Requests that the leaf serves per second. Without it, any number."`
	Queue     int           `placeholder:"N" help:"Requests that may wait at the leaf. It answers one more with error 11. Without it, any number."`
	Outage    string        `placeholder:"FROM:FOR" help:"When the leaf does not serve, such as 20s:5s. Requests that arrive meanwhile wait."`
	Runs      int           `placeholder:"N" help:"How many runs there are, each with another seed. The results say how much they differ. Without it, 4 to 10: fewer if these would have less than 1,000 calls each, or more than 1,000,000 in all."`
	Seed      uint64        `default:"1" placeholder:"N" help:"The random seed of the first run (${default}). The others have those that follow. The same seed gives the same numbers."`

	Want   string `placeholder:"GOALS" help:"Search for the attempts, timeout and backoff that reach goals, such as success=99.9%,p99=300ms, and print the best policies with what each costs in load. Further goals: p50, p90, p99.9, load (requests per call), peak (of retries), recovered."`
	Within string `placeholder:"BOUNDS" help:"What --want searches (attempts=1-6,timeout=10ms-2s,backoff=20ms-500ms)."`

	JSON bool   `name:"json" help:"Print an array with one object per policy."`
	HTML string `name:"html" placeholder:"FILE" help:"Also write an HTML page with charts."`
}

func (planCommand) Help() string {
	return `Runs the code that a node runs, in virtual time, against a model of the network and of the callee.

  eddy plan --policy default --policy budgeted --loss 0.1 --round-trip exponential:50ms
  eddy plan --policy default --rate 1000 --duration 60s --hops 3 --capacity 1200 --outage 20s:5s --html plan.html

docs/policies.md explains policies, the model and the numbers.`
}

// defaultCalls is how many calls are simulated by default, by all runs together.
const defaultCalls = 1_000_000

// A planned is the JSON form of a policy and its result.
type planned struct {
	Policy   string        `json:"policy"`
	Sentence string        `json:"sentence"`
	Settings *retry.Policy `json:"settings"`
	Seed     uint64        `json:"seed"`
	Runs     int           `json:"runs"`
	plan.Result
	Least    plan.Figures `json:"least"`
	Greatest plan.Figures `json:"greatest"`
}

// maxRuns is the greatest number of runs.
const maxRuns = 1000

func (c *planCommand) Run(ctx *kong.Context) error {
	if err := onlyOnce(ctx); err != nil {
		return err
	}
	model, err := c.model(ctx)
	if err != nil {
		return usageError("%v", err)
	}
	policies := make([]*retry.Policy, len(c.Policy))
	for i, name := range c.Policy {
		if policies[i], err = readPolicy(name); err != nil {
			return usageError("--policy %s: %v", name, err)
		}
		warn(name, policies[i])
	}
	if search, err := c.wanted(model, policies); err != nil {
		return usageError("%v", err)
	} else if search != nil {
		return c.search(search)
	}
	if err := c.checkHTML(); err != nil { // not after minutes of work
		return usageError("--html %s: %v", c.HTML, err)
	}
	status := newStatusLine(os.Stderr)
	plans := make([]plan.Planned, len(policies))
	for i, p := range policies {
		plans[i] = c.plan(model, p, c.Policy[i], status)
		if plans[i].TooMany() {
			status.clear()
			return fmt.Errorf("--policy %s: more than %d calls and messages at the same time, which is too many to simulate; set fewer --hops, fewer --calls or a lower --rate", c.Policy[i], plan.MaxOpen)
		}
	}
	status.clear()
	if plans[0].Sample.Calls == 0 {
		return usageError("no call begins within --duration %v at --rate %v", c.Duration, c.Rate)
	}
	for _, p := range plans {
		if m := model; m.Outage.For > 0 && p.Sample.DuringOutage() == 0 {
			return usageError("--outage %s: with --policy %s no request reaches the leaf during the outage, so it changes nothing; set a longer outage, a higher --rate than %v or a lower --loss than %v", c.Outage, p.Name, m.Rate, m.Loss)
		}
	}
	err = c.show(os.Stdout, model, plans)
	if c.HTML != "" {
		err = errors.Join(err, c.writePage(ctx, model, plans))
	}
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// checkHTML returns an error if the page surely cannot be written.
func (c *planCommand) checkHTML() error {
	if c.HTML == "" {
		return nil
	}
	if info, err := os.Stat(c.HTML); err == nil && info.IsDir() {
		return errors.New("must be a file, and is a directory")
	}
	_, err := os.Stat(filepath.Dir(c.HTML))
	return err
}

// model returns the model that the flags describe.
func (c *planCommand) model(ctx *kong.Context) (*plan.Model, error) {
	m := &plan.Model{
		Calls: c.Calls, Duration: c.Duration, Rate: c.Rate, Loss: c.Loss, Hops: c.Hops,
		Capacity: c.Capacity, Queue: c.Queue, Seed: c.Seed,
	}
	for _, positive := range []struct {
		name string
		ok   bool
	}{{"calls", c.Calls > 0}, {"duration", c.Duration > 0}, {"rate", c.Rate > 0}, {"hops", c.Hops > 0}, {"capacity", c.Capacity > 0}, {"queue", c.Queue > 0}} {
		if given(ctx, positive.name) && !positive.ok {
			return nil, fmt.Errorf("--%s must be more than 0", positive.name)
		}
	}
	if given(ctx, "runs") && (c.Runs < 2 || c.Runs > maxRuns) {
		return nil, fmt.Errorf("--runs %d: must be from 2 to %d; one run does not say how much runs differ", c.Runs, maxRuns)
	}
	if m.Calls == 0 && m.Duration == 0 {
		m.Calls = defaultCalls
	}
	var err error
	if m.Latency, err = sim.ParseDist(c.RoundTrip, os.ReadFile); err != nil {
		return nil, fmt.Errorf("--round-trip: %w", err)
	}
	if c.TraceFile != "" {
		if m.Latency, err = readTrace(c.TraceFile, given(ctx, "round-trip")); err != nil {
			return nil, fmt.Errorf("--trace-file %s: %w", c.TraceFile, err)
		}
	}
	if m.Outage, err = parseOutage(c.Outage); err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	if c.Runs == 0 {
		c.Runs = usualRuns(m)
	}
	if each := m.Seeds(c.Runs)[0]; m.Outage.From >= each.Span() && m.Outage.From > 0 {
		return nil, fmt.Errorf("--outage %s: begins after the last call of a run, at about %v; set a longer --duration", c.Outage, each.Span().Round(time.Millisecond))
	}
	return m, nil
}

// readTrace reads measured round trips.
func readTrace(path string, other bool) (sim.Dist, error) {
	if other {
		return sim.Dist{}, errors.New("must be given without --round-trip, because both say how long round trips are")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return sim.Dist{}, err
	}
	return sim.ParseTrace(path, text)
}

// usualRuns returns how many runs there are by default: so many that the results say how much
// runs differ, and not so many that the command is slow.
func usualRuns(m *plan.Model) int {
	const most, least = 10, 4
	runs := defaultCalls / max(m.Expected(), 1)
	if m.Calls > 0 { // of all runs together
		runs = m.Calls / 1000
	}
	return min(max(runs, least), most)
}

// parseOutage parses the beginning and the length of an outage.
func parseOutage(text string) (plan.Window, error) {
	if text == "" {
		return plan.Window{}, nil
	}
	from, long, ok := strings.Cut(text, ":")
	begin, err := parseTime(from)
	length, err2 := parseTime(long)
	if !ok || err != nil || err2 != nil || begin < 0 || length <= 0 {
		return plan.Window{}, fmt.Errorf("--outage %s: must be its beginning and its length, such as 20s:5s", text)
	}
	return plan.Window{From: begin, For: length}, nil
}

// readPolicy returns a preset or the policy in a file.
func readPolicy(name string) (*retry.Policy, error) {
	p, err := retry.Find(name, os.ReadFile)
	if err != nil {
		return nil, err
	}
	return p, plan.ValidatePolicy(p)
}

// plan runs a policy. For a page, it runs it under other losses, too.
func (c *planCommand) plan(m *plan.Model, p *retry.Policy, name string, status *statusLine) plan.Planned {
	models := m.Seeds(c.Runs)
	planned := plan.Planned{Name: name, Policy: p}
	planned.Sample = plan.Together(models[0], runAll(models, p, plan.MaxOpen, status.bar(name, models[0].Expected()*len(models))))
	if c.HTML != "" && !planned.TooMany() {
		planned.Sweep = plan.Sweep(m, p, plan.Watch{Progress: status.bar(name+", other losses", plan.SweepCalls(m))})
	}
	return planned
}

// runAll runs a policy against models, as many at once as there are processors. Together
// they have at most mostOpen calls and messages open at the same time: a run that needs more
// than its part runs again alone. progress is called with the number of calls that have begun
// in all runs.
func runAll(models []*plan.Model, p *retry.Policy, mostOpen int, progress func(done int) (stop bool)) []*plan.Result {
	results := make([]*plan.Result, len(models))
	begun := make([]int, len(models))
	all := 0
	var mu sync.Mutex
	run := func(i, mostOpen int) {
		results[i] = plan.Run(models[i], p, plan.Watch{MostOpen: mostOpen, Progress: func(done int) bool {
			mu.Lock()
			defer mu.Unlock()
			all += done - begun[i]
			begun[i] = done
			return progress(all)
		}})
	}
	atOnce := min(runtime.GOMAXPROCS(0), len(models))
	slots := make(chan bool, atOnce)
	var running sync.WaitGroup
	for i := range models {
		slots <- true
		running.Go(func() {
			defer func() { <-slots }()
			run(i, mostOpen/atOnce)
		})
	}
	running.Wait()
	for i := range models {
		if results[i].TooMany {
			if run(i, mostOpen); results[i].TooMany {
				break
			}
		}
	}
	return results
}

func (c *planCommand) writePage(ctx *kong.Context, m *plan.Model, plans []plan.Planned) error {
	p := plan.Page{Command: quote.Shell(append([]string{"eddy"}, ctx.Args...)...), Model: m, Plans: plans}
	page, err := p.HTML()
	if err != nil {
		return err
	}
	return os.WriteFile(c.HTML, []byte(page), 0o644)
}

// show prints the results.
func (c *planCommand) show(to io.Writer, m *plan.Model, plans []plan.Planned) error {
	if !c.JSON {
		text := plan.Table(m, plans) + "\n"
		for _, p := range plans {
			text += p.Sentence(m) + "\n"
		}
		if m.Outage.For > 0 {
			text += "\n" + plan.LoadTable(plans)
		}
		_, err := io.WriteString(to, text)
		return err
	}
	all := make([]planned, len(plans))
	for i, p := range plans {
		all[i] = planned{p.Name, p.Sentence(m), p.Policy, c.Seed, p.Sample.Runs, p.Sample.Result, p.Sample.Least, p.Sample.Greatest}
	}
	return printJSON(to, all)
}
