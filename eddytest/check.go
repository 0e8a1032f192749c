package eddytest

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/shrink"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/story"
	"github.com/eddyrpc/eddy/internal/trial"
)

var (
	reportDir = flag.String("eddy.report", "", "let eddytest.Check write the report of a failing seed, and that of the smallest case, below this directory")
	oneSeed   = flag.Uint64("eddy.seed", 0, "let eddytest.Check try only this seed")
	manySeeds = flag.Int("eddy.seeds", 0, "let eddytest.Check try this many seeds, whatever the test says")
	trace     = flag.Bool("eddy.trace", false, "let eddytest.Check write to standard error when a seed begins and ends, with a hash of its messages, to find the seed with which a node ends the whole test program")
	shrinkFor = flag.Duration("eddy.shrink", 5*time.Second, "how long eddytest.Check searches for the smallest case that fails, in real time; 0 for no search")
)

// Check tests nodes as the command eddy test does, in virtual time: it runs them on a
// simulated network with faults, lets clients send the requests of a workload, and checks what
// came out. It does so once for each seed, from 1 on, and fails the test at the first seed
// whose verdict is not pass. The message says how to run that seed alone.
//
// newNode makes a node for each incarnation, so it must not return the same one twice. Several
// seeds run at the same time, so it is called from several goroutines. It is a function that returns an *eddy.Node, or a program of any kind that reads the input of its
// [Process] and writes to its output, and returns when its input ends. A node of package
// maelstrom is such a program:
//
//	func(p *eddytest.Process) error {
//		n := newNode()
//		n.Stdin, n.Stdout = p.Stdin, p.Stdout
//		return n.Run()
//	}
//
// A node that is killed ends at once: its calls and loops end, and nothing that it writes
// arrives. What it keeps in variables outside the node survives, unlike with a process. Pause
// stops the input and the output of a node, but not its timers.
//
// # The same run again
//
// The nodes take turns: one message is delivered, then all goroutines run until they are
// blocked, then the next is delivered. So the same seed gives the same run, if the node itself
// does nothing at random. What remains outside is the order of iteration over a map, select
// with several cases that are ready, several goroutines of one node that run at the same time,
// and random numbers that the node draws. If a seed fails, Check runs it twice more and says
// whether it came out the same.
//
// Make ids of the name of the node, the time at which it started and a counter: no incarnation
// repeats them, and each run has the same. Take other random numbers from [Process.Number].
// Sort the keys of a map before you send what it says. docs/testing.md has more.
//
// See the package comment about mutexes that are held while time passes.
func Check[Node func() *eddy.Node | func(*Process) error](t *testing.T, newNode Node, test Test) {
	t.Helper()
	if text := failure(t, newNode, test); text != "" {
		t.Error(text)
	}
}

// failure is Check that returns what is wrong, or "".
func failure[Node func() *eddy.Node | func(*Process) error](t *testing.T, newNode Node, test Test) string {
	t.Helper()
	cfg, err := test.config()
	if err != nil {
		t.Fatalf("eddytest: %v", err)
	}
	c := newChecking(t, cfg)
	switch newNode := any(newNode).(type) {
	case func() *eddy.Node:
		c.program = func(p *Process) error { return c.serve(newNode(), p) }
	case func(*Process) error:
		c.program = newNode
	}
	first, last, err := seeds(&test)
	if err != nil {
		t.Fatalf("eddytest: %v", err)
	}
	c.verbose = *oneSeed != 0
	failed := c.firstFailure(first, last)
	if failed == nil {
		return ""
	}
	return c.describe(failed, last-first+1)
}

// seeds returns the first and the last seed to try.
func seeds(test *Test) (first, last uint64, err error) {
	switch {
	case *manySeeds < 0:
		return 0, 0, fmt.Errorf("-eddy.seeds %d must not be negative", *manySeeds)
	case *oneSeed != 0:
		return *oneSeed, *oneSeed, nil
	}
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "eddy.seed" {
			err = errors.New("-eddy.seed 0: the first seed is 1")
		}
	})
	return 1, uint64(cmp.Or(*manySeeds, test.Seeds, 20)), err
}

// A checking is one call of Check.
type checking struct {
	t       *testing.T
	cfg     *trial.Config
	program func(*Process) error
	verbose bool

	minNodes int // how many nodes the workload needs
}

func newChecking(t *testing.T, cfg *trial.Config) *checking {
	c := &checking{t: t, cfg: cfg, minNodes: 1}
	if cfg.Spec.Name == ownName {
		c.minNodes = len(cfg.Nodes) // it may count on them
	}
	return c
}

