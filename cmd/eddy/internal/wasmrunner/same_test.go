package wasmrunner

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/trial"
)

// A program gives the same history as a process in real time and as a WebAssembly program
// in virtual time: the clients ask the same nodes the same things, in the same order, and
// get the same replies. Only the times differ.
func TestSameHistoryAsProcess(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	const pkg = "cmd/eddy/internal/wasmrunner/testdata/counts"
	program := filepath.Join(dir, "counts")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/eddyrpc/eddy/"+pkg).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	module := build(t, dir, pkg)
	p, err := Compile(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(ctx)
	run := func(bin string, run func(context.Context, *runner.Config) (*trial.Result, error)) (history []string) {
		cfg := faulty(t, "echo", bin, 5)
		cfg.Virtual = bin == module
		cfg.TimeLimit, cfg.Rate, cfg.Concurrency, cfg.Nemeses = time.Second, 30, 30, nil
		res, err := run(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if verdict, problems := res.Judge(&cfg.Config); verdict != checker.Pass {
			t.Errorf("%s: %v %v", bin, verdict, problems)
		}
		for op := range res.History.All() {
			if !op.Final {
				history = append(history, fmt.Sprint(op.Client, op.Node, op.MsgID, op.F, string(op.Value), op.Outcome, string(op.Result)))
			}
		}
		return history
	}
	real, virtual := run(program, runner.Run), run(module, p.Run)
	n := min(len(real), len(virtual)) // the last request may come too late in real time
	if n < 20 || max(len(real), len(virtual))-n > 2 {
		t.Errorf("%d operations in real time, %d in virtual time", len(real), len(virtual))
	}
	for i := range n {
		if real[i] != virtual[i] {
			t.Fatalf("operation %d:\n%s in real time,\n%s in virtual time", i, real[i], virtual[i])
		}
	}
}
