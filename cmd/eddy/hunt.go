package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/hunt"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/wasmrunner"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/shrink"
	"github.com/eddyrpc/eddy/internal/story"
	"github.com/eddyrpc/eddy/internal/trial"
)

// huntCommand is `eddy hunt`.
type huntCommand struct {
	testCommand `embed:""`

	Seeds     int           `default:"10000" placeholder:"N" group:"hunt" help:"How many seeds to try, from --seed on or from 1 (${default})."`
	For       time.Duration `default:"1m" group:"hunt" help:"How long to try seeds (${default})."`
	All       bool          `group:"hunt" help:"Go on after the first test that does not pass, and collect those that fail in different ways."`
	Same      bool          `group:"hunt" help:"Give each seed all the faults and the whole rate. Without it, each has a mix of its own."`
	ShrinkFor time.Duration `name:"shrink-for" default:"1m" group:"hunt" help:"How long to search for the smallest case of each failure; 0s for no search (${default})."`
	Tries     int           `default:"3" placeholder:"N" group:"hunt" help:"How often a smaller case of processes is run before it counts as one that passes (${default}). A WebAssembly program does the same each time and is run once."`
}

func (huntCommand) Help() string {
	return `Runs a test with many seeds, on all processors, until one does not pass. Each seed has its own mix of the faults on the command line. Then eddy leaves out faults, lost messages, requests and nodes, as long as the same check fails, and stores the smallest case as a test: eddy report shows it, and eddy rerun repeats it.

  GOOS=wasip1 GOARCH=wasm go build -o broadcast.wasm ./examples/broadcast
  eddy hunt -w broadcast --bin broadcast.wasm --rate 20 --time-limit 5 --latency exponential:50ms --loss 0.1 --nemesis partition,kill --for 20s

A WebAssembly program runs in virtual time, many times faster than real time, and the same seed gives the same run. Processes run in real time.

The exit status is 0 if all seeds pass, otherwise that of the first test that does not.`
}

func (c *huntCommand) Run(ctx *kong.Context) error {
	if err := c.checkHunt(ctx); err != nil {
		return err
	}
	first := uint64(1)
	if given(ctx, "seed") {
		first = c.Seed
	}
	until, stop := untilSignal()
	defer stop()
	context.AfterFunc(until, stop) // a second signal ends this process at once
	run, done, err := c.runnerOf(until)
	if err != nil && until.Err() != nil {
		fmt.Println(colouredVerdict("UNKNOWN  interrupted before the first test"))
		return statusErr{status: statusUnknown}
	}
	if err != nil {
		return startError(c.Bin, err)
	}
	defer done()
	isNew := !exists(c.Store)
	if err := os.MkdirAll(c.Store, 0o755); err != nil { // rather than after a long search
		return fmt.Errorf("create the store: %w", err)
	}
	if isNew {
		defer os.Remove(c.Store) // does nothing if there is something in it
	}
	found, seeds, err := c.search(until, first, run)
	if err != nil {
		return startError(c.Bin, err)
	}
	switch {
	case len(found) > 0:
	case until.Err() != nil:
		fmt.Println(colouredVerdict("UNKNOWN  the search was interrupted; the seeds until then pass"))
		return statusErr{status: statusUnknown}
	case seeds == 0:
		fmt.Printf(colouredVerdict("UNKNOWN  no test ended within --for %v\n"), c.For)
		return statusErr{status: statusUnknown}
	default:
		fmt.Println(colouredVerdict("PASS  every seed"))
	}
	for _, f := range found {
		if err := c.present(until, f, run); err != nil {
			return err
		}
	}
	if len(found) > 0 {
		return statusErr{status: statusOf(found[0].Verdict.String())}
	}
	return nil
}

// checkHunt checks the flags.
func (c *huntCommand) checkHunt(ctx *kong.Context) error {
	if err := c.check(ctx); err != nil {
		return err
	}
	switch {
	case c.Seeds < 1 || c.Tries < 1 || c.For <= 0 || c.ShrinkFor < 0:
		return usageError("--seeds, --tries and --for must be positive, and --shrink-for not negative")
	case c.TestCount != 1 || c.JSON || c.JUnit != "" || c.Case != "":
		return usageError("eddy hunt has no --test-count, --json, --junit and --case")
	case c.exportFlags != (exportFlags{}):
		return usageError("eddy hunt has no --otlp, --chrome-trace and --shiviz; eddy report has them")
	case c.Net == overNATS:
		return usageError("--network nats: eddy hunt needs the simulated network")
	}
	_, err := c.config()
	return err
}

// A runFunc runs a test.
type runFunc = func(context.Context, *runner.Config) (*trial.Result, error)

// runnerOf returns what runs the tests of the program, and a function to call at the end.
func (c *huntCommand) runnerOf(ctx context.Context) (run runFunc, done func(), err error) {
	if !wasmrunner.IsModule(c.Bin) {
		return runner.Run, func() {}, nil
	}
	program, err := wasmrunner.Compile(ctx, c.Bin)
	if err != nil {
		return nil, nil, err
	}
	c.Tries = 1
	return program.Run, func() { program.Close(context.Background()) }, nil
}

// command returns the command of one seed.
func (c *huntCommand) command(seed uint64) *testCommand {
	if c.Same {
		same := c.testCommand
		same.Seed = seed
		return &same
	}
	return c.mixed(seed)
}

