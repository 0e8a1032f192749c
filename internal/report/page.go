package report

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/page"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/story"
	"github.com/eddyrpc/eddy/internal/trial"
)

// PageName is the file name of the page in a test's directory.
const PageName = "report.html"

// The page has the story of a test with at most this many messages, or of one that repeats
// a case.
const (
	shortTest   = 200
	longestCase = 20_000
)

// page returns the contents of report.html.
func (r *Results) page(name string, j *sim.Journal, h *history.History) (*page.Test, error) {
	text, err := r.JSON()
	if err != nil {
		return nil, err
	}
	t := &page.Test{
		Name: name, Verdict: r.Verdict, Sentence: r.Sentence(), Command: r.Again(), Seed: r.Seed,
		Nodes: slices.Concat(r.Nodes, r.SimulatedNodes), Timeout: r.AttemptTimeout(), Results: text, Started: r.Started,
		Kinds: r.Kinds(), Advice: r.Advice(), Warnings: r.warnings(), Journal: j, History: h,
	}
	longest := shortTest
	if r.Case != nil {
		longest = longestCase
		what := "a case"
		if r.Case.Smallest {
			what = "the smallest case that was found"
		}
		t.Smallest = fmt.Sprintf("This test repeats %s: %v.", what, r.Case)
	}
	if j.Len() <= longest {
		t.Story = story.Lines(h, j, story.MaxLines)
	}
	for _, reason := range r.Reasons {
		t.Reasons = append(t.Reasons, page.Reason{
			Check: reason.Check, Text: reason.Text, Seconds: reason.Seconds, Unknown: reason.Unknown,
			Record: reason.Message, Involved: reason.Involved,
		})
	}
	return t, nil
}

// AttemptTimeout returns the timeout of each attempt of a relay.
func (r *Results) AttemptTimeout() time.Duration {
	return time.Duration(r.Timeout * float64(time.Millisecond))
}

// ReadPage reads the contents of the page of a stored test.
func ReadPage(dir string) (*page.Test, error) {
	r, err := ReadResults(dir)
	if err != nil {
		return nil, err
	}
	j, err := readFile(dir, "journal.jsonl", sim.ReadJournal)
	if err != nil {
		return nil, err
	}
	ops, err := readFile(dir, "history.jsonl", history.Read)
	if err != nil {
		return nil, err
	}
	return r.page(nameOf(dir), j, history.Of(ops...))
}

// nameOf returns a short name of a test's directory: its last two elements, after
// links were resolved.
func nameOf(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	return filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
}

func readFile[T any](dir, name string, read func(io.Reader) (T, error)) (T, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		var none T
		return none, err
	}
	defer f.Close()
	what, err := read(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return what, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return what, nil
}

// Sentence returns the verdict in one sentence.
func (r *Results) Sentence() string {
	what := fmt.Sprintf("%s on %s", r.Workload, plural(len(r.Nodes), "node"))
	switch {
	case r.failedByProtocol():
		return fmt.Sprintf("%s failed %s: %s", what, onlyProtocol, r.Headline())
	case len(r.Reasons) > 0 && r.Verdict == "fail":
		return fmt.Sprintf("%s failed: %s", what, r.Headline())
	case len(r.Reasons) > 0:
		return fmt.Sprintf("%s could not be checked completely: %s", what, r.Headline())
	case r.Verdict != "pass":
		return what + " could not be checked"
	}
	sentence := fmt.Sprintf("%s passed: no violation in %s", what, plural(r.Operations.OK+r.Operations.Fail+r.Operations.Indefinite, "operation"))
	lost := 0
	for fate, n := range r.Messages {
		if !slices.Contains([]string{"all", "delivered", "in-flight", "between-nodes", "duplicates"}, fate) {
			lost += n
		}
	}
	faults := 0
	for _, n := range r.Faults {
		faults += n
	}
	var despite []string
	if lost > 0 {
		despite = append(despite, plural(lost, "lost message"))
	}
	if faults > 0 {
		despite = append(despite, plural(faults, "fault"))
	}
	if len(despite) > 0 {
		sentence += ", despite " + listed(despite)
	}
	return sentence
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + one + "s"
}

// thousands formats a number with a comma before every three digits.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func listed(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// Again returns a shell command that runs the test again with its seed.
func (r *Results) Again() string {
	if r.Bin == trial.GoTest {
		return quote.Shell(append([]string{"go", "test"}, r.Command.Args...)...)
	}
	args := append([]string{"eddy", "test"}, withoutFlags(r.Command.Args, "seed", "test-count")...)
	dashes := slices.Index(args, "--")
	if dashes < 0 {
		dashes = len(args)
	}
	return quote.Shell(slices.Insert(args, dashes, "--seed", fmt.Sprint(r.Seed))...)
}

// withoutFlags removes some flags and their values from arguments.
func withoutFlags(args []string, names ...string) (rest []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(rest, args[i:]...)
		}
		name, _, joined := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		if strings.HasPrefix(args[i], "--") && slices.Contains(names, name) {
			if !joined {
				i++
			}
			continue
		}
		rest = append(rest, args[i])
	}
	return rest
}
