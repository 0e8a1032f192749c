package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// The embedded bundles are up to date.
func TestBundleIsBuilt(t *testing.T) {
	files, err := bundle()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the sources build: run go run . in internal/page/front", name)
		}
	}
}

// scenes returns the tests that the tests of the page use. docs/report.md shows six of them.
func scenes() map[string]*scene {
	all := map[string]*scene{}
	for name, args := range map[string]string{
		"pass":         "-w relay --bin ./relay --node-count 3 --concurrency 2n --rate 30 --time-limit 2 --latency 10 --loss 0.1 --nemesis partition --nemesis-interval 0.6 --seed 42",
		"double-reply": "-w relay --bin ./nodes --node-count 3 --concurrency 4 --rate 20 --time-limit 1.5 --latency exponential:45ms --call-timeout 100ms --seed 7 -- double",
		"split":        "-w lin-kv --bin ./nodes.wasm --node-count 3 --concurrency 3 --rate 25 --time-limit 3 --client-latency 1 --nemesis partition --nemesis-interval 0.5 --seed 1 -- split",
		"killed-node":  "-w relay --bin ./relay --node-count 3 --concurrency 2n --rate 40 --time-limit 2 --latency 15 --duplicate 0.05 --nemesis kill --nemesis-interval 0.5 --seed 11",
		"cycle":        "-w txn-list-append --bin ./nodes --node-count 1 --concurrency 4 --rate 60 --time-limit 1.5 --seed 3 -- stale",
		"lost":         "-w broadcast --bin ./nodes --node-count 3 --concurrency 3 --rate 40 --time-limit 1 --latency 10 --loss 0.1 --seed 4 -- once",
		"violation":    "-w echo --bin ./nodes --nodes n1,n2 --concurrency 2 --rate 30 --time-limit 1.5 --seed 5 -- debug",

		// A test like double-reply with few messages, for the picture in README.md.
		"failed": "-w relay --bin ./nodes --node-count 3 --concurrency 3 --rate 8 --time-limit 1.5 --latency exponential:45ms --call-timeout 100ms --seed 1 -- double",

		// Like double-reply, with a relay that is correct.
		"relayed":  "-w relay --bin ./relay --node-count 3 --concurrency 4 --rate 20 --time-limit 1.5 --latency exponential:45ms --call-timeout 100ms --seed 7 -- --timeout 100ms",
		"ignores":  "-w relay --bin ./relay --node-count 3 --rate 50 --time-limit 3 --latency exponential:200ms --seed 7 -- --late ignore",
		"smallest": "-w broadcast --bin broadcast.wasm --latency exponential:50ms --seed 1 --case smallest.json",
		"large":    "-w broadcast --bin broadcast.wasm --node-count 3 --rate 60 --time-limit 2 --latency 10 --seed 1",
		"many":     "-w echo --bin ./relay --node-count 40 --concurrency 40 --rate 80 --time-limit 0.5 --seed 9",
	} {
		all[name] = &scene{args: strings.Fields(args)}
	}
	all["hostile"] = &scene{args: []string{"-w", "echo", "--bin", "./nodes", "--nodes", "n1,<img src=x onerror=document.title='taken'>,\"quoted\",\u202etxet",
		"--concurrency", "4", "--rate", "20", "--time-limit", "0.6", "--client-timeout", "1s", "--seed", "1", "--", "hostile"}}
	return all
}

// The tests that docs/report.md and README.md show have the verdicts that these say.
func TestPictures(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name, verdict, hash string
		high                int64
	}{
		{"pass", "PASS", "", 1220},
		{"double-reply", "FAIL", "#v0", 860},
		{"failed", "FAIL", "#v0", 790},
		{"split", "FAIL", "#v0", 1120},
		{"killed-node", "PASS", "", 860},
		{"cycle", "FAIL", "", 620},
		{"smallest", "FAIL", "", 1260},
		{"violation", "FAIL", "#v0", 760},
	} {
		t.Run(c.name, func(t *testing.T) {
			tb := openReport(t, b.test(t, c.name), c.hash)
			tb.has(".badge", c.verdict)
			tb.shot(c.name, c.high)
		})
	}
}
