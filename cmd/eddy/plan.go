package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/plan"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// planCommand is `eddy plan`.
type planCommand struct {
	Policy []string `default:"default" sep:"none" placeholder:"FILE|PRESET" help:"A policy as JSON, or one of ${presets}. Can be given again, to compare."`

	Loss     float64       `placeholder:"SHARE" help:"Of messages each way, 0 to 1 (0)."`
	Latency  string        `default:"0" placeholder:"KIND:VALUE" help:"Of a round trip (none): constant:50ms, exponential:50ms, uniform:0ms-100ms, lognormal:50ms,0.5 (median and sigma), or file:PATH of measured milliseconds."`
	Rate     float64       `default:"1000" placeholder:"CALLS" help:"Calls a second, at random times (${default})."`
	Duration time.Duration `help:"How long calls begin. Without it, as long as --calls take."`
	Calls    int           `placeholder:"CALLS" help:"At most so many calls. Without it and --duration, 1,000,000."`
	Hops     int           `default:"1" placeholder:"HOPS" help:"Calls in a chain: each hop but the last leads to a relay with the same policy (${default})."`
	Capacity float64       `placeholder:"REQUESTS" help:"What the callee at the end serves a second. Without it, anything."`
	Queue    int           `placeholder:"REQUESTS" help:"How many may wait there; one more gets error 11. Without it, any number."`
	Outage   string        `placeholder:"FROM:FOR" help:"When the callee stops serving, such as 20s:5s. What arrives meanwhile waits."`
	Seed     uint64        `default:"1" placeholder:"NUMBER" help:"Where chance begins (${default})."`

	JSON bool   `name:"json" help:"Print an array with one object per policy."`
	HTML string `name:"html" placeholder:"FILE" help:"Write one page with curves, too."`
}

func (planCommand) Help() string {
	return `Runs the very code of policies that a node runs, in virtual time, against a model of the network and of the callee.

  eddy plan --policy default --policy budgeted --loss 0.1 --latency exponential:50ms
  eddy plan --policy default --rate 1000 --duration 60s --hops 3 --capacity 1200 --outage 20s:5s --html plan.html

docs/policies.md explains policies, the model, and what the numbers mean.`
}

// defaultCalls is how many calls are simulated unless it is said otherwise.
const defaultCalls = 1_000_000

// A planned is a policy and what it did, as JSON.
type planned struct {
	Policy   string        `json:"policy"`
	Settings *retry.Policy `json:"settings"`
	Seed     uint64        `json:"seed"`
	plan.Result
}

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
			return fmt.Errorf("--policy %s: more than %d calls and messages under way at once, too many to simulate; ask for fewer --hops, --calls or a lower --rate", c.Policy[i], plan.MaxOpen)
		}
	}
	status.clear()
	if plans[0].Result.Calls == 0 {
		return usageError("no call begins within --duration %v at --rate %v", c.Duration, c.Rate)
	}
	err = c.show(os.Stdout, model, plans)
	if c.HTML != "" {
		err = errors.Join(err, os.WriteFile(c.HTML, []byte(c.page(ctx, model, plans)), 0o644))
	}
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// checkHTML tells why the page could surely not be written.
func (c *planCommand) checkHTML() error {
	if c.HTML == "" {
		return nil
	}
	if info, err := os.Stat(c.HTML); err == nil && info.IsDir() {
		return errors.New("that is a directory")
	}
	_, err := os.Stat(filepath.Dir(c.HTML))
	return err
}

// model is the one that the flags describe.
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
			return nil, fmt.Errorf("--%s must be over 0", positive.name)
		}
	}
	if m.Calls == 0 && m.Duration == 0 {
		m.Calls = defaultCalls
	}
	var err error
	if m.Latency, err = sim.ParseDist(c.Latency, os.ReadFile); err != nil {
		return nil, fmt.Errorf("--latency: %w", err)
	}
	if m.Outage, err = parseOutage(c.Outage); err != nil {
		return nil, err
	}
	return m, m.Validate()
}

// parseOutage reads when an outage begins and how long it takes.
func parseOutage(text string) (plan.Window, error) {
	if text == "" {
		return plan.Window{}, nil
	}
	from, long, ok := strings.Cut(text, ":")
	begin, err := time.ParseDuration(from)
	length, err2 := time.ParseDuration(long)
	if !ok || err != nil || err2 != nil || begin < 0 || length <= 0 {
		return plan.Window{}, fmt.Errorf("--outage %s: want when it begins and how long it takes, such as 20s:5s", text)
	}
	return plan.Window{From: begin, For: length}, nil
}

// readPolicy is a preset, or what a file says.
func readPolicy(name string) (*retry.Policy, error) {
	p, err := retry.Find(name, os.ReadFile)
	if err != nil {
		return nil, err
	}
	return p, plan.ValidatePolicy(p)
}

// plan runs a policy; for a page also under other losses.
func (c *planCommand) plan(m *plan.Model, p *retry.Policy, name string, status *statusLine) plan.Planned {
	watch := plan.Watch{Progress: status.bar(name, m.Expected())}
	planned := plan.Planned{Name: name, Policy: p, Result: plan.Run(m, p, watch)}
	if c.HTML != "" && !planned.TooMany() {
		watch.Progress = status.bar(name+", other losses", plan.SweepCalls(m))
		planned.Sweep = plan.Sweep(m, p, watch)
	}
	return planned
}

func (c *planCommand) page(ctx *kong.Context, m *plan.Model, plans []plan.Planned) string {
	p := plan.Page{Command: quote.Shell(append([]string{"eddy"}, ctx.Args...)...), Model: m, Plans: plans}
	return p.HTML()
}

// show prints the results.
func (c *planCommand) show(to io.Writer, m *plan.Model, plans []plan.Planned) error {
	if !c.JSON {
		text := plan.Table(m, plans)
		if m.Outage.For > 0 {
			text += "\n" + plan.LoadTable(plans)
		}
		_, err := io.WriteString(to, text)
		return err
	}
	all := make([]planned, len(plans))
	for i, p := range plans {
		all[i] = planned{p.Name, p.Policy, c.Seed, *p.Result}
	}
	text, err := json.Marshal(all, jsontext.WithIndent("  "), json.Deterministic(true))
	if err == nil {
		_, err = to.Write(append(text, '\n'))
	}
	return err
}
