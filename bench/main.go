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
	"path/filepath"
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

func run(ctx context.Context) error {
	var (
		rounds   = flag.Int("rounds", 7, "how often each peer runs in each case, in turn with the others")
		caseExpr = flag.String("cases", "", "run only the cases whose name matches this regular expression")
		peerExpr = flag.String("peers", "", "run only the peers whose name matches this regular expression")
		out      = flag.String("out", ".", "directory for results.json and results.svg")
		smoke    = flag.Bool("smoke", false, "one round of tiny sizes: checks answers, measures nothing worth reading")
		pipe     = flag.Int("pipe", 0, "size of the pipes in bytes, Linux only; 0 leaves the system's")
		list     = flag.Bool("list", false, "list cases and peers")
		draw     = flag.String("draw", "", "measure nothing: print and draw this results.json of an earlier run again")
	)
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("what is %q for?", flag.Args())
	}
	if *rounds < 1 {
		return errors.New("-rounds: at least 1")
	}
	wantCase, err := match("-cases", *caseExpr)
	if err != nil {
		return err
	}
	wantPeer, err := match("-peers", *peerExpr)
	if err != nil {
		return err
	}
	if *list {
		printList()
		return nil
	}
	if *draw != "" {
		report, err := loadReport(*draw)
		if err != nil {
			return err
		}
		report.Verdicts = judge(report.Results)
		report.print(os.Stdout)
		return report.draw(filepath.Join(*out, "results.svg"))
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

	settings := Settings{Rounds: *rounds, Smoke: *smoke, Pipe: *pipe, Use: map[string]bool{}}
	if *smoke {
		settings.Rounds = 1
	}
	var use []*Peer
	for _, p := range peers {
		if wantPeer(p.Name) {
			use = append(use, p)
			settings.Use[p.Name] = true
		}
	}
	failed := build(ctx, root, dir, use)

	report := &Report{
		Date: time.Now().UTC().Truncate(time.Second), Machine: thisMachine(root),
		Rounds: settings.Rounds, Smoke: *smoke, Pipe: *pipe,
	}
	for _, c := range cases {
		if !wantCase(c.Name) || ctx.Err() != nil {
			continue
		}
		result := &Result{Case: c.Name, Outcomes: c.Measure(ctx, settings)}
		report.Results = append(report.Results, result)
		for _, o := range result.Outcomes {
			if o.Failed != "" && !o.Excused {
				failed = errors.Join(failed, fmt.Errorf("%s, %s: %s", c.Name, o.Peer, o.Failed))
			}
		}
	}
	if !*smoke {
		report.Verdicts = judge(report.Results)
	}
	report.print(os.Stdout)
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	return errors.Join(failed, ctx.Err(),
		report.save(filepath.Join(*out, "results.json")),
		report.draw(filepath.Join(*out, "results.svg")))
}

// match compiles a flag's regular expression; an empty one matches everything.
func match(name, expr string) (func(string) bool, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return re.MatchString, nil
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
