package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/report"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// rerunCommand is `eddy rerun`.
type rerunCommand struct {
	Dir  string `arg:"" help:"The directory of a stored test, such as store/relay/latest."`
	JSON bool   `name:"json" help:"Print results.json instead of text."`

	JUnit string `name:"junit" placeholder:"FILE" help:"Write the verdict for a build server, too; not to where the stored test did."`
}

func (rerunCommand) Help() string {
	return `Runs a stored test again, with its seed, flags and program, from the directory where it was run, and says whether the verdict is the same, and how many messages had the same fate.

The same seed gives the same message the same fate. When a message is sent is still up to the nodes and the operating system, and what NATS servers lose (--network nats) follows no seed.

The exit status is that of the test.`
}

func (c *rerunCommand) Run() error {
	old, err := report.ReadResults(c.Dir)
	if err != nil {
		return usageError("%v", err)
	}
	test, ctx, err := stored(old)
	if err != nil {
		return usageError("%s holds a command line that is not understood: %v", filepath.Join(c.Dir, "results.json"), err)
	}
	before, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	before, err = filepath.EvalSymlinks(before) // latest will be another one
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(before, journalName)); err != nil {
		return usageError("the fates of both runs can't be compared: %v", err)
	}
	if c.JUnit != "" { // it is meant from here
		if c.JUnit, err = filepath.Abs(c.JUnit); err != nil {
			return err
		}
	}
	if err := os.Chdir(old.Command.Dir); err != nil {
		return usageError("the test was run in a directory that is not there: %v", err)
	}
	test.Seed, test.TestCount, test.JSON, test.JUnit = old.Seed, 1, c.JSON, c.JUnit
	test.argv = ctx.Args[1:]
	verdict, err := test.once()
	if err != nil {
		return err
	}
	word := "the same as before"
	if verdict != old.Verdict {
		word = "before it was " + old.Verdict
	}
	fmt.Fprintf(os.Stderr, "eddy: the verdict is %s: %s\n", verdict, word)
	if err := compareFates(before, test.stored); err != nil {
		return err
	}
	if test.Net == overNATS {
		fmt.Fprintln(os.Stderr, "eddy: these are the fates that the simulated network gave; what NATS lost or delayed follows no seed")
	}
	if status := statusOf(verdict); status != 0 {
		return statusErr{status: status}
	}
	return nil
}

// compareFates prints how many messages had the same fate in both runs.
func compareFates(before, now string) error {
	old, err := readJournal(before)
	if err != nil {
		return err
	}
	journal, err := readJournal(now)
	if err != nil {
		return err
	}
	same := sim.Compare(old, journal)
	fmt.Fprintf(os.Stderr, "eddy: %d messages had the same fate in both runs, %d had different fates, %d were sent in only one of the runs\n", same.Same, same.Different, same.OnlyInOne)
	if same.Different > 0 {
		fmt.Fprintf(os.Stderr, "eddy: %s\n", same.FirstDifference)
	}
	return nil
}

const journalName = "journal.jsonl"

func readJournal(dir string) (*sim.Journal, error) {
	f, err := os.Open(filepath.Join(dir, journalName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return sim.ReadJournal(f)
}

// stored is the test that was run.
func stored(r *report.Results) (*testCommand, *kong.Context, error) {
	line := &cli{}
	ctx, err := newParser(line).Parse(append([]string{"test"}, r.Command.Args...))
	if err != nil {
		return nil, nil, err
	}
	return &line.Test, ctx, nil
}
