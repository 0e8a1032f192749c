package runner

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/workload"
)

// Every fault begins and ends, killed nodes are started again, and the test passes.
func TestRunNemeses(t *testing.T) {
	for _, kind := range sim.Kinds {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			if err := CheckNemeses([]string{kind.Name}, false); err != nil {
				t.Skip(err)
			}
			cfg := config(t)
			cfg.Nemeses, cfg.Interval, cfg.TimeLimit = []string{kind.Name}, 50*time.Millisecond, 500*time.Millisecond
			cfg.Network.Seed = 7
			res, err := Run(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			begun, ended, started := 0, 0, 0
			for _, e := range res.Journal.Events() {
				switch e.What {
				case "begin":
					begun++
				case "end":
					ended++
				case "started":
					started++
				}
			}
			if begun == 0 || begun != ended {
				t.Errorf("%d faults began, %d ended", begun, ended)
			}
			if kills := kind.Name[:2] == "ki"; kills != (started > len(cfg.Nodes)) {
				t.Errorf("%d incarnations of %d nodes", started, len(cfg.Nodes))
			}
			if verdict, problems := res.Judge(&cfg.Config); verdict != checker.Pass {
				t.Errorf("%v %v", verdict, problems)
			}
		})
	}
}

// A node that is killed keeps the files of all its incarnations. A node that is
// killed and wiped has only those of the last.
func TestRunKillKeepsOrWipes(t *testing.T) {
	for _, name := range []string{"kill", "kill-wipe"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t)
			cfg.Nodes = []string{"n1"}
			cfg.Nemeses, cfg.Interval, cfg.TimeLimit = []string{name}, 40*time.Millisecond, 400*time.Millisecond
			res, err := Run(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			incarnations := 0 // that replied to init, and so have created a file
			for _, e := range res.Journal.Events() {
				if e.What == "started" {
					incarnations++
				}
			}
			files, err := filepath.Glob(filepath.Join(cfg.Dirs, "n1", "file*"))
			if err != nil || incarnations < 2 || name == "kill" && len(files) < incarnations || name == "kill-wipe" && len(files) != 1 {
				t.Errorf("%d incarnations left %q, %v", incarnations, files, err)
			}
		})
	}
}

// createFile creates another file in the working directory.
func createFile() {
	f, err := os.CreateTemp(".", "file")
	if err != nil {
		panic(err)
	}
	f.Close()
}

// When a node is killed, its open operations end at once, and not after the clients'
// timeout. Their clients continue as other processes.
func TestRunKillEndsOperations(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Nemeses, cfg.Interval, cfg.TimeLimit = []string{"kill"}, 50*time.Millisecond, 500*time.Millisecond
	cfg.Network.ClientLatency = sim.Constant(20 * time.Millisecond) // so that there are always open operations
	cfg.Rate = trial.MaxRate
	res, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	killed := map[string][]time.Duration{}
	for _, e := range res.Journal.Events() {
		if e.What == "killed" {
			killed[e.Node] = append(killed[e.Node], e.At)
		}
	}
	ended, over := 0, map[int]bool{}
	for op := range res.History.All() {
		if over[op.Process] {
			t.Errorf("%v: its process had ended", op)
		}
		seen, to := op.Seen()
		over[op.Process] = seen == history.Indefinite
		for _, at := range killed[op.Node] {
			switch {
			case op.From < at && to > at:
				t.Errorf("%v: did not end when its node was killed at %v", op, at)
			case to == at && seen == history.Indefinite:
				ended++
			}
		}
	}
	if ended == 0 || len(over) <= cfg.Concurrency { // the last ones may not go on before the end
		t.Errorf("%d operations ended with their nodes, in %d processes", ended, len(over))
	}
}

// The requests that prepare a test are not lost, even if all other messages of clients
// are.
func TestRunSetupIsNotLost(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	var err error
	if cfg.Spec, err = workload.Find("broadcast"); err != nil {
		t.Fatal(err)
	}
	cfg.Network.ClientLoss, cfg.TimeLimit, cfg.Rate, cfg.FinalTimeout = 1, 50*time.Millisecond, 100, time.Millisecond
	res, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	prepared, lost := 0, 0
	for op := range res.History.All() {
		switch {
		case op.F == "topology" && op.Outcome == history.OK:
			prepared++
		case !op.Final && op.Outcome != history.OK:
			lost++
		}
	}
	if prepared != len(cfg.Nodes) || lost == 0 || res.Stopped != "" {
		t.Errorf("%d nodes prepared, %d operations lost, stopped: %q", prepared, lost, res.Stopped)
	}
}
