package main

import (
	"fmt"
)

// The sizes of a smoke run: enough for every line of code, over in a moment.
const (
	smokeEchoes = 3000
	smokeCalls  = 1000
	smokeSlow   = 200 // for a peer with a thread for each
)

var (
	rateMetric = Metric{Name: "rate", Title: "messages/s", Unit: PerSecond, More: true, Compare: true}
	cpuMetric  = Metric{Name: "cpu", Title: "CPU/message", Unit: Seconds, Compare: true}
	p50Metric  = Metric{Name: "p50", Title: "p50", Unit: Seconds, Compare: true}
	p99Metric  = Metric{Name: "p99", Title: "p99", Unit: Seconds}
	peakMetric = Metric{Name: "peak", Title: "peak memory", Unit: Bytes}
)

var cases = []*Case{
	{
		Name:  "echo-300k",
		Label: "300,000 echoes",
		Title: "pipelined echo, 300,000 lines, one writer, one reader",
		Entries: []Entry{
			{Peer: official, Size: 300_000, Smoke: smokeEchoes},
			{Peer: "official-log", Size: 300_000, Smoke: smokeEchoes},
			{Peer: "python", Size: 30_000, Smoke: smokeSlow},
			{Peer: "cat", Size: 300_000, Smoke: smokeEchoes},
			{Peer: "newlines", Size: 300_000, Smoke: smokeEchoes},
			{Peer: eddy, Size: 300_000, Smoke: smokeEchoes},
			{Peer: compact, Size: 300_000, Smoke: smokeEchoes},
			{Peer: blocking, Size: 300_000, Smoke: smokeEchoes},
		},
		Metrics: []Metric{rateMetric, cpuMetric, peakMetric},
		Notes:   []string{"cat and newlines copy the line and are not checked for an answer, only for the same bytes", "python: 30,000 lines"},
		Run:     pipelined,
	},
	{
		Name:  "echo-3m",
		Label: "3,000,000 echoes",
		Title: "pipelined echo, 3,000,000 lines, one writer, one reader",
		Entries: []Entry{
			{Peer: official, Size: 3_000_000, Rounds: 3, Smoke: smokeEchoes},
			{Peer: "cat", Size: 3_000_000, Smoke: smokeEchoes},
			{Peer: "newlines", Size: 3_000_000, Smoke: smokeEchoes},
			{Peer: eddy, Size: 3_000_000, Smoke: smokeEchoes},
			{Peer: compact, Size: 3_000_000, Smoke: smokeEchoes},
			{Peer: blocking, Size: 3_000_000, Smoke: smokeEchoes},
		},
		Metrics: []Metric{rateMetric, cpuMetric, peakMetric},
		Run:     pipelined,
	},
	{
		Name:  "echo-heap",
		Label: "echo heap",
		Title: "pipelined echo: what it leaves to the garbage collector, by GODEBUG=gctrace=1",
		Entries: []Entry{
			{Peer: official, Size: 300_000, Rounds: 1, Smoke: smokeEchoes},
			{Peer: eddy, Size: 3_000_000, Rounds: 1, Smoke: smokeEchoes},
			{Peer: compact, Size: 3_000_000, Rounds: 1, Smoke: smokeEchoes},
			{Peer: blocking, Size: 3_000_000, Rounds: 1, Smoke: smokeEchoes},
		},
		Metrics: []Metric{
			{Name: "allocated", Title: "bytes/message", Unit: Bytes},
			{Name: "cycles", Title: "collections", Unit: Count},
		},
		Notes: []string{
			"what the heap grew by between collections; 4 MB in all at most go unseen: 1.4 bytes a message, less than the smallest allocation",
			"official: 300,000 lines",
		},
		Run: allocations,
	},
	{
		Name:  "echo-one",
		Label: "one echo at a time",
		Title: "one echo at a time",
		Entries: []Entry{
			{Peer: official, Size: 20_000, Smoke: smokeSlow},
			{Peer: "official-log", Size: 20_000, Smoke: smokeSlow},
			{Peer: "python", Size: 5_000, Smoke: smokeSlow},
			{Peer: "cat", Size: 20_000, Smoke: smokeSlow},
			{Peer: eddy, Size: 20_000, Smoke: smokeSlow},
			{Peer: compact, Size: 20_000, Smoke: smokeSlow},
			{Peer: blocking, Size: 20_000, Smoke: smokeSlow},
		},
		Metrics: []Metric{p50Metric, p99Metric, cpuMetric},
		Notes:   []string{"cat: the way there and back, without any work"},
		Run:     window(1),
	},
	{
		Name:  "echo-64",
		Label: "64 echoes outstanding",
		Title: "64 echoes outstanding: an answer read is a request written",
		Entries: []Entry{
			{Peer: official, Size: 200_000, Smoke: smokeEchoes},
			{Peer: "official-log", Size: 200_000, Smoke: smokeEchoes},
			{Peer: "python", Size: 20_000, Smoke: smokeSlow},
			{Peer: "cat", Size: 200_000, Smoke: smokeEchoes},
			{Peer: eddy, Size: 200_000, Smoke: smokeEchoes},
			{Peer: compact, Size: 200_000, Smoke: smokeEchoes},
			{Peer: blocking, Size: 200_000, Smoke: smokeEchoes},
		},
		Metrics: []Metric{p50Metric, p99Metric, rateMetric, cpuMetric},
		Run:     window(64),
	},
	{
		Name:  "relay",
		Label: "relay, 1,000 outstanding",
		Title: "relay, answered at once, 1,000 outstanding",
		Entries: []Entry{
			{Peer: official, Size: 100_000, Smoke: smokeEchoes},
			{Peer: "official-log", Size: 100_000, Smoke: smokeEchoes},
			{Peer: "python", Size: 10_000, Smoke: smokeSlow},
			{Peer: eddy, Size: 300_000, Smoke: smokeEchoes},
			{Peer: compact, Size: 300_000, Smoke: smokeEchoes},
			{Peer: blocking, Size: 300_000, Smoke: smokeEchoes},
		},
		Metrics: []Metric{
			{Name: "rate", Title: "relays/s", Unit: PerSecond, More: true, Compare: true},
			{Name: "cpu", Title: "CPU/relay", Unit: Seconds, Compare: true},
			{Name: "retried", Title: "retried", Unit: Count},
		},
		Notes: []string{"rates are compared, not the time for all: the slow ones get fewer relays", "retried: a reply was not taken in within 500 ms, which a machine that is busy otherwise can cause"},
		Run:   answered(1000),
	},
	{
		Name:  "open",
		Label: "open calls",
		Title: "relay, never answered: memory of an open call, its request included",
		Entries: []Entry{
			{Peer: official, Size: 200_000, Rounds: 3, Smoke: smokeCalls},
			{Peer: "python", Size: 2_000, Rounds: 3, Smoke: smokeSlow},
			{Peer: eddy, Size: 200_000, Smoke: smokeCalls},
			{Peer: blocking, Size: 200_000, Smoke: smokeCalls},
		},
		Metrics: []Metric{
			{Name: "rss", Title: "resident", Unit: Bytes, Compare: true},
			{Name: "pss", Title: "PSS", Unit: Bytes},
			{Name: "live", Title: "resident at GOGC=10", Unit: Bytes, Compare: true},
			{Name: "cpu", Title: "CPU/call", Unit: Seconds, Compare: true},
		},
		Notes: []string{
			"bytes gained since init_ok, divided by the open calls; the bound is on what is resident, the collector's slack included",
			"at GOGC=10 the collector's slack is a tenth: near what is live",
			"python: 2,000 calls, each has a thread",
		},
		Run: openMemory,
	},
	{
		Name:  "silence",
		Label: "never answered, 3 attempts",
		Title: "relay, never answered, three attempts of 500 ms each; errors only in the log",
		Entries: []Entry{
			{Peer: official, Size: 200_000, Rounds: 1, Smoke: smokeCalls},
			{Peer: "python", Size: 2_000, Rounds: 3, Smoke: smokeSlow},
			{Peer: eddy, Size: 200_000, Smoke: smokeCalls},
			{Peer: compact, Size: 200_000, Smoke: smokeCalls},
			{Peer: blocking, Size: 200_000, Smoke: smokeCalls},
		},
		Metrics: silenceMetrics(),
		Notes: []string{
			"late: from 1.5 s after the request was written to the error answer read",
			"last timer late p99: from 500 ms after the call's last attempt was read to the error answer read",
			"official: once, since it takes minutes; python: 2,000 calls, each has a thread",
		},
		Run: attempts(false),
	},
	{
		Name:  "silence-log",
		Label: "never answered, logged",
		Title: "the same at the default log level, standard error read by the harness",
		Entries: []Entry{
			{Peer: eddy, Size: 200_000, Smoke: smokeCalls},
			{Peer: blocking, Size: 200_000, Smoke: smokeCalls},
		},
		Metrics: append(silenceMetrics(), Metric{Name: "log_lines", Title: "log lines", Unit: Count}),
		Run:     attempts(true),
	},
	{
		Name:  "storm",
		Label: "timeouts in one second",
		Title: "open calls whose timeouts all fall into one second, in no order",
		Entries: []Entry{
			{Peer: official, Size: 100_000, Rounds: 1, Smoke: smokeCalls},
			{Peer: "python", Size: 2_000, Rounds: 1, Smoke: smokeSlow},
			{Peer: eddy, Size: 1_000_000, Smoke: smokeCalls},
		},
		Metrics: []Metric{
			{Name: "p50", Title: "late p50", Unit: Seconds},
			{Name: "p99", Title: "late p99", Unit: Seconds},
			{Name: "max", Title: "late max", Unit: Seconds},
			{Name: "peak", Title: "peak memory", Unit: Bytes},
			{Name: "peak_each", Title: "per call", Unit: Bytes},
			{Name: "cpu_each", Title: "CPU/call", Unit: Seconds, Compare: true},
		},
		Notes: []string{
			"one attempt each; every call is checked to fail once, and not before it is due",
			"official: 100,000 calls, once; python: 2,000 calls, once",
		},
		Run: storm,
	},
	{
		Name:  "growth",
		Label: "growth",
		Title: "CPU of one more open call, by how many are open",
		Entries: []Entry{
			{Peer: official, Size: 200_000, Rounds: 1, Smoke: smokeCalls * 2},
			{Peer: eddy, Size: 2_000_000, Smoke: smokeCalls * 20},
			{Peer: blocking, Size: 430_000, Rounds: 3, Smoke: smokeCalls * 4},
		},
		Metrics: growthMetrics(),
		Notes: []string{
			"cost from one level to the next, garbage collection included; flat: the last level's cost ÷ the first's",
			"official: up to 200,000 calls, once; eddy-blocking: up to 430,000, three times: for memory's sake",
		},
		Run: growth,
	},
	{
		Name:  "start",
		Label: "start to init_ok",
		Title: "from starting the process to init_ok",
		Entries: []Entry{
			{Peer: official, Size: 100, Smoke: 1},
			{Peer: "python", Size: 10, Smoke: 1},
			{Peer: eddy, Size: 100, Smoke: 1},
			{Peer: blocking, Size: 100, Smoke: 1},
		},
		Metrics: []Metric{p50Metric},
		Notes:   []string{"size: starts a round"},
		Run:     startup,
	},
	{
		Name:  "big-line",
		Label: "10 MB line",
		Title: "a line of 10 MB echoed",
		Entries: []Entry{
			{Peer: official, Size: 10_000_000, Smoke: 1_000_000, Fails: "ends at a line over 64 KiB"},
			{Peer: "python", Size: 10_000_000, Smoke: 100_000},
			{Peer: eddy, Size: 10_000_000, Smoke: 100_000},
			{Peer: compact, Size: 10_000_000, Smoke: 100_000},
			{Peer: blocking, Size: 10_000_000, Smoke: 100_000},
		},
		Metrics: []Metric{
			{Name: "bandwidth", Title: "MB/s", Unit: Throughput, More: true},
			{Name: "peak", Title: "peak memory", Unit: Bytes},
			{Name: "peak_lines", Title: "in lines", Unit: Times},
			{Name: "peak_third", Title: "after three", Unit: Bytes},
		},
		Notes: []string{"peak memory is the whole process's, after the first line and after the third"},
		Run:   bigLine,
	},
	{
		Name:  "stall",
		Label: "stalled reader",
		Title: "the reader of the output stalls for 2 s under full load",
		Entries: []Entry{
			{Peer: official, Size: 1_000_000, Rounds: 3, Smoke: smokeEchoes},
			{Peer: eddy, Size: 1_000_000, Smoke: smokeEchoes},
			{Peer: compact, Size: 1_000_000, Smoke: smokeEchoes},
			{Peer: blocking, Size: 1_000_000, Smoke: smokeEchoes},
		},
		Metrics: []Metric{{Name: "peak", Title: "peak memory", Unit: Bytes, Compare: true, Whole: true}},
		Notes:   []string{"every answer still comes, which is checked"},
		Run:     stall,
	},
}

