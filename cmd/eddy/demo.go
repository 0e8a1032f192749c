package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/eddyrpc/eddy/internal/quote"
)

// demoCommand is `eddy demo`.
type demoCommand struct {
	TimeLimit string `name:"time-limit" default:"2s" placeholder:"TIME" help:"The length of the main phase of each test (${default})."`
	Store     string `default:"store" placeholder:"DIR" help:"The directory for the files of tests (${default})."`
}

func (demoCommand) Help() string {
	return `Builds the examples of Eddy's repository and tests each with its workload, under faults. It takes about a minute, and must run in a clone of the repository, because it builds ./examples.

The exit status is 0 if all pass, otherwise that of the first test that does not.`
}

// demos are the programs that eddy demo builds, and how it tests them.
var demos = []struct{ program, args string }{
	{"examples/echo", "-w echo"},
	{"examples/unique-ids", "-w unique-ids --loss 0.1 --nemesis partition,kill"},
	{"examples/broadcast", "-w broadcast --loss 0.1 --nemesis partition"},
	{"examples/broadcast-batched", "-w broadcast --loss 0.1 --nemesis partition"},
	{"examples/g-counter", "-w g-counter --loss 0.1 --nemesis partition"},
	{"examples/kafka", "-w kafka --loss 0.1 --nemesis partition"},
	{"examples/txn-list-append", "-w txn-list-append --loss 0.1 --nemesis partition"},
	{"examples/txn-rw-register", "-w txn-rw-register --consistency-models read-committed --loss 0.1 --nemesis partition"},
	{"examples/txn-snapshot", "-w txn-list-append --consistency-models snapshot-isolation --loss 0.1 --nemesis partition,kill"},
	{"examples/raft-lin-kv", "-w lin-kv --loss 0.1 --nemesis partition,kill"},
	{"cmd/relay", "-w relay --loss 0.1 --latency 5 --nemesis partition,pause"},
}

func (c *demoCommand) Run() error {
	if text, err := os.ReadFile("go.mod"); err != nil || !strings.HasPrefix(string(text), "module github.com/eddyrpc/eddy\n") {
		return usageError("eddy demo builds the examples of Eddy's repository, so it must run at the top of a clone of it")
	}
	dir, err := os.MkdirTemp("", "eddy-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, demo := range demos {
		program := filepath.Join(dir, filepath.Base(demo.program)+exeSuffix())
		if out, err := exec.Command("go", "build", "-o", program, "./"+demo.program).CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", demo.program, err, out)
		}
		verdict, err := c.test(program, strings.Fields(demo.args))
		if err != nil {
			return fmt.Errorf("test %s: %w", demo.program, err)
		}
		if status := statusOf(verdict); status != 0 {
			return statusErr{status: status}
		}
	}
	_, err = fmt.Println(colouredVerdict("PASS") + "  every example")
	return err
}

// test runs one test, and prints its verdict and its command.
func (c *demoCommand) test(program string, args []string) (verdict string, err error) {
	args = append(args, "--bin", program, "--node-count", "3", "--time-limit", c.TimeLimit, "--store", c.Store)
	line := &cli{}
	if _, err := newParser(line).Parse(append([]string{"test"}, args...)); err != nil {
		return "", usageError("%v", err)
	}
	test := &line.Test
	test.argv, test.quiet, test.Seed = args, true, newSeed()
	store, err := test.storeCase(nil)
	if err != nil {
		return "", err
	}
	results, _, err := test.onceIn(store)
	if err != nil {
		return "", err
	}
	fmt.Printf("%s  %-18s eddy test %s\n", colouredVerdict(strings.ToUpper(results.Verdict)), filepath.Base(program), quote.Shell(args[:len(args)-4]...))
	for _, reason := range results.Reasons {
		fmt.Printf("      %s: %s\n", reason.Check, quote.Lines(reason.Text))
	}
	if results.Verdict != "pass" {
		fmt.Printf("      stored in %s\n", store.Dir)
	}
	return results.Verdict, nil
}

// exeSuffix is how the names of programs end on this operating system.
func exeSuffix() string {
	if os.PathSeparator == '\\' {
		return ".exe"
	}
	return ""
}
