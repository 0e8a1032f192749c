package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/eddyrpc/eddy/internal/golden"
)

// TestMain makes the test binary the command itself and each test node.
func TestMain(m *testing.M) {
	commands := map[string]func(){
		"eddy":        func() { os.Exit(run(os.Args[1:])) },
		"eddy-brief":  func() { finalWait = 2 * time.Second; os.Exit(run(os.Args[1:])) },
		"eddy-broken": func() { breakWorkloads(); os.Exit(run(os.Args[1:])) },
	}
	maps.Copy(commands, testNodes)
	// Most tests wait for processes. A flag on the command line takes precedence.
	flag.Set("test.parallel", "16")
	os.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's exit takes a second
	testscript.Main(m, commands)
}

// TestScripts runs the transcripts in testdata/script.
func TestScripts(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := filepath.Abs("../../nodes")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: golden.Rewrite(),
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("EXAMPLES", examples)
			env.Setenv("NODES", nodes)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "race" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return raceOn, nil
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"fails-once": failsOnce},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// failsOnce is the command fails-once of scripts. It runs a program up to five times, until it
// fails: on a busy machine a node that runs in real time may be too late for its own bug.
func failsOnce(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fails-once program [args...]")
	}
	for range 5 {
		if ts.Exec(args[0], args[1:]...) != nil {
			return
		}
	}
	ts.Fatalf("%q did not fail", args)
}
