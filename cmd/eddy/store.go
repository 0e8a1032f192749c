package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/report"
)

// latestTest is the link to the latest test of the usual store.
const latestTest = "store/latest"

// notStored returns the error of a directory that cannot be read as a stored test.
func notStored(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) && !exists(filepath.Join(dir, "results.json")) {
		return usageError("there is no stored test in %s; eddy test stores tests, and eddy store lists them", dir)
	}
	return usageError("%v", err)
}

// storeCommand is `eddy store`.
type storeCommand struct {
	List  storeListCommand  `cmd:"" default:"withargs" help:"List the stored tests, the newest first."`
	Prune storePruneCommand `cmd:"" help:"Remove stored tests."`
}

type storeListCommand struct {
	Store string `default:"store" placeholder:"DIR" help:"The directory of the tests (${default})."`
}

func (c *storeListCommand) Run() error {
	tests, err := report.List(c.Store)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usageError("there is no store %s: eddy test makes it", c.Store)
	case err != nil:
		return usageError("list the store: %v", err)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	var bytes int64
	for _, t := range tests {
		bytes += t.Bytes
		verdict, command, counts := "no verdict", "", ""
		if r := t.Results; r != nil {
			o := r.Operations
			verdict, command = r.Verdict, "eddy test "+quote.Shell(r.Command.Args...)
			counts = fmt.Sprintf("%d %s\t%d operations", len(r.Nodes), plural("node", len(r.Nodes)), o.OK+o.Fail+o.Indefinite)
		} else {
			counts = "\t"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", t.Dir, verdict, counts, size(t.Bytes), command)
	}
	table.Flush()
	_, err = fmt.Printf("%d %s, %s\n", len(tests), plural("test", len(tests)), size(bytes))
	return err
}

type storePruneCommand struct {
	Store     string        `default:"store" placeholder:"DIR" help:"The directory of the tests (${default})."`
	Keep      *int          `help:"Keep the newest N tests."`
	OlderThan time.Duration `name:"older-than" help:"Remove only tests that are older than this, such as 48h."`
	Passed    bool          `help:"Remove only tests that have passed."`
	DryRun    bool          `name:"dry-run" help:"Only list what would be removed."`
}

func (storePruneCommand) Help() string {
	return `Removes the tests that fit all of the flags. A test that may still be running stays.

  eddy store prune --keep 20
  eddy store prune --passed --older-than 24h`
}

// mayRun is how long after its last change a test without a verdict may still be running.
const mayRun = 2 * time.Minute

func (c *storePruneCommand) Run() error {
	switch {
	case c.Keep == nil && c.OlderThan == 0 && !c.Passed:
		return usageError("say which tests to remove: --keep, --older-than or --passed; see eddy store prune --help")
	case c.Keep != nil && *c.Keep < 0 || c.OlderThan < 0:
		return usageError("--keep and --older-than must not be negative")
	}
	all, err := report.List(c.Store)
	if err != nil {
		return usageError("list the store: %v", err)
	}
	if c.Keep != nil {
		all = all[min(*c.Keep, len(all)):]
	}
	var remove []report.Listed
	var bytes int64
	for _, t := range all {
		age := time.Since(t.Changed)
		if c.Passed && (t.Results == nil || t.Results.Verdict != "pass") || age < c.OlderThan || t.Results == nil && age < mayRun {
			continue
		}
		remove = append(remove, t)
		bytes += t.Bytes
		fmt.Println(t.Dir)
	}
	word := "removed"
	if c.DryRun {
		word = "would be removed"
	} else if err := report.Remove(c.Store, remove); err != nil {
		return fmt.Errorf("remove tests: %w", err)
	}
	_, err = fmt.Printf("%d %s, %s: %s\n", len(remove), plural("test", len(remove)), size(bytes), word)
	return err
}

// largeStore is the size from which on eddy test says how large the store is.
var largeStore int64 = 1 << 30

// tellSize says that a store is large.
func tellSize(store string) {
	if bytes, _ := report.Size(store); bytes >= largeStore {
		fmt.Fprintf(os.Stderr, "eddy: %s has %s; eddy store lists its tests, and eddy store prune removes some\n", store, size(bytes))
	}
}

// size returns a number of bytes for people.
func size(bytes int64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	x, units := float64(bytes)/1000, []string{"KB", "MB", "GB", "TB"}
	for x >= 999.5 && len(units) > 1 {
		x, units = x/1000, units[1:]
	}
	return strings.TrimSuffix(fmt.Sprintf("%.3g", x), ".0") + " " + units[0]
}
