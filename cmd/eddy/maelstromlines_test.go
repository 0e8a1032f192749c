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

// maelstromFlags are all flags of maelstrom test, by its source and that of Jepsen's command
// line.
const maelstromFlags = `bin workload availability consistency-models key-count latency latency-dist log-net-send
	log-net-recv log-stderr max-txn-length max-writes-per-key node-count nemesis nemesis-interval rate topology
	help node nodes nodes-file username password strict-host-key-checking no-ssh ssh-private-key concurrency
	leave-db-running logging-json test-count time-limit`

// maelstromWorkloads are all of Maelstrom's workloads.
const maelstromWorkloads = `broadcast echo kafka g-set g-counter pn-counter lin-kv txn-list-append txn-rw-register unique-ids`

// Eddy has every flag and workload of Maelstrom, or says of a flag what to do instead.
func TestMaelstromFlagsAndWorkloads(t *testing.T) {
	var has []string
	for _, command := range newParser(&cli{}).Model.Leaves(false) {
		if command.Name == "test" {
			has = flagNames(command)
		}
	}
	for _, flag := range strings.Fields(maelstromFlags) {
		if !slices.Contains(has, flag) && otherFlags["test"][flag] == "" {
			t.Errorf("nothing is said of --%s", flag)
		}
	}
	for _, name := range strings.Fields(maelstromWorkloads) {
		if _, err := findWorkload(name); err != nil {
			t.Error(err)
		}
	}
}
