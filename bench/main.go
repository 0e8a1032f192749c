// Command bench runs nodes side by side and shows what each costs: those of
// package eddy and those that people would write instead.
//
// See README.md for what each case measures and for what the figures don't say.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/natsprocess"
)

func main() {
	natsprocess.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A command is what the command line asks for.
type command struct {
	settings   Settings
	cases      []*Case
	peers      []*Peer
	list       bool
	out, print string
}

func parse() (*command, error) {
	c := &command{}
	flag.IntVar(&c.settings.Rounds, "rounds", 7, "how often each peer runs in each case, in turn with the others")
	caseExpr := flag.String("cases", "", "run only the cases whose name matches this regular expression")
	peerExpr := flag.String("peers", "", "run only the peers whose name matches this regular expression")
	flag.StringVar(&c.out, "out", "results.json", "file for the results")
	flag.BoolVar(&c.settings.Smoke, "smoke", false, "one round of tiny sizes: checks the answers, measures nothing")
	flag.IntVar(&c.settings.Pipe, "pipe", 0, "size of the pipes in bytes, Linux only; 0 is the system's default")
	flag.BoolVar(&c.list, "list", false, "list cases and peers")
	flag.StringVar(&c.print, "print", "", "measure nothing: print the results of an earlier run from this file")
	flag.Parse()
	if flag.NArg() > 0 {
		return nil, fmt.Errorf("unexpected arguments: %q", flag.Args())
	}
	if c.settings.Rounds < 1 {
		return nil, errors.New("-rounds: must be at least 1")
	}
	if c.settings.Smoke {
		c.settings.Rounds = 1
	}
	return c, c.choose(*caseExpr, *peerExpr)
}

// choose selects the cases and peers whose names match.
func (c *command) choose(caseExpr, peerExpr string) error {
	wantCase, err := regexp.Compile(caseExpr)
	if err != nil {
		return fmt.Errorf("-cases: %w", err)
	}
	wantPeer, err := regexp.Compile(peerExpr)
	if err != nil {
		return fmt.Errorf("-peers: %w", err)
	}
	c.settings.Use = map[string]bool{}
	for _, p := range peers {
		if wantPeer.MatchString(p.Name) {
			c.peers = append(c.peers, p)
			c.settings.Use[p.Name] = true
		}
	}
	for _, k := range cases {
		if wantCase.MatchString(k.Name) {
			c.cases = append(c.cases, k)
		}
	}
	return nil
}

func run(ctx context.Context) error {
	c, err := parse()
	switch {
	case err != nil:
		return err
	case c.list:
		printList()
		return nil
	case c.print != "":
		report, err := loadReport(c.print)
		if err != nil {
			return err
		}
		report.Verdicts = judge(report.Results)
		report.print(os.Stdout)
		return nil
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "eddy-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	failed := build(ctx, root, dir, c.peers)
	report, err := c.measure(ctx, thisMachine(root))
	report.print(os.Stdout)
	return errors.Join(failed, err, ctx.Err(), report.save(c.out))
}

// measure runs the cases until ctx ends. The error names the runs that failed though
// they should not.
func (c *command) measure(ctx context.Context, machine Machine) (*Report, error) {
	s := c.settings
	report := &Report{
		Date: time.Now().UTC().Truncate(time.Second), Machine: machine,
		Rounds: s.Rounds, Smoke: s.Smoke, Pipe: s.Pipe,
	}
	var failed error
	for _, k := range c.cases {
		if ctx.Err() != nil {
			break
		}
		result := &Result{Case: k.Name, Outcomes: k.Measure(ctx, s)}
		report.Results = append(report.Results, result)
		for _, o := range result.Outcomes {
			if o.Failed != "" && !o.Excused {
				failed = errors.Join(failed, fmt.Errorf("%s, %s: %s", k.Name, o.Peer, o.Failed))
			}
		}
	}
	if !s.Smoke {
		report.Verdicts = judge(report.Results)
	}
	return report, failed
}

// moduleRoot is the directory of this module, where the peers are.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/eddyrpc/eddy/bench").Output()
	if err != nil {
		return "", fmt.Errorf("finding the peers: %w (run this inside bench/)", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func printList() {
	for _, c := range cases {
		fmt.Printf("  %-14s %s\n", c.Name, c.Title)
	}
	fmt.Println()
	for _, p := range peers {
		fmt.Printf("  %-14s %s\n", p.Name, p.About)
	}
}
