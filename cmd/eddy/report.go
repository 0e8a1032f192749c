package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/eddyrpc/eddy/internal/page"
	"github.com/eddyrpc/eddy/internal/report"
)

// reportCommand is `eddy report`.
type reportCommand struct {
	Dirs    []string `arg:"" name:"dir" optional:"" help:"The directory of a stored test, such as store/relay/latest; with --compare two. Without it, ${latest}."`
	Compare bool     `help:"Show two tests side by side, and their first difference."`
	Output  string   `short:"o" placeholder:"FILE" help:"The file for the page. Without it, report.html in the directory of the test, or compare.html in this one."`

	exportFlags `embed:""`
}

func (reportCommand) Help() string {
	return `Writes report.html of a stored test again, from results.json, history.jsonl and journal.jsonl; or one page for two tests:

  eddy report --compare store/relay/20261123T124802.378 store/relay/latest

--otlp, --chrome-trace and --shiviz write files for other tools, too.

Two tests of different programs with the same seed and flags show how the programs differ.`
}

func (c *reportCommand) Run() error {
	if !c.Compare && len(c.Dirs) == 0 {
		c.Dirs = []string{latestTest}
	}
	switch {
	case c.Compare && len(c.Dirs) != 2:
		return usageError("--compare needs 2 directories of stored tests, not %d; see eddy report --help", len(c.Dirs))
	case !c.Compare && len(c.Dirs) != 1:
		return usageError("needs 1 directory of a stored test, not %d; see eddy report --help", len(c.Dirs))
	}
	if c.Compare && c.exportFlags != (exportFlags{}) {
		return usageError("--otlp, --chrome-trace and --shiviz need 1 test, not --compare; see eddy report --help")
	}
	var tests []*page.Test
	for _, dir := range c.Dirs {
		t, err := report.ReadPage(dir)
		if err != nil {
			return notStored(dir, err)
		}
		tests = append(tests, t)
	}
	to := c.Output
	switch {
	case to != "":
	case c.Compare:
		to = "compare.html"
	default:
		to = filepath.Join(c.Dirs[0], report.PageName)
	}
	if err := writePage(to, tests); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	fmt.Println(to)
	names, err := c.write(exported(tests[0]))
	for _, name := range names {
		fmt.Println(name)
	}
	return err
}

// writePage writes the page to a file, which it replaces only when the page is complete. What is
// no regular file, such as a pipe, gets the page as it is written.
func writePage(to string, tests []*page.Test) error {
	next := to + ".new"
	if info, err := os.Stat(to); err == nil && !info.Mode().IsRegular() {
		next = to
	}
	f, err := os.Create(next)
	if err != nil {
		return err
	}
	err = fill(f, func(w io.Writer) error {
		if len(tests) == 2 {
			return page.Compare(w, tests[0], tests[1])
		}
		return page.Write(w, tests[0])
	})
	if next == to {
		return err
	}
	if err == nil {
		err = os.Rename(next, to)
	}
	if err != nil {
		os.Remove(next)
	}
	return err
}
