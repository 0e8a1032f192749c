package main

import (
	"fmt"
)

// The sizes of a smoke run: enough to run every line of code.
const (
	smokeEchoes = 3000
	smokeCalls  = 1000
	smokeSlow   = 200 // for a peer with a thread for each request
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
		Notes:   []string{"cat and newlines copy the line; only the bytes are checked", "python: 30,000 lines"},
		Run:     pipelined,
	},
	{
		Name:  "echo-3m",
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
		Title: "pipelined echo: bytes allocated, by GODEBUG=gctrace=1",
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
			"the growth of the heap between collections; up to 4 MB in all are not seen: 1.4 bytes a message, less than the smallest allocation",
			"official: 300,000 lines",
		},
		Run: allocations,
	},
	{
		Name:  "echo-one",
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
		Notes:   []string{"cat: the system calls alone"},
		Run:     window(1),
	},
	{
		Name:  "echo-64",
		Title: "64 echoes outstanding: for each answer read a request is written",
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
		Notes: []string{"slow peers get fewer relays", "retried: a reply was not read within 500 ms; a busy machine can cause that"},
		Run:   answered(1000),
	},
	{
		Name:  "open",
		Title: "relay, never answered: memory of an open call and its request",
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
			"bytes gained since init_ok, divided by the open calls; the bound is on resident memory, with what the collector has not freed",
			"at GOGC=10 it is near what is live",
			"python: 2,000 calls, a thread each",
		},
		Run: openMemory,
	},
	{
		Name:  "timeouts",
		Title: "relay, never answered, three attempts of 500 ms each; only errors are logged",
		Entries: []Entry{
			{Peer: official, Size: 200_000, Rounds: 1, Smoke: smokeCalls},
			{Peer: "python", Size: 2_000, Rounds: 3, Smoke: smokeSlow},
			{Peer: eddy, Size: 200_000, Smoke: smokeCalls},
			{Peer: compact, Size: 200_000, Smoke: smokeCalls},
			{Peer: blocking, Size: 200_000, Smoke: smokeCalls},
		},
		Metrics: timeoutMetrics(),
		Notes: []string{
			"late: from 1.5 s after the request was written until the error reply was read",
			"last timer late p99: from 500 ms after the last attempt was read until the error reply was read",
			"official: one round, since it takes minutes; python: 2,000 calls, a thread each",
		},
		Run: threeTimeouts(false),
	},
	{
		Name:  "timeouts-log",
		Title: "the same at the default log level, the harness reads standard error",
		Entries: []Entry{
			{Peer: eddy, Size: 200_000, Smoke: smokeCalls},
			{Peer: blocking, Size: 200_000, Smoke: smokeCalls},
		},
		Metrics: append(timeoutMetrics(), Metric{Name: "log_lines", Title: "log lines", Unit: Count}),
		Run:     threeTimeouts(true),
	},
	{
		Name:  "timeouts-1m",
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
			"one attempt each; every call must fail once, and not before it is due",
			"official: 100,000 calls, one round; python: 2,000 calls, one round",
		},
		Run: timeoutsAtOnce,
	},
	{
		Name:  "growth",
		Title: "CPU of one more open call, by the number of open calls",
		Entries: []Entry{
			{Peer: official, Size: 200_000, Rounds: 1, Smoke: smokeCalls * 2},
			{Peer: eddy, Size: 2_000_000, Smoke: smokeCalls * 20},
			{Peer: blocking, Size: 430_000, Rounds: 3, Smoke: smokeCalls * 4},
		},
		Metrics: growthMetrics(),
		Notes: []string{
			"cost of a call from one level to the next, with garbage collection; flat: cost at the last level ÷ cost at the first",
			"because of memory official: up to 200,000 calls, one round; eddy-blocking: up to 430,000, three rounds",
		},
		Run: growth,
	},
	{
		Name:  "start",
		Title: "from the start of the process to init_ok",
		Entries: []Entry{
			{Peer: official, Size: 100, Smoke: 1},
			{Peer: "python", Size: 10, Smoke: 1},
			{Peer: eddy, Size: 100, Smoke: 1},
			{Peer: blocking, Size: 100, Smoke: 1},
		},
		Metrics: []Metric{p50Metric},
		Notes:   []string{"size: starts in a round"},
		Run:     startup,
	},
	{
		Name:  "big-line",
		Title: "echo of a line of 10 MB",
		Entries: []Entry{
			{Peer: official, Size: 10_000_000, Smoke: 1_000_000, Fails: "ends when a line is over 64 KiB"},
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
		Notes: []string{"peak memory of the whole process, after the first line and after the third"},
		Run:   bigLine,
	},
	{
		Name:  "stall",
		Title: "the reader of the output stalls for 2 s under full load",
		Entries: []Entry{
			{Peer: official, Size: 1_000_000, Rounds: 3, Smoke: smokeEchoes},
			{Peer: eddy, Size: 1_000_000, Smoke: smokeEchoes},
			{Peer: compact, Size: 1_000_000, Smoke: smokeEchoes},
			{Peer: blocking, Size: 1_000_000, Smoke: smokeEchoes},
		},
		Metrics: []Metric{{Name: "peak", Title: "peak memory", Unit: Bytes, Compare: true, Whole: true}},
		Notes:   []string{"every answer must come"},
		Run:     stall,
	},
}

func timeoutMetrics() []Metric {
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
