package eddytest_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/trial"
)

// The table of docs/workloads.md says in how many of 10 default tests a bug is found. This
// makes it again, in some minutes on two processors:
//
//	go test ./eddytest -run TestPlausibleBugs -found 10 -timeout 1h
//	go test ./internal/workload -rewrite
//
// With -run TestPlausibleBugs/lin-kv only the lines of one workload are made again.
var foundRuns = flag.Int("found", 0, "run each bug this often and write the table of found bugs")

// foundPath is the file with the table. Package workload copies it into the document.
const foundPath = "../cmd/eddy/testdata/testnode/found.md"

// plausibleBugs returns the bugs of all workloads.
func plausibleBugs() []testnode.Bug {
	all := testnode.Bugs()
	for _, bug := range testnode.RelayBugs {
		if bug.CaughtBy == "" {
			continue
		}
		b := testnode.Bug{Workload: "relay", Name: bug.Name, Does: bug.Does, Run: testnode.Relay(bug.Name)}
		if bug.Name == "leak" {
			b.Better = "--rate max --concurrency 20n"
		}
		all = append(all, b)
	}
	for _, b := range testnode.RareRelayBugs {
		b.Run = testnode.Relay(b.Name)
		all = append(all, b)
	}
	for _, load := range setAndCounters {
		all = append(all, replicaBugsOf(load)...)
	}
	for _, bug := range logBugs {
		b := testnode.Bug{Workload: "kafka", Name: bug.kind, Does: bug.does, Run: testnode.Logs(bug.kind)}
		switch {
		case bug.faults.Nemesis != "":
			b.Flags = "--nemesis kill"
		case bug.faults.Loss > 0:
			b.Flags = "--loss 0.2"
		}
		if all[len(all)-1].Name != b.Name { // one may have two lines
			all = append(all, b)
		}
	}
	for _, workload := range []string{"txn-list-append", "txn-rw-register"} {
		registers := workload == "txn-rw-register"
		for _, rare := range []testnode.Bug{
			{Name: "rarely-loses", Does: "acknowledges a write and does not store it, 1 of 500"},
			{Name: "rarely-stale", Does: "reads the value before the last one, 1 of 500"},
		} {
			rare.Workload, rare.Flags, rare.Run = workload, "--node-count 1", txnNode(rare.Name, registers)
			all = append(all, rare)
		}
		for _, node := range txnNodes {
			if node.does == "" || registers && node.registers == "-" {
				continue
			}
			all = append(all, testnode.Bug{Workload: workload, Name: node.name, Does: node.does, Run: txnNode(node.name, registers), Flags: "--node-count 1"})
		}
	}
	return all
}

func replicaBugsOf(load string) (all []testnode.Bug) {
	seen := map[string]bool{}
	for _, bug := range replicaBugs {
		for _, l := range bug.loads {
			if l != load || seen[bug.name] || bug.name == "swaps-again" { // which needs lossy replies of one service
				continue
			}
			seen[bug.name] = true
			run := testnode.BuggyReplicas[bug.name]
			b := testnode.Bug{Workload: load, Name: bug.name, Does: bug.does, Run: func(p *program.Process) { run(p, load == "g-set") }}
			if bug.mix.name == killing.name {
				b.Flags = "--nemesis kill"
			}
			all = append(all, b)
		}
	}
	return all
}

// defaultTest returns the test that eddy test does with some flags, in virtual time. Between
// processes messages take a little time, so they do here.
func defaultTest(t *testing.T, workload, flags string) (eddytest.Test, func(*trial.Config)) {
	test := eddytest.Test{Workload: workload, ClientLatency: "exponential:1ms", Latency: "exponential:1ms"}
	sick := trial.SickWarn
	words := strings.Fields(flags)
	for i := 0; i < len(words); i += 2 {
		value := words[i+1]
		number, err := strconv.ParseFloat(strings.TrimSuffix(value, "n"), 64)
		switch words[i] {
		case "--nemesis":
			test.Nemesis, err = value, nil
		case "--sick":
			sick, err = trial.Sick(value), nil
		case "--loss":
			test.Loss = number
		case "--availability":
			test.Availability = number
		case "--time-limit":
			test.Time = time.Duration(number) * time.Second
		case "--node-count":
			test.Nodes = int(number)
		case "--concurrency":
			test.Concurrency = int(number) * 5
		case "--rate":
			if test.Rate = number; value == "max" {
				test.Rate, err = 1e9, nil
			}
		default:
			err = fmt.Errorf("unknown flag %s", words[i])
		}
		if err != nil {
			t.Fatalf("%s: %v", flags, err)
		}
	}
	return test, func(cfg *trial.Config) {
		cfg.Sick, cfg.FinalTimeout = sick, time.Second // instead of 10 s; a bug shows early
	}
}

