package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every command line of Maelstrom's documents is one of eddy, with eddy in its place.
func TestMaelstromLines(t *testing.T) {
	text, err := os.ReadFile("testdata/maelstrom/lines.txt")
	if err != nil {
		t.Fatal(err)
	}
	before := regexp.MustCompile(`^(RUST_LOG=debug )?[^ ]*maelstrom `)
	tests := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if !before.MatchString(line) {
			t.Fatalf("%s: no command line of Maelstrom", line)
		}
		args := strings.Fields(before.ReplaceAllString(line, ""))
		c := &cli{}
		ctx, err := newParser(c).Parse(args)
		if err != nil {
			_, wrong := explain(args, err)
			t.Errorf("%s: %v", line, wrong)
			continue
		}
		if args[0] != "test" {
			continue
		}
		if err := c.Test.check(ctx); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		cfg, err := c.Test.config()
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		tests++
		if i := slices.Index(args, "--latency"); i >= 0 && cfg.Network.Latency.String() == "0s" {
			t.Errorf("%s: there is no latency", line)
		}
	}
	if tests < 50 {
		t.Errorf("only %d tests", tests)
	}
}
