package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/longtest"
)

// atOnce is how many tests run in parallel. They mostly wait.
const atOnce = 16

// running has a place for each eddy test that runs, in all tests together. Two processors
// bear so many; with more, nodes are late and look broken.
var running = make(chan bool, map[bool]int{false: 12, true: 4}[raceOn])

// sideBySide runs subtests in parallel, more than there are processors.
func sideBySide(t *testing.T, count int, test func(t *testing.T, i int)) {
	t.Helper()
	atOnce := atOnce
	if *allHealthy { // beside two busy processes
		atOnce = 4
	}
	slots := make(chan bool, atOnce)
	var running sync.WaitGroup
	for i := range count {
		slots <- true
		running.Go(func() {
			defer func() { <-slots }()
			t.Run(fmt.Sprint(i), func(t *testing.T) { test(t, i) })
		})
	}
	running.Wait()
}

// results are the fields of results.json that the tests use.
type results struct {
	Verdict    string      `json:"verdict"`
	Reasons    []reason    `json:"reasons"`
	Violations []violation `json:"violations"`
	Warnings   []violation `json:"warnings"`
	status     int
}

type violation struct {
	Node    string `json:"node"`
	Kind    string `json:"kind"`
	Line    int64  `json:"line"`
	Quote   string `json:"quote"`
	Text    string `json:"text"`
	Message int    `json:"message"`
	Count   int    `json:"count"`
}

type reason struct {
	Check   string `json:"check"`
	Text    string `json:"text"`
	Unknown bool   `json:"unknown"`
	Message int    `json:"message"`
}

// checks returns the names of the checks of the reasons, each once.
func (r *results) checks() string {
	var names []string
	for _, reason := range r.Reasons {
		if !slices.Contains(names, reason.Check) {
			names = append(names, reason.Check)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func (r *results) text() string {
	var b strings.Builder
	for _, reason := range r.Reasons {
		fmt.Fprintf(&b, "%s: %s\n", reason.Check, reason.Text)
	}
	return b.String()
}

// eddyTest runs eddy test and checks that its exit status matches its verdict.
func eddyTest(t *testing.T, args ...string) *results {
	t.Helper()
	return testBy(t, "eddy", args)
}

// briefTest is eddyTest for nodes that a test does not pass. Unless long tests run, the
// final phase does not wait as long for them as it usually does.
func briefTest(t *testing.T, args ...string) *results {
	t.Helper()
	return testBy(t, longtest.Or("eddy", "eddy-brief"), args)
}

// testBy runs the test by a program, eddy or one that differs from it.
func testBy(t *testing.T, program string, args []string) *results {
	t.Helper()
	running <- true
	defer func() { <-running }()
	cmd := exec.Command(program, append([]string{"test", "--json", "--store", t.TempDir()}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r := &results{}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		r.status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(stdout.Bytes(), r); err != nil {
		t.Fatalf("eddy test %q: status %d, %v\n%s%s", args, r.status, err, stdout.Bytes(), stderr.Bytes())
	}
	if want := map[string]int{"pass": 0, "fail": 1, "unknown": 2}[r.Verdict]; r.status != want {
		t.Errorf("eddy test %q: %s with exit status %d", args, r.Verdict, r.status)
	}
	return r
}
