package eddytest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/maelstrom"
)

// checkingOf returns what Check makes of a program and a test.
func checkingOf(t *testing.T, program func(*Process) error, test Test) *checking {
	t.Helper()
	cfg, err := test.config()
	if err != nil {
		t.Fatal(err)
	}
	c := newChecking(t, cfg)
	c.program = program
	return c
}

// flooding returns a node that sends each value to all other nodes until they have replied. It
// does nothing at random. If it is careless, it sends each value once.
func flooding(careless bool) *eddy.Node {
	n := &eddy.Node{Drain: time.Second, Log: slog.New(slog.DiscardHandler)}
	var mu sync.Mutex
	known := map[int64]bool{}
	policy := &eddy.Policy{Attempts: math.MaxInt}
	if careless {
		policy.Attempts = 1
	}
	n.Handle("topology", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
	n.Handle("broadcast", func(_ context.Context, req *eddy.Request) (any, error) {
		value, _ := req.Body.Get("message").Int()
		mu.Lock()
		defer mu.Unlock()
		for _, id := range n.IDs() {
			if id == n.ID() || known[value] || strings.HasPrefix(req.Src, "n") {
				continue
			}
			if err := n.Call(context.Background(), id, req.Body, policy, func(eddy.Result) {}); err != nil {
				return nil, err
			}
		}
		known[value] = true
		return eddy.Raw(`{}`), nil
	})
	n.Handle("read", func(context.Context, *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		return map[string]any{"messages": slices.Sorted(maps.Keys(known))}, nil
	})
	return n
}

func serveFlooding(careless bool) func(*Process) error {
	return func(p *Process) error { return flooding(careless).Serve(p.Context, p) }
}

var lossy = Test{
	Workload: "broadcast", Nodes: 3, Rate: 30, Time: 5 * time.Second,
	Latency: "exponential:50ms", Loss: 0.1, Duplicate: 0.1, Nemesis: "partition,pause", Seeds: 20,
}

func TestCheckPasses(t *testing.T) {
	Check(t, func() *eddy.Node { return flooding(false) }, lossy)
}

// A seed that fails is found, and the message says what is wrong and how to repeat it.
func TestCheckFinds(t *testing.T) {
	c := checkingOf(t, serveFlooding(true), lossy)
	r := c.firstFailure(1, 20)
	if r == nil || r.verdict != checker.Fail || r.main() != "lost" {
		t.Fatalf("found %+v", r)
	}
	text := c.describe(r, 20)
	for _, want := range []string{
		fmt.Sprintf("eddytest: fail with seed %d of 20, after ", r.seed), "\nlost: ", "is missing in the last read of n",
		fmt.Sprintf("go test -run '^TestCheckFinds$' -eddy.seed %d\n", r.seed),
		"this seed gives the same run each time",
		"the smallest case that still fails has 1 of ", " requests, 0 of ", " faults, 1 of ", " losses and duplications, and 2 of 3 nodes (",
		" lost\n", ": broadcast ", " asks n3: read\n", "is missing in the last read of n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// -eddy.report writes the report of the failing seed and that of the smallest case.
func TestCheckReports(t *testing.T) {
	*reportDir = t.TempDir()
	defer func() { *reportDir = "" }()
	c := checkingOf(t, serveFlooding(true), lossy)
	text := c.describe(c.firstFailure(1, 20), 20)
	for _, which := range []string{"the report of this seed: ", "the report of the smallest case: "} {
		_, path, found := strings.Cut(text, which)
		path, _, _ = strings.Cut(path, "\n")
		page, err := os.ReadFile(path)
		if !found || err != nil || !strings.Contains(string(page), "go test -run ") {
			t.Errorf("%s%q, %d bytes, %v", which, path, len(page), err)
		}
		if says, smallest := strings.Contains(string(page), "the smallest case that was found: "), strings.Contains(which, "smallest"); says != smallest {
			t.Errorf("%s: that it is the smallest case is said: %v", which, says)
		}
	}
}

// Each seed gives the same run each time: the same messages with the same ids at the same
// times, under every fault.
func TestCheckIsReproducible(t *testing.T) {
	test := lossy
	test.Nemesis, test.StaleReplies = "partition,pause,kill,kill-wipe,slow,flaky,clog,partition-clients", true
	c := checkingOf(t, serveFlooding(false), test)
	different := 0
	var last *run
	for seed := range uint64(10) {
		a, b := c.run(seed), c.run(seed)
		if text := firstDifference(a.result.Journal, b.result.Journal); text != "" || a.result.Journal.Len() < 500 {
			t.Errorf("seed %d, %d messages: %s", seed, a.result.Journal.Len(), text)
		}
		if last != nil && firstDifference(a.result.Journal, last.result.Journal) != "" {
			different++
		}
		last = a
	}
	if different != 9 {
		t.Errorf("only %d seeds differ from the one before", different)
	}
}

// A node serves requests that come at the same moment, each on a goroutine that waits equally
// long. The replies have the same order in each run.
func TestCheckSeparatesTimers(t *testing.T) {
	c := checkingOf(t, func(p *Process) error {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.Handle("echo", func(_ context.Context, req *eddy.Request) (any, error) {
			time.Sleep(10 * time.Millisecond)
			return nil, req.ReplyAs("echo_ok", req.Body)
		})
		return n.Serve(p.Context, p)
	}, Test{Workload: "echo", Nodes: 1, Rate: 100, Time: 5 * time.Second})
	for seed := range uint64(5) {
		if text := firstDifference(c.run(seed).result.Journal, c.run(seed).result.Journal); text != "" {
			t.Errorf("seed %d: %s", seed, text)
		}
	}
}

// Quiesce delays the final phase.
func TestCheckQuiesces(t *testing.T) {
	c := checkingOf(t, echo, Test{Workload: "unique-ids", Nodes: 1, Time: time.Second, Quiesce: time.Minute})
	if elapsed := c.run(1).result.Elapsed; elapsed < time.Minute {
		t.Errorf("the test took %v", elapsed)
	}
}

// A node that does something at random is told apart.
func TestCheckSeesRandomNodes(t *testing.T) {
	count := 0
	c := checkingOf(t, func(p *Process) error {
		count++
		fmt.Fprintf(p.Stdout, `{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}`+"\n")
		fmt.Fprintf(p.Stdout, `{"src":"n1","dest":"lin-kv","body":{"type":"read","key":%d}}`+"\n", count)
		return nil
	}, Test{Workload: "echo", Nodes: 1})
	text := c.again(c.run(1))
	if !strings.Contains(text, "failed in this way in 3 of 3 runs, which differ") || !strings.Contains(text, `n1 -> lin-kv {"type":"read","key":1}`) {
		t.Error(text)
	}
}

// A killed node is replaced by another one. Its directory is kept, or wiped. A loop of the old
// one that writes or reads ends.
func TestCheckKills(t *testing.T) {
	for nemesis, kept := range map[string]bool{"kill": true, "kill-wipe": false} {
		var mu sync.Mutex
		most := 0
		program := func(p *Process) error {
			go func() {
				for { // for ever: the write ends it
					time.Sleep(10 * time.Millisecond)
					fmt.Fprint(p.Stdout)
				}
			}()
			name := filepath.Join(p.Dir(), fmt.Sprint(p.Number()))
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				return err
			}
			files, err := filepath.Glob(filepath.Join(p.Dir(), "*"))
			mu.Lock()
			most = max(most, len(files))
			mu.Unlock()
			if err != nil {
				return err
			}
			return echo(p)
		}
		c := checkingOf(t, program, Test{Workload: "echo", Nodes: 2, Rate: 20, Time: 5 * time.Second, Nemesis: nemesis, NemesisInterval: 500 * time.Millisecond})
		r := c.run(3)
		if r.verdict != checker.Pass || (most > 1) != kept {
			t.Errorf("%s: %v %v, %d incarnations left files", nemesis, r.verdict, r.problems, most)
		}
	}
}

// echo is a program that replies to init and echo.
func echo(p *Process) error {
	in := bufio.NewScanner(p.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var m struct {
			Src, Dest string
			Body      map[string]any
		}
		if err := json.Unmarshal(in.Bytes(), &m); err != nil {
			return err
		}
		body := map[string]any{"type": m.Body["type"].(string) + "_ok", "in_reply_to": m.Body["msg_id"]}
		if text, ok := m.Body["echo"]; ok {
			body["echo"] = text
		}
		line, err := json.Marshal(map[string]any{"src": m.Dest, "dest": m.Src, "body": body})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "%s\n", line)
	}
	return in.Err()
}

// A node of package maelstrom is a program.
func TestCheckMaelstromNode(t *testing.T) {
	Check(t, func(p *Process) error {
		n := maelstrom.NewNode()
		n.Stdin, n.Stdout = p.Stdin, p.Stdout
		n.Handle("echo", func(msg maelstrom.Message) error {
			var body map[string]any
			if err := json.Unmarshal(msg.Body, &body); err != nil {
				return err
			}
			return n.Reply(msg, map[string]any{"type": "echo_ok", "echo": body["echo"]})
		})
		return n.Run()
	}, Test{Workload: "echo", Nodes: 2, Time: time.Second, Nemesis: "kill,pause", Seeds: 5})
}

// Every fault and every workload can be chosen; what cannot is refused.
func TestCheckRefuses(t *testing.T) {
	for want, test := range map[string]Test{
		`workload "raft": must be one of`:                   {Workload: "raft"},
		"Loss is 2: must be from 0 to 1":                    {Workload: "echo", Loss: 2},
		"Nodes must not be negative":                        {Workload: "echo", Nodes: -1},
		"Rate is +Inf: must be at most 1e9":                 {Workload: "echo", Rate: math.Inf(1)},
		"NemesisInterval is 1ns: must be at least 10ms":     {Workload: "echo", NemesisInterval: 1},
		`field Topology is "ring": must be one of line`:     {Workload: "broadcast", Topology: "ring"},
		"field Latency: ":                                   {Workload: "echo", Latency: "soon"},
		"field CallPolicy: attempts: -1 must be":            {Workload: "relay", CallPolicy: &eddy.Policy{Attempts: -1}},
		"field CallPolicy is set, and so is CallTimeout":    {Workload: "relay", CallPolicy: &eddy.Policy{}, CallAttempts: 5},
		`field Nemesis: fault "earthquake": must be one of`: {Workload: "echo", Nemesis: "earthquake"},
		"kill-server needs NATS servers":                    {Workload: "echo", Nemesis: "kill-server"},
		"the fields Workload and Own are both set":          {Workload: "echo", Own: func() Workload { return nil }},
	} {
		if _, err := test.config(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", test, err, want)
		}
	}
}

// hangs are programs that make it impossible to go on. Each ends the test program.
var hangs = map[string]struct {
	program func(*Process) error
	want    string
}{
	"a goroutine is left behind": {func(p *Process) error {
		go func() { <-make(chan bool) }()
		return echo(p)
	}, "goroutines of the nodes have not ended 1h0m0s after their nodes"},
	"a loop ticks for ever": {func(p *Process) error {
		go func() {
			for range time.Tick(time.Millisecond) {
			}
		}()
		return echo(p)
	}, "goroutines of the nodes have not ended 1h0m0s after their nodes"},
	"a mutex is held while time passes": {func(p *Process) error {
		var mu sync.Mutex
		mu.Lock()
		go func() { time.Sleep(time.Second); mu.Unlock() }()
		mu.Lock()
		return echo(p)
	}, "it waits for a mutex whose owner waits for time to pass"},
}

const hangVariable = "EDDYTEST_HANG"

func TestCheckHangs(t *testing.T) {
	if name := os.Getenv(hangVariable); name != "" {
		patience = 300 * time.Millisecond
		Check(t, hangs[name].program, Test{Workload: "echo", Nodes: 1, Rate: 1, Time: time.Second, Seeds: 1})
		return
	}
	for name, hang := range hangs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestCheckHangs$")
			cmd.Env = append(os.Environ(), hangVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), hang.want) || !strings.Contains(string(out), "eddytest: TestCheckHangs, seed 1: ") {
				t.Errorf("%v\n%.3000s", err, out)
			}
		})
	}
}