// serve runs a node of package eddy. Its log is shown if only one seed is tried.
func (c *checking) serve(n *eddy.Node, p *Process) error {
	switch {
	case n.Log != nil:
	case c.verbose:
		n.Log = slog.New(slog.NewTextHandler(c.t.Output(), nil))
	default:
		n.Log = slog.New(slog.DiscardHandler)
	}
	return n.Serve(p.Context, p)
}

// A run is one run of a seed.
type run struct {
	seed     uint64
	cfg      *trial.Config
	result   *trial.Result
	verdict  checker.Verdict
	problems []checker.Problem
	broken   string // if not empty, the run ended by a mistake in the test, and there is no result
}

// main returns the check that decided, or "".
func (r *run) main() string {
	if len(r.problems) == 0 {
		return ""
	}
	return r.problems[0].Check
}

// hash returns a hash of all messages, or "" without a result.
func (r *run) hash() string {
	if r.broken != "" {
		return ""
	}
	return fmt.Sprintf("%016x", r.result.Journal.Hash())
}

// firstFailure tries seeds, several at the same time, and returns the run of the lowest one
// that does not pass, or nil.
func (c *checking) firstFailure(first, last uint64) *run {
	var mu sync.Mutex
	var failed *run
	next, end := first, last
	var workers sync.WaitGroup
	for range min(uint64(runtime.GOMAXPROCS(0)), last-first+1) {
		workers.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				over := seed > end
				mu.Unlock()
				if over {
					return
				}
				r := c.run(seed)
				mu.Lock()
				if r.verdict != checker.Pass && (failed == nil || seed < failed.seed) {
					failed, end = r, min(end, seed)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return failed
}

// run runs one seed.
func (c *checking) run(seed uint64) *run {
	cfg := *c.cfg
	cfg.Network.Seed = seed
	return c.runConfig(&cfg)
}

// runConfig runs one configuration.
func (c *checking) runConfig(cfg *trial.Config) *run {
	r := &run{seed: cfg.Network.Seed, cfg: cfg}
	which := fmt.Sprintf("%s, seed %d", c.t.Name(), r.seed)
	if *trace {
		fmt.Fprintf(os.Stderr, "eddytest: %s begins\n", which)
		defer func() { fmt.Fprintf(os.Stderr, "eddytest: %s has ended: %v, trace %s\n", which, r.verdict, r.hash()) }()
	}
	var steps atomic.Int64
	watch := newWatchdog(&steps, which)
	defer watch.end()
	synctest.Test(c.t, func(*testing.T) {
		b := newBubble(cfg, c.program, c.t.TempDir, &steps)
		err := trial.Guard(func() (err error) { r.result, err = b.run(); return err })
		endGoroutines(&steps, which)
		r.note(err)
	})
	if r.broken == "" {
		r.verdict, r.problems = r.result.Verdict(cfg)
	}
	return r
}

// note notes the error with which a run ended. A mistake in the workload of the test is said
// with its seed; all else is a mistake of this package.
func (r *run) note(err error) {
	var crash *trial.Crash
	switch {
	case err == nil:
	case errors.As(err, &crash):
		mistake, ok := crash.Panic.(*ownMistake)
		if !ok {
			panic(fmt.Sprintf("eddytest: seed %d: %v\n%s", r.seed, crash.Panic, crash.Stack))
		}
		r.broken, r.verdict = mistake.Error(), checker.Unknown
	default:
		panic(fmt.Sprintf("eddytest: seed %d: %v", r.seed, err))
	}
}

// smallest searches for the smallest case that fails as a run does, and describes it.
func (c *checking) smallest(r *run) string {
	if r.verdict != checker.Fail || *shrinkFor <= 0 {
		return ""
	}
	began := time.Now()
	found, last := c.shrink(r, func() bool { return time.Since(began) > *shrinkFor })
	words := "the smallest case that still fails"
	if !found.Minimal {
		words = "the smallest case found within -eddy.shrink " + shrinkFor.String()
	}
	size, of := shrink.SizeOf(found.Case), shrink.SizeOf(r.result.Case())
	text := fmt.Sprintf("%s has %d of %d requests, %d of %d faults, %d of %d losses and duplications, and %d of %d nodes (%d runs):\n",
		words, size.Asks, of.Asks, size.Faults, of.Faults, size.Fates, of.Fates, size.Nodes, of.Nodes, found.Runs)
	text += last.problems[0].Text + "\n" + c.report(last, "of the smallest case")
	return text + story.Of(last.result.History, last.result.Journal, story.MaxLines)
}

// shrink searches for the smallest case that fails as a run does, until expired reports that
// the time is over. It returns the case and its run.
func (c *checking) shrink(r *run, expired func() bool) (found *shrink.Result, last *run) {
	last = r
	found = shrink.Shrink(r.result.Case(), func(candidate *trial.Case) bool {
		again := c.replay(r, candidate)
		failed := again.failsAs(r)
		if failed {
			last = again
		}
		return failed
	}, shrink.Options{MinNodes: c.minNodes, Expired: expired})
	return found, last
}

// replay runs a part of the case of a run.
func (c *checking) replay(r *run, part *trial.Case) *run {
	cfg := *c.cfg
	cfg.Network.Seed = r.seed
	return c.runConfig(part.Apply(&cfg))
}

// failsAs reports whether a run fails by the same check as another one.
func (r *run) failsAs(other *run) bool {
	return r.verdict == checker.Fail && r.main() == other.main()
}

// report writes the report of a run if the flag says so, and returns its path as a line.
func (c *checking) report(r *run, which string) string {
	if *reportDir == "" {
		return ""
	}
	path, err := writeReport(*reportDir, r.cfg, r.result, []string{"-run", pattern(c.t.Name()), "-eddy.seed", fmt.Sprint(r.seed)})
	if err != nil {
		return fmt.Sprintf("-eddy.report: %v\n", err)
	}
	return fmt.Sprintf("the report %s: %s\n", which, path)
}

// describe says why a run does not pass, and how to repeat it.
func (c *checking) describe(r *run, seeds uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "eddytest: %s with seed %d", r.verdict, r.seed)
	if seeds > 1 {
		fmt.Fprintf(&b, " of %d", seeds)
	}
	alone := fmt.Sprintf("run it alone: go test -run %s -eddy.seed %d\n", shellWord(pattern(c.t.Name())), r.seed)
	if r.broken != "" {
		return b.String() + ": " + r.broken + "\n" + alone
	}
	fmt.Fprintf(&b, ", after %v of virtual time\n", r.result.Elapsed.Round(1e6))
	for _, p := range r.problems[:min(len(r.problems), 5)] {
		fmt.Fprintf(&b, "%s: %s\n", p.Check, strings.ReplaceAll(p.Text, "\n", "\n    "))
	}
	if more := len(r.problems) - 5; more > 0 {
		fmt.Fprintf(&b, "and %d more problems\n", more)
	}
	b.WriteString(alone + c.again(r) + "\n")
	b.WriteString(c.report(r, "of this seed"))
	b.WriteString(c.smallest(r))
	return b.String()
}

// again runs a seed twice more and says whether it came out the same.
func (c *checking) again(r *run) string {
	failures, same, difference := 1, true, ""
	for range 2 {
		again := c.run(r.seed)
		if again.verdict == r.verdict && again.main() == r.main() {
			failures++
		}
		if again.broken != "" {
			same, difference = false, again.broken
		} else if text := firstDifference(r.result.Journal, again.result.Journal); text != "" {
			same, difference = false, text
		}
	}
	switch {
	case same && failures < 3:
		return fmt.Sprintf("this seed failed in this way in %d of 3 runs, although all messages were the same: the check does something at random", failures)
	case same:
		return "this seed gives the same run each time: in 3 runs all messages were the same"
	}
	return fmt.Sprintf("this seed failed in this way in %d of 3 runs, which differ: the node does something at random (the documentation of Check says what helps)\nthe first difference: %s", failures, difference)
}

// firstDifference returns the first message in which two journals differ, or "".
func firstDifference(a, b *sim.Journal) string {
	at := func(j *sim.Journal, i int) string {
		if i >= j.Len() {
			return "no message"
		}
		m := j.At(i)
		return fmt.Sprintf("%v %s -> %s %s", m.Sent, m.Src, m.Dest, m.Body)
	}
	for i := range max(a.Len(), b.Len()) {
		if x, y := at(a, i), at(b, i); x != y {
			return quote.Printable([]byte(x)) + "\n                      or: " + quote.Printable([]byte(y))
		}
	}
	return ""
}

// pattern returns a pattern for go test -run that matches one test.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = "^" + regexp.QuoteMeta(parts[i]) + "$"
	}
	return strings.Join(parts, "/")
}

// shellWord quotes a text so that a shell takes it for one word.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