func silenceMetrics() []Metric {
	return []Metric{
		{Name: "cpu", Title: "CPU", Unit: Seconds},
		{Name: "cpu_each", Title: "CPU/call", Unit: Seconds, Compare: true},
		{Name: "p50", Title: "late p50", Unit: Seconds},
		{Name: "p99", Title: "late p99", Unit: Seconds, Compare: true, Whole: true},
		{Name: "max", Title: "late max", Unit: Seconds},
		{Name: "p99_last", Title: "last timer late p99", Unit: Seconds},
		{Name: "peak", Title: "peak memory", Unit: Bytes},
	}
}

func growthMetrics() []Metric {
	var m []Metric
	for i, level := range levels[1:] {
		m = append(m, Metric{
			Name:  costMetric(level),
			Title: fmt.Sprintf("%s–%s", short(levels[i]), short(level)),
			Unit:  Seconds,
		})
	}
	return append(m, Metric{Name: "flat", Title: "flat", Unit: Times})
}

// short is a round number as people write it: 20k, 2M.
func short(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%gM", float64(n)/1e6)
	}
	return fmt.Sprintf("%gk", float64(n)/1e3)
}

func caseNamed(name string) *Case {
	for _, c := range cases {
		if c.Name == name {
			return c
		}
	}
	panic("no case is called " + name)
}

// metric finds a metric by name; one that has no column prints as a count.
func (c *Case) metric(name string) Metric {
	for _, m := range c.Metrics {
		if m.Name == name {
			return m
		}
	}
	return Metric{Name: name, Title: name}
}
