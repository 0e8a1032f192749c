package runner

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// Every fault begins and ends, nodes come back, and none is blamed.
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
			begun, ended, lives := 0, 0, 0
			for _, e := range res.Journal.Events() {
				switch e.What {
				case "begin":
					begun++
				case "end":
					ended++
				case "started":
					lives++
				}
			}
			if begun == 0 || begun != ended {
				t.Errorf("%d faults began, %d ended", begun, ended)
			}
			if kills := kind.Name[:2] == "ki"; kills != (lives > len(cfg.Nodes)) {
				t.Errorf("%d lives of %d nodes", lives, len(cfg.Nodes))
			}
			if verdict, problems := res.Judge(cfg, false); verdict != checker.Pass {
				t.Errorf("%v %v", verdict, problems)
			}
		})
	}
}

// A node that is killed and wiped begins in an empty directory; otherwise it
// finds what all its lives have left.
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
			lives := 0 // that answered init, and so had left a mark
			for _, e := range res.Journal.Events() {
				if e.What == "started" {
					lives++
				}
			}
			marks, err := filepath.Glob(filepath.Join(cfg.Dirs, "n1", "mark*"))
			if err != nil || lives < 2 || name == "kill" && len(marks) < lives || name == "kill-wipe" && len(marks) != 1 {
				t.Errorf("%d lives left %q, %v", lives, marks, err)
			}
		})
	}
}

// leaveMark leaves one more file in the working directory.
func leaveMark() {
	f, err := os.CreateTemp(".", "mark")
	if err != nil {
		panic(err)
	}
	f.Close()
}

// What was asked of a node that is killed ends with it, and not with the time
// that a client would wait; its client goes on as another process.
func TestRunKillEndsOperations(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Nemeses, cfg.Interval, cfg.TimeLimit = []string{"kill"}, 50*time.Millisecond, 500*time.Millisecond
	cfg.Network.ClientLatency = sim.Constant(20 * time.Millisecond) // so that something is always open
	cfg.Rate = MaxRate
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
		over[op.Process] = op.Outcome == history.Indefinite
		for _, at := range killed[op.Node] {
			switch {
			case op.From < at && op.To > at:
				t.Errorf("%v: went on after its node's death at %v", op, at)
			case op.To == at && op.Outcome == history.Indefinite:
				ended++
			}
		}
	}
	if ended == 0 || len(over) <= cfg.Concurrency { // the last ones may not go on before the end
		t.Errorf("%d operations ended with their nodes, in %d processes", ended, len(over))
	}
}
