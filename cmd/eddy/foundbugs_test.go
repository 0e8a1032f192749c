package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// The table of docs/workloads.md says in how many of 10 default tests a bug is found. This
// makes it again, in about half an hour on two quiet processors:
//
//	go test ./cmd/eddy -run TestBugsAreFound -found 10 -timeout 3h
//	go test ./internal/workload -rewrite
//
// With -run TestBugsAreFound/lin-kv only the lines of one workload are made again.
var foundRuns = flag.Int("found", 0, "run each bug this often and write the table of found bugs")

// foundAtOnce is how many of these tests run in parallel.
var foundAtOnce = flag.Int("at-once", 5, "how many tests run at the same time with -found")

// foundPath is the file with the table. Package workload copies it into the document.
const foundPath = "testdata/testnode/found.md"

func init() {
	for _, bug := range append(testnode.Bugs(), testnode.WithoutBug()...) {
		testNodes[bugProgram(&bug)] = bug.Run
	}
	for _, bug := range rareRelayBugs {
		testNodes["relay-"+bug.Name] = func() { newBugRelay(bug.Name).serve() }
	}
}

// bugProgram returns the name of the node with a bug.
func bugProgram(b *testnode.Bug) string {
	if b.Workload == "relay" {
		return "relay-" + b.Name
	}
	return "bug-" + b.Workload + "-" + b.Name
}

// plausibleBugs returns the bugs of all workloads.
func plausibleBugs() []testnode.Bug {
	all := testnode.Bugs()
	for _, bug := range relayBugs {
		if bug.caughtBy == "" {
			continue
		}
		b := testnode.Bug{Workload: "relay", Name: bug.name, Does: bug.does}
		if bug.name == "leak" {
			b.Better = "--rate max"
		}
		all = append(all, b)
	}
	return append(all, rareRelayBugs...)
}

// findBug runs a test, with eddyTest or briefTest, and reports whether it finds a bug.
func findBug(t *testing.T, test func(*testing.T, ...string) *results, b *testnode.Bug, flags ...string) (bool, *results) {
	r := test(t, slices.Concat([]string{"-w", b.Workload, "--bin", bugProgram(b)}, flags)...)
	return r.Verdict == "fail", r
}

// quickBugs are found in two seconds.
var quickBugs = []string{
	"echo ascii", "echo unescapes", "echo cut", "echo 64-kib",
	"unique-ids 16-bit", "unique-ids counter-in-memory",
	"broadcast high-water", "broadcast memory", "broadcast adds-again",
	"lin-kv stale-100ms", "lin-kv one-register", "lin-kv cas-in-two-steps", "lin-kv early-ack",
	"relay holds-40", "relay long",
}

// TestBugsAreFound runs the quick bugs, or all with -found.
func TestBugsAreFound(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	if *foundRuns > 0 {
		countFound(t)
		return
	}
	bugs := map[string]*testnode.Bug{}
	for _, b := range plausibleBugs() {
		bugs[b.Workload+" "+b.Name] = &b
	}
	sideBySide(t, len(quickBugs), func(t *testing.T, i int) {
		b := bugs[quickBugs[i]]
		flags := append(strings.Fields(b.Flags), "--seed", "1", "--time-limit", "2")
		found, r := findBug(t, briefTest, b, flags...)
		if !found { // on a busy machine
			flags[len(flags)-1] = "10"
			found, r = findBug(t, briefTest, b, flags...)
		}
		if !found {
			t.Errorf("%s, which %s: %s\n%s", quickBugs[i], b.Does, r.Verdict, r.text())
		}
	})
}

// The nodes of the table pass without their bugs, so that it is the bugs that are found.
func TestNodesWithoutBugsPass(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	nodes := testnode.WithoutBug()
	sideBySide(t, 2*len(nodes), func(t *testing.T, i int) {
		b := &nodes[i/2]
		flags := []string{"--seed", fmt.Sprint(i + 1), "--time-limit", longtest.Or("10", "2")}
		if i%2 == 0 {
			flags = append(flags, strings.Fields(b.Flags)...)
		}
		if _, r := findBug(t, eddyTest, b, flags...); r.Verdict != "pass" {
			t.Errorf("%s %q: %s\n%s", b.Workload, flags, r.Verdict, r.text())
		}
	})
}

