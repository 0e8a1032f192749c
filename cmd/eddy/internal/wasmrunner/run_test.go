package wasmrunner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/workload"
)

// build compiles a package of this repository for WASI and returns the path of the program.
func build(t *testing.T, dir, pkg string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.Base(pkg)+".wasm")
	cmd := exec.Command("go", "build", "-o", path, "github.com/eddyrpc/eddy/"+pkg)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// faulty is a short test under all faults.
func faulty(t *testing.T, load, bin string, seed uint64) *runner.Config {
	t.Helper()
	spec, err := workload.Find(load)
	if err != nil {
		t.Fatal(err)
	}
	return &runner.Config{Dirs: t.TempDir(), Logs: t.TempDir(), Config: trial.Config{
		Spec: spec, Bin: bin, Nodes: []string{"n1", "n2", "n3"}, Virtual: true,
		TimeLimit: 2 * time.Second, Rate: 40, Concurrency: 6, Quiesce: -1, Topology: "line",
		CallTimeout: 500 * time.Millisecond, CallAttempts: 3, ClientTimeout: 5 * time.Second,
		Network: sim.Config{Seed: seed, Loss: 0.1, Duplicate: 0.1, Latency: sim.Exponential(20 * time.Millisecond)},
		Nemeses: []string{"partition", "pause"}, Interval: 300 * time.Millisecond,
	}}
}

// A node on package eddy, compiled for WASI without a change, passes under faults.
func TestRun(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	for pkg, load := range map[string]string{"examples/broadcast": "broadcast", "cmd/relay": "relay"} {
		bin := build(t, dir, pkg)
		if !IsModule(bin) || IsModule(os.Args[0]) {
			t.Errorf("%s is no module, or this program is one", bin)
		}
		p, err := Compile(ctx, bin)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close(ctx)
		cfg := faulty(t, load, bin, 1)
		res, err := p.Run(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if verdict, problems := res.Judge(&cfg.Config); verdict != checker.Pass || res.History.Len() < 20 {
			t.Errorf("%s: %v, %d operations, %+v", pkg, verdict, res.History.Len(), problems)
		}
	}
}

// A kill keeps the node's directory, and kill-wipe empties it.
func TestKill(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	bin := build(t, t.TempDir(), "cmd/eddy/internal/wasmrunner/testdata/counts")
	p, err := Compile(ctx, bin)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(ctx)
	for _, nemesis := range []string{"kill", "kill-wipe"} {
		cfg := faulty(t, "echo", bin, 3)
		cfg.Nemeses = []string{nemesis}
		res, err := p.Run(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		verdict, problems := res.Judge(&cfg.Config)
		started := map[string]int{}
		for _, e := range res.Journal.Events() {
			if e.What == "started" {
				started[e.Node]++
			}
		}
		files, incarnations := 0, 0
		for _, name := range cfg.Nodes {
			all, err := filepath.Glob(filepath.Join(cfg.Dirs, name, "*"))
			if err != nil {
				t.Fatal(err)
			}
			files, incarnations = files+len(all), incarnations+started[name]
		}
		want := incarnations
		if nemesis == "kill-wipe" {
			want = len(cfg.Nodes)
		}
		if verdict != checker.Pass || incarnations < 5 || files != want {
			t.Errorf("%s: %v %v, %d incarnations left %d files", nemesis, verdict, problems, incarnations, files)
		}
	}
}

// A program that does not block, and one that ends by itself, are named.
func TestFailures(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	bin := build(t, t.TempDir(), "cmd/eddy/internal/wasmrunner/testdata/counts")
	p, err := Compile(ctx, bin)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(ctx)
	p.maxWork = 50_000_000 // the default takes seconds
	for arg, want := range map[string]string{
		"spin":  "n1 ended by itself: the program did not block",
		"panic": "n1 ended by itself: exit status 2; on stderr:\n    panic: counts: told to",
	} {
		cfg := faulty(t, "echo", bin, 1)
		cfg.Args = []string{arg}
		res, err := p.Run(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		verdict, problems := res.Judge(&cfg.Config)
		if verdict != checker.Fail || !strings.Contains(fmt.Sprint(problems), want) {
			t.Errorf("%s: %v\n%+v\nwant %q", arg, verdict, problems, want)
		}
		log, err := os.ReadFile(filepath.Join(cfg.Logs, "n1.log"))
		if arg == "panic" && !strings.Contains(string(log), "counts: told to") {
			t.Errorf("the log of n1: %q, %v", log, err)
		}
	}
}

const traceOf = "EDDY_WASM_TRACE_OF"

// The same seed gives the same run, byte for byte, whatever the number of processors. Each
// half of the runs is in a process of its own.
func TestSameRun(t *testing.T) {
	ctx := context.Background()
	seeds := longtest.Or(100, 6)
	if bin := os.Getenv(traceOf); bin != "" {
		p, err := Compile(ctx, bin)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close(ctx)
		for seed := range uint64(seeds) {
			cfg := faulty(t, "broadcast", bin, seed)
			cfg.Nemeses = append(cfg.Nemeses, "kill", "flaky")
			res, err := p.Run(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Printf("trace %d: %d messages, %016x\n", seed, res.Journal.Len(), res.Journal.Hash())
		}
		return
	}
	bin := build(t, t.TempDir(), "examples/broadcast")
	outputs := make([]string, 2)
	var running sync.WaitGroup
	for i := range outputs {
		running.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestSameRun$")
			cmd.Env = append(os.Environ(), traceOf+"="+bin, fmt.Sprintf("GOMAXPROCS=%d", i+1))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for line := range strings.Lines(string(out)) {
				if strings.HasPrefix(line, "trace") {
					outputs[i] += line
				}
			}
		})
	}
	running.Wait()
	if outputs[0] != outputs[1] || strings.Count(outputs[0], "\n") != seeds {
		t.Errorf("the runs differ:\n%s\n%s", outputs[0], outputs[1])
	}
}

// A cache directory that cannot be written is not used.
func TestNoCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", file)
	t.Setenv("HOME", file)
	if dir := cacheDir(); dir != "" {
		t.Errorf("the cache is in %s", dir)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if dir := cacheDir(); runtime.GOOS == "linux" && dir == "" {
		t.Error("there is no cache")
	}
}
