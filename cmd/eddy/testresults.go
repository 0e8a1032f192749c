package main

import (
	"fmt"
	"io"
	"os"

	"github.com/eddyrpc/eddy/internal/export"
	"github.com/eddyrpc/eddy/internal/report"
	"github.com/eddyrpc/eddy/internal/trial"
)

// judge judges a test. A signal ends the checks: then the results say what is known without
// them. A second signal ends this process at once.
func judge(cfg *trial.Config, res *trial.Result, status *statusLine) *report.Results {
	signalled, forget := untilSignal()
	defer forget()
	defer status.busy(fmt.Sprintf("checking %d operations and %d messages", res.History.Operations(), res.Journal.Len()))()
	checked := make(chan func() *report.Results, 1)
	go func() {
		own := *res // the checks go on after a signal
		results := report.New(cfg, &own)
		checked <- func() *report.Results { *res = own; return results }
	}()
	select {
	case take := <-checked:
		return take()
	case <-signalled.Done():
		forget()
		res.Unchecked = true
		return report.New(cfg, res)
	}
}

// finish prints and stores the results of a test. If they cannot be printed, they are still
// stored.
func (c *testCommand) finish(store *report.Store, results *report.Results, res *trial.Result, status *statusLine) error {
	var shown error
	if !c.quiet {
		shown = c.show(os.Stdout, results)
	}
	written := status.busy("writing " + store.Dir)
	err := store.Write(results, res)
	if err != nil {
		err = fmt.Errorf("write the store: %w", err)
	} else {
		_, err = c.write(&export.Test{Name: store.Name(), Started: results.Started, Timeout: results.AttemptTimeout(), Journal: res.Journal, History: res.History})
	}
	written()
	if err != nil {
		return err
	}
	if shown != nil {
		return shown
	}
	c.stored = store.Dir
	if !c.JSON && !c.quiet {
		fmt.Printf("stored in   %s\n", store.Dir)
		tellSize(c.Store)
	}
	if res.Crash != nil {
		return fmt.Errorf("%w\n%s", res.Crash, res.Crash.Stack)
	}
	return nil
}

// show prints the results and writes the JUnit file. It is called before the store is
// written, which may take long. If it fails, the store is still written.
func (c *testCommand) show(to io.Writer, results *report.Results) error {
	c.runs = append(c.runs, results)
	if c.JUnit != "" {
		if err := os.WriteFile(c.JUnit, report.JUnit(c.runs), 0o644); err != nil {
			return fmt.Errorf("write --junit: %w", err)
		}
	}
	if !c.JSON {
		_, err := io.WriteString(to, colouredVerdict(results.Text()))
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