// A foundRow is a line of the table.
type foundRow struct {
	workload, does, flags, found, better string
}

func (r *foundRow) key() string { return r.workload + " " + r.does }

func (r *foundRow) String() string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", r.workload, r.does, r.flags, r.found, r.better)
}

const foundHead = "| workload | the node | flags | found in | flags that find it |\n|---|---|---|---|---|\n"

func readFound(t *testing.T) map[string]*foundRow {
	text, err := os.ReadFile(foundPath)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]*foundRow{}
	for line := range strings.Lines(strings.TrimPrefix(string(text), foundHead)) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		row := &foundRow{cells[0], cells[1], cells[2], cells[3], cells[4]}
		rows[row.key()] = row
	}
	return rows
}

func quoted(flags string) string {
	if flags == "" {
		return ""
	}
	return "`" + flags + "`"
}

// countFound runs all bugs, and those that are found in fewer than 9 of 10 tests again
// with the flags that find them.
func countFound(t *testing.T) {
	var mu sync.Mutex
	rows := readFound(t)
	bugs := plausibleBugs()
	slots := make(chan bool, *foundAtOnce)
	count := func(t *testing.T, b *testnode.Bug, flags string) (found int) {
		var running sync.WaitGroup
		for i := range *foundRuns {
			slots <- true
			running.Go(func() {
				defer func() { <-slots }()
				if ok, r := findBug(t, eddyTest, b, append(strings.Fields(flags), "--seed", fmt.Sprint(i+1))...); ok {
					mu.Lock()
					found++
					mu.Unlock()
				} else {
					t.Logf("%s %s: seed %d: %s %s", b.Workload, b.Name, i+1, r.Verdict, r.text())
				}
			})
		}
		running.Wait()
		return found
	}
	var running sync.WaitGroup
	limit := make(chan bool, 4)
	for _, b := range bugs {
		limit <- true
		running.Go(func() {
			defer func() { <-limit }()
			t.Run(b.Workload+"-"+b.Name, func(t *testing.T) {
				n := count(t, &b, b.Flags)
				row := &foundRow{b.Workload, b.Does, quoted(b.Flags), fmt.Sprintf("%d of %d", n, *foundRuns), ""}
				if 10*n < 9**foundRuns && b.Better != "" {
					better := strings.TrimSpace(b.Flags + " " + b.Better)
					row.better = fmt.Sprintf("%s: %d of %d", quoted(better), count(t, &b, better), *foundRuns)
				}
				mu.Lock()
				defer mu.Unlock()
				rows[row.key()] = row
				writeFound(t, rows, bugs)
			})
		})
	}
	running.Wait()
}

func writeFound(t *testing.T, rows map[string]*foundRow, bugs []testnode.Bug) {
	var b strings.Builder
	b.WriteString(foundHead)
	for _, bug := range bugs {
		if row := rows[bug.Workload+" "+bug.Does]; row != nil {
			b.WriteString(row.String())
		}
	}
	if err := os.WriteFile(foundPath, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The table has a line for each bug, at least 12 for each workload. A bug that a default
// test does not find in 9 of 10 runs has flags that find it.
func TestFoundBugsAreComplete(t *testing.T) {
	rows := readFound(t)
	of := map[string]int{}
	for _, b := range plausibleBugs() {
		row := rows[b.Workload+" "+b.Does]
		if row == nil {
			t.Errorf("the table has no line for %s %s", b.Workload, b.Name)
			continue
		}
		delete(rows, row.key())
		of[b.Workload]++
		var found, runs int
		if _, err := fmt.Sscanf(row.found, "%d of %d", &found, &runs); err != nil || row.flags != quoted(b.Flags) {
			t.Errorf("%s %s: %s", b.Workload, b.Name, row)
		}
		if 10*found < 9*runs && row.better == "" {
			t.Errorf("%s %s is found in %s tests, and no flags are named that find it", b.Workload, b.Name, row.found)
		}
	}
	for _, row := range rows {
		t.Errorf("the table has a line for a bug that does not exist: %s", row)
	}
	for _, workload := range slices.Sorted(maps.Keys(of)) {
		if of[workload] < 12 {
			t.Errorf("%s has %d bugs", workload, of[workload])
		}
	}
}
