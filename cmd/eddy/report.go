package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"

	"github.com/eddyrpc/eddy/internal/page"
	"github.com/eddyrpc/eddy/internal/report"
)

// reportCommand is `eddy report`.
type reportCommand struct {
	Dirs    []string `arg:"" name:"dir" help:"The directory of a stored test, such as store/relay/latest; with --compare two."`
	Compare bool     `help:"Show two tests side by side, and their first difference."`
	Output  string   `short:"o" placeholder:"FILE" help:"The file for the page. Without it, report.html in the directory of the test, or compare.html in this one."`
}

func (reportCommand) Help() string {
	return `Writes report.html of a stored test again, from results.json, history.jsonl and journal.jsonl; or one page for two tests:

  eddy report --compare store/relay/20261123T124802.378 store/relay/latest

Two tests of different programs with the same seed and flags show how the programs differ.`
}

func (c *reportCommand) Run() error {
	switch {
	case c.Compare && len(c.Dirs) != 2:
		return usageError("--compare needs 2 directories of stored tests, not %d; see eddy report --help", len(c.Dirs))
	case !c.Compare && len(c.Dirs) != 1:
		return usageError("needs 1 directory of a stored test, not %d; see eddy report --help", len(c.Dirs))
	}
	var tests []*page.Test
	for _, dir := range c.Dirs {
		t, err := report.ReadPage(dir)
		if err != nil {
			return usageError("%v", err)
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
	return nil
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
	err = fill(f, tests)
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

// fill writes the page and closes the file.
func fill(f *os.File, tests []*page.Test) (err error) {
	w := bufio.NewWriterSize(f, 1<<20)
	if len(tests) == 2 {
		err = page.Compare(w, tests[0], tests[1])
	} else {
		err = page.Write(w, tests[0])
	}
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
