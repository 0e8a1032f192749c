package main

import (
	"bytes"
	"os"
	"testing"
)

// What Eddy embeds is what the sources build.
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
			t.Errorf("%s is not what the sources build: run go run . in cmd/eddy/internal/page/front", name)
		}
	}
}

// The five tests that docs/report.md shows.
func (b *bench) pass(t *testing.T) string {
	return b.test(t, "pass", "-w", "relay", "--bin", "./relay", "--node-count", "3", "--concurrency", "2n", "--rate", "30", "--time-limit", "2",
		"--latency", "10", "--loss", "0.1", "--nemesis", "partition", "--nemesis-interval", "0.6", "--seed", "42", "--call-timeout", "500ms")
}

func (b *bench) double(t *testing.T) string {
	return b.test(t, "double", "-w", "relay", "--bin", "./nodes", "--node-count", "3", "--concurrency", "4", "--rate", "20", "--time-limit", "1.5",
		"--latency", "exponential:45ms", "--call-timeout", "100ms", "--seed", "7", "--", "double")
}

func (b *bench) split(t *testing.T) string {
	return b.test(t, "split", "-w", "lin-kv", "--bin", "./nodes", "--node-count", "3", "--concurrency", "6", "--rate", "60", "--time-limit", "2",
		"--nemesis", "partition", "--nemesis-interval", "0.5", "--seed", "3", "--", "split")
}

func (b *bench) killed(t *testing.T) string {
	return b.test(t, "killed", "-w", "relay", "--bin", "./relay", "--node-count", "3", "--concurrency", "2n", "--rate", "40", "--time-limit", "2",
		"--latency", "15", "--duplicate", "0.05", "--nemesis", "kill", "--nemesis-interval", "0.5", "--seed", "11")
}

func (b *bench) sick(t *testing.T) string {
	return b.test(t, "sick", "-w", "echo", "--bin", "./nodes", "--nodes", "n1,n2", "--concurrency", "2", "--rate", "30", "--time-limit", "1.5", "--seed", "5", "--", "debug")
}

// Pictures looks at each of the five tests as docs/report.md shows it.
func TestPictures(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name, verdict, hash string
		dir                 func(*testing.T) string
		high                int64
	}{
		{"pass", "PASS", "", b.pass, 1180},
		{"double-answer", "FAIL", "#v0", b.double, 860},
		{"split", "FAIL", "#v0", b.split, 860},
		{"killed-node", "", "", b.killed, 860},
		{"sick-node", "FAIL", "#v0", b.sick, 760},
	} {
		t.Run(c.name, func(t *testing.T) {
			tb := openReport(t, c.dir(t), c.hash)
			tb.has(".badge", c.verdict)
			tb.shot(c.name, c.high)
		})
	}
}
