package main

import (
	"reflect"
	"slices"
	"testing"
)

// The arguments that a command returns give the same command again.
func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{
		{"--workload=echo", "--bin=./node"},
		{"--workload=broadcast", "--bin=./a b", "--topology=line", "--nodes=n1,n2", "--time-limit=0.25", "--rate=7", "--client-timeout=1.5s",
			"--latency=exponential:50ms", "--loss=0.1", "--link=n1:n2:loss=0.5,latency=200", "--link=n2:n1:loss=1", "--stale-replies",
			"--nemesis=partition,kill", "--nemesis-interval=0.05", "--quiesce=0", "--seed=17", "--store=s", "--", "--own", "x"},
		{"--workload=lin-kv", "--bin=n", "--node-count=3", "--node=x", "--case=c.json"},
	} {
		line := &cli{}
		if _, err := newParser(line).Parse(append([]string{"test"}, args...)); err != nil {
			t.Fatal(err)
		}
		got := line.Test.args()
		again := &cli{}
		if _, err := newParser(again).Parse(append([]string{"test"}, got...)); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if !reflect.DeepEqual(again.Test, line.Test) || !slices.Equal(sorted(got), sorted(args)) {
			t.Errorf("%q became %q", args, got)
		}
	}
}

func sorted(args []string) []string { return slices.Sorted(slices.Values(args)) }

// Each seed of a hunt has its own mix of the faults, and the same each time.
func TestMixed(t *testing.T) {
	interval := 1.0
	all := testCommand{Nemesis: []string{"kill", "partition"}, NemesisInterval: &interval, Loss: 0.1, Duplicate: 0.2, Latency: "50", ClientLatency: "0", LatencyDist: "exponential", Rate: "100", TimeLimit: 10}
	nemeses, losses := map[string]int{}, map[float64]int{}
	for seed := range uint64(200) {
		c := all.mixed(seed)
		if !reflect.DeepEqual(c, all.mixed(seed)) || c.Seed != seed {
			t.Fatalf("seed %d: %+v", seed, c)
		}
		nemeses[name(c.Nemesis)]++
		losses[c.Loss]++
	}
	for _, want := range []string{"", "kill", "partition", "kill,partition"} {
		if n := nemeses[want]; n < 25 {
			t.Errorf("%q in %d seeds", want, n)
		}
	}
	if losses[0] < 50 || losses[0.03] < 20 || losses[0.1] < 20 || len(losses) != 3 {
		t.Errorf("losses %v", losses)
	}
	if len(all.Nemesis) != 2 || *all.NemesisInterval != 1 {
		t.Errorf("the command itself has changed: %+v", all)
	}
}

func name(nemeses []string) (text string) {
	for i, n := range nemeses {
		if i > 0 {
			text += ","
		}
		text += n
	}
	return text
}
