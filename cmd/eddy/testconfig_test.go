package main

import (
	"testing"

	"github.com/eddyrpc/eddy/internal/trial"
)

// What a command line says is kept. Otherwise the workload decides.
func TestDefaultLoad(t *testing.T) {
	for _, test := range []struct {
		args        []string
		rate        float64
		concurrency int
		interval    string
	}{
		{[]string{"-w", "echo"}, 500, 20, "1.25s"},
		{[]string{"-w", "broadcast", "--node-count", "3"}, 250, 12, "1.25s"},
		{[]string{"-w", "lin-kv", "--rate", "5"}, 5, 20, "1.25s"},
		{[]string{"-w", "lin-kv", "--rate", "0", "--concurrency", "1n"}, 0, 5, "1.25s"},
		{[]string{"-w", "relay", "--rate", "max", "--concurrency", "7"}, trial.MaxRate, 7, "1.25s"},
		{[]string{"-w", "relay", "--time-limit", "200"}, 250, 20, "10s"},
		{[]string{"-w", "relay", "--nemesis-interval", "10"}, 250, 20, "10s"},
		{[]string{"-w", "relay", "--time-limit", "0"}, 250, 20, "10ms"},
	} {
		line := &cli{}
		if _, err := newParser(line).Parse(append([]string{"test", "--bin", "x"}, test.args...)); err != nil {
			t.Fatal(err)
		}
		cfg, err := line.Test.config()
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Rate != test.rate || cfg.Concurrency != test.concurrency || cfg.Interval.String() != test.interval {
			t.Errorf("%q: rate %v, %d clients, interval %v", test.args, cfg.Rate, cfg.Concurrency, cfg.Interval)
		}
	}
}
