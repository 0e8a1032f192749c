package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/report"
	"github.com/eddyrpc/eddy/internal/sim"
)

// rerunCommand is `eddy rerun`.
type rerunCommand struct {
	Dir  string `arg:"" optional:"" default:"${latest}" help:"The directory of a stored test, such as store/relay/latest (${default})."`
	JSON bool   `name:"json" help:"Print results.json instead of text."`

	JUnit string `name:"junit" placeholder:"FILE" help:"Also write the verdict as JUnit XML for a build server. The file of the stored test is not changed."`
}

func (rerunCommand) Help() string {
	return `Runs a stored test again with its seed, flags and program, in the directory where it was run, and prints whether the verdict is the same and how many messages had the same fate.

The same seed gives the same message the same fate. When a message is sent depends on the nodes and the operating system. Which messages NATS servers lose (--network nats) does not depend on the seed.

The exit status is that of the test.`
}

func (c *rerunCommand) Run() error {
	old, err := report.ReadResults(c.Dir)
	if err != nil {
		return notStored(c.Dir, err)
	}
	test, ctx, err := stored(old)
	if err != nil {
		return usageError("%s has an invalid command line: %v", filepath.Join(c.Dir, "results.json"), err)
	}
	before, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	before, err = filepath.EvalSymlinks(before) // the link latest will change
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(before, journalName)); err != nil {
		return usageError("cannot compare the fates of both runs: %v", err)
	}
	if c.JUnit != "" { // relative to this directory
		if c.JUnit, err = filepath.Abs(c.JUnit); err != nil {
			return err
		}
	}
	if err := os.Chdir(old.Command.Dir); err != nil {
		return usageError("the directory of the test does not exist: %v", err)
	}
	test.Seed, test.TestCount, test.JSON, test.JUnit = old.Seed, 1, c.JSON, c.JUnit
	test.exportFlags = exportFlags{} // the files are those of the stored test
	test.argv = ctx.Args[1:]
	if own := filepath.Join(before, caseName); test.Case != "" && exists(own) {
		test.Case = own // the directory may have moved
	}
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
		fmt.Fprintln(os.Stderr, "eddy: only the fates on the simulated network were compared; the seed does not decide which messages NATS loses or delays")
	}
	if status := statusOf(verdict); status != 0 {
		return statusErr{status: status}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
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
		fmt.Fprintf(os.Stderr, "eddy: %s\n", quote.Printable(same.FirstDifference))
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

// stored returns the command of a stored test.
func stored(r *report.Results) (*testCommand, *kong.Context, error) {
	line := &cli{}
	ctx, err := newParser(line).Parse(append([]string{"test"}, r.Command.Args...))
	if err != nil {
		return nil, nil, err
	}
	return &line.Test, ctx, nil
}
