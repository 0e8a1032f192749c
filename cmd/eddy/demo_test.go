package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// eddy demo has the examples that are Go programs for a test, with command lines that are
// valid.
func TestDemos(t *testing.T) {
	for _, demo := range demos {
		if _, err := os.Stat(filepath.Join("../..", demo.program, "main.go")); err != nil {
			t.Error(err)
		}
		line := &cli{}
		if _, err := newParser(line).Parse(append([]string{"test", "--bin", "x"}, strings.Fields(demo.args)...)); err != nil {
			t.Errorf("%s: %v", demo.args, err)
		} else if _, err := line.Test.config(); err != nil {
			t.Errorf("%s: %v", demo.args, err)
		}
	}
	examples, err := filepath.Glob("../../examples/*/main.go")
	if err != nil || len(examples) < 10 {
		t.Fatal(examples, err)
	}
	for _, path := range examples {
		name := "examples/" + filepath.Base(filepath.Dir(path))
		// The first is the relay of README.md, and the second one needs NATS.
		if name == "examples/first" || name == "examples/nats" {
			continue
		}
		if !slices.ContainsFunc(demos, func(d struct{ program, args string }) bool { return d.program == name }) {
			t.Errorf("%s is not in eddy demo", name)
		}
	}
}
