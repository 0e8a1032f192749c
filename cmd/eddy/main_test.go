package main

import (
	"flag"
	"maps"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite what the tests compare with; read it before you commit it")

// TestMain makes the test binary the command itself, and every test node.
func TestMain(m *testing.M) {
	commands := map[string]func(){
		"eddy": func() { os.Exit(run(os.Args[1:])) },
	}
	maps.Copy(commands, testNodes)
	os.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's exit takes a second
	testscript.Main(m, commands)
}

// TestScripts runs the transcripts in testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