// findBug reports whether a test finds a bug.
func findBug(t *testing.T, b *testnode.Bug, flags string, limit time.Duration, seed uint64) bool {
	test, change := defaultTest(t, b.Workload, flags)
	test.Time = cmp.Or(test.Time, limit)
	got := eddytest.RunSeed(t, virtually(b.Run, b.Name, b.Workload), test, seed, change)
	if got.Verdict != "fail" {
		t.Logf("%s %s %s, seed %d: %s %s", b.Workload, b.Name, flags, seed, got.Verdict, got.Text)
	}
	return got.Verdict == "fail"
}

// quickBugs are found in two seconds.
var quickBugs = []string{
	"echo ascii", "echo unescapes", "echo cut", "echo 64-kib",
	"unique-ids 16-bit", "unique-ids counter-in-memory",
	"broadcast high-water", "broadcast memory", "broadcast adds-again",
	"lin-kv stale-100ms", "lin-kv one-register", "lin-kv cas-in-two-steps", "lin-kv early-ack",
	"relay holds-40", "relay long",
}

// TestPlausibleBugs finds the quick bugs, and in long tests all that most default tests find.
// With -found it counts.
func TestPlausibleBugs(t *testing.T) {
	slowWithRaces(t)
	t.Parallel()
	rows := readFound(t)
	bugs := plausibleBugs()
	var mu sync.Mutex
	t.Run("all", func(t *testing.T) {
		for _, b := range bugs {
			row := rows[b.Workload+" "+b.Does]
			quick := slices.Contains(quickBugs, b.Workload+" "+b.Name)
			if *foundRuns == 0 && !quick && (!longtest.On || row == nil || row.isRare()) {
				continue
			}
			t.Run(b.Workload+" "+b.Name, func(t *testing.T) {
				t.Parallel()
				if *foundRuns > 0 {
					row := countFound(t, &b)
					mu.Lock()
					defer mu.Unlock()
					rows[row.key()] = row
					return
				}
				for seed, limit := range []time.Duration{2, 4, 4, 10, 10, 10, 10} {
					if findBug(t, &b, b.Flags, limit*time.Second, uint64(seed+1)) {
						return
					}
				}
				t.Error("not found")
			})
		}
	})
	if *foundRuns > 0 {
		writeFound(t, rows, bugs)
	}
}

// countFound runs a bug. If fewer than 9 of 10 tests find it, it runs it again with the flags
// that find it.
func countFound(t *testing.T, b *testnode.Bug) *foundRow {
	count := func(flags string) (found int) {
		for i := range *foundRuns {
			if findBug(t, b, flags, 10*time.Second, uint64(i+1)) {
				found++
			}
		}
		return found
	}
	n := count(b.Flags)
	row := &foundRow{b.Workload, b.Does, quoted(b.Flags), fmt.Sprintf("%d of %d", n, *foundRuns), ""}
	if 10*n < 9**foundRuns && b.Better != "" {
		better := strings.TrimSpace(b.Flags + " " + b.Better)
		row.better = fmt.Sprintf("%s: %d of %d", quoted(better), count(better), *foundRuns)
	}
	return row
}

// A foundRow is a line of the table.
type foundRow struct {
	workload, does, flags, found, better string
}

func (r *foundRow) key() string { return r.workload + " " + r.does }

func (r *foundRow) String() string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", r.workload, r.does, r.flags, r.found, r.better)
}

// count returns in how many tests a default test finds the bug.
func (r *foundRow) count() (found, runs int, err error) {
	_, err = fmt.Sscanf(r.found, "%d of %d", &found, &runs)
	return found, runs, err
}

// isRare reports whether fewer than half of the tests find the bug.
func (r *foundRow) isRare() bool {
	found, runs, _ := r.count()
	return 2*found < runs
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
		found, runs, err := row.count()
		if err != nil || row.flags != quoted(b.Flags) {
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

// The nodes of the table pass without their bugs, so that it is the bugs that are found.
func TestNodesWithoutBugsPass(t *testing.T) {
	slowWithRaces(t)
	t.Parallel()
	for _, b := range testnode.WithoutBug() {
		for i, flags := range []string{"", b.Flags} {
			t.Run(b.Workload+" "+flags, func(t *testing.T) {
				t.Parallel()
				test, change := defaultTest(t, b.Workload, flags)
				test.Time = longtest.Or(10*time.Second, 2*time.Second)
				got := eddytest.RunSeed(t, virtually(b.Run, b.Name, b.Workload), test, uint64(i+1), change)
				if got.Verdict != "pass" {
					t.Errorf("%s\n%s", got.Verdict, got.Text)
				}
			})
		}
	}
}