// search tries seeds and prints how many.
func (c *huntCommand) search(ctx context.Context, first uint64, run runFunc) (found []*hunt.Found, seeds int, err error) {
	limited, stop := context.WithTimeout(ctx, c.For)
	defer stop()
	status, began := newStatusLine(os.Stderr), time.Now()
	tried := newSeedCounts(c)
	found, seeds, err = hunt.Search(limited, hunt.Options{
		First: first, Seeds: c.Seeds, Workers: runtime.GOMAXPROCS(0), All: c.All, Run: run,
		Config: func(seed uint64) (*runner.Config, error) {
			command := c.command(seed)
			tried.add(command)
			return command.config()
		},
		OnProgress: func(p hunt.Progress) {
			at := time.Since(began)
			status.show(at, func() string {
				return fmt.Sprintf("%.0fs  %d seeds  %.1f/s  %d found", at.Seconds(), p.Seeds, float64(p.Seeds)/at.Seconds(), p.Found)
			})
		},
	})
	status.clear()
	if err != nil {
		return nil, 0, err
	}
	seconds := time.Since(began).Seconds()
	fmt.Printf("%d seeds in %.1f s, %.1f/s; %s\n", seeds, seconds, float64(seeds)/seconds, tried)
	return found, seeds, nil
}

// present shrinks a test that does not pass, stores the smallest case, and shows it.
func (c *huntCommand) present(ctx context.Context, f *hunt.Found, run runFunc) error {
	command := c.command(f.Seed)
	problem, _, _ := strings.Cut(f.Problems[0].Text, "\n") // it is explained below, for the smallest case
	fmt.Printf("\n%s  seed %d: %s: %s\n", colouredVerdict(strings.ToUpper(f.Verdict.String())), f.Seed, f.Check(), quote.Lines(problem))
	fmt.Printf("command     eddy test %s\n", quote.Shell(command.args()...))
	smallest := f.Case
	if f.Verdict == checker.Fail && c.ShrinkFor > 0 {
		smallest = c.shrink(ctx, f, run)
	}
	store, err := command.storeCase(smallest)
	if err != nil {
		return err
	}
	command.quiet = true
	results, res, err := command.onceIn(store)
	if err != nil {
		return err
	}
	for i, reason := range results.Reasons {
		if i == 0 && f.Verdict.String() == results.Verdict {
			fmt.Printf("            %s: %s\n", reason.Check, strings.ReplaceAll(quote.Lines(reason.Text), "\n", "\n              "))
		}
	}
	if results.Verdict != f.Verdict.String() {
		fmt.Printf("            run once more, its verdict is %s: the program does not do the same each time\n", results.Verdict)
	}
	fmt.Print(story.Of(res.History, res.Journal, story.MaxLines))
	fmt.Printf("stored in   %s\nrun again   eddy rerun %s\n", store.Dir, quote.Shell(store.Dir))
	return nil
}

// shrink returns the smallest case of a test that fails.
func (c *huntCommand) shrink(ctx context.Context, f *hunt.Found, run runFunc) *trial.Case {
	status, began := newStatusLine(os.Stderr), time.Now()
	s := hunt.Shrinker{Run: run, Tries: c.Tries, For: c.ShrinkFor, OnProgress: func(p shrink.Progress) {
		status.show(time.Since(began), func() string { return fmt.Sprintf("%d cases  %v", p.Runs, p.Size) })
	}}
	result, _ := s.Shrink(ctx, f)
	status.clear()
	limit := ""
	if !result.Minimal {
		limit = "; --shrink-for ended the search"
	}
	if ctx.Err() != nil {
		limit = "; the search was interrupted"
	}
	fmt.Printf("smallest    %v, of %v (%d cases in %.1f s%s)\n", shrink.SizeOf(result.Case), shrink.SizeOf(f.Case), result.Runs, time.Since(began).Seconds(), limit)
	return result.Case
}

// caseName is the name of the file of a case in the directory of a test.
const caseName = "case.json"

// seedCounts count what was tried.
type seedCounts struct {
	mu    sync.Mutex
	names []string
	count map[string]int
}

func newSeedCounts(c *huntCommand) *seedCounts {
	t := &seedCounts{count: map[string]int{}}
	t.names = append(t.names, c.Nemesis...)
	for name, share := range map[string]float64{"loss": c.Loss, "duplicate": c.Duplicate, "client-loss": c.ClientLoss} {
		if share > 0 {
			t.names = append(t.names, name)
		}
	}
	return t
}

func (t *seedCounts) add(c *testCommand) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range c.Nemesis {
		t.count[name]++
	}
	for name, share := range map[string]float64{"loss": c.Loss, "duplicate": c.Duplicate, "client-loss": c.ClientLoss} {
		if share > 0 {
			t.count[name]++
		}
	}
}

// String says in how many seeds each fault was.
func (t *seedCounts) String() string {
	var parts []string
	for _, name := range t.names {
		parts = append(parts, fmt.Sprintf("%s in %d", name, t.count[name]))
	}
	if len(parts) == 0 {
		return "no faults"
	}
	return strings.Join(parts, ", ")
}

// writeCase writes a case to a file.
func writeCase(path string, c *trial.Case) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// readCase reads the case that --case names.
func readCase(path string) (*trial.Case, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var c trial.Case
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return &c, nil
}
