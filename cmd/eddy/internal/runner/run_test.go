package runner

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/workload"
)

// The test binary is also the node program: it echoes if this variable is set.
const isNode = "EDDY_RUNNER_TEST_IS_NODE"

func TestMain(m *testing.M) {
	if os.Getenv(isNode) != "" {
		createFile()
		if slices.Contains(os.Args, "complain") {
			fmt.Fprintln(os.Stderr, "a complaint")
		}
		echoNode(slices.Contains(os.Args, "stop-reading"))
		os.Exit(0)
	}
	os.Setenv(isNode, "1")
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	flag.Set("test.parallel", "4") // most tests wait; a flag on the command line takes precedence
	os.Exit(m.Run())
}

// echoNode replies to every request. With stopReading it reads only init.
func echoNode(stopReading bool) {
	in, out := bufio.NewScanner(os.Stdin), bufio.NewWriter(os.Stdout)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		m, err := message.Parse(in.Bytes())
		if err != nil {
			panic(err)
		}
		body := strings.Replace(string(m.Body), `"type":"`+m.Type+`"`, `"type":"`+m.Type+`_ok"`, 1)
		body = strings.TrimSuffix(body, fmt.Sprintf(`,"msg_id":%d}`, m.ID))
		if m.Type != "echo" {
			body = fmt.Sprintf(`{"type":"%s_ok"`, m.Type)
		}
		fmt.Fprintf(out, `{"src":%q,"dest":%q,"body":%s,"in_reply_to":%d}}`+"\n", m.Dest, m.Src, body, m.ID)
		out.Flush()
		if stopReading {
			time.Sleep(time.Hour) // until it is killed
		}
	}
}

// config returns a short test of echoNode.
func config(t *testing.T) *Config {
	spec, err := workload.Find("echo")
	if err != nil {
		t.Fatal(err)
	}
	return &Config{Dirs: t.TempDir(), Logs: t.TempDir(), Config: trial.Config{
		Spec: spec, Bin: os.Args[0], Nodes: []string{"n1", "n2", "n3"},
		TimeLimit: 300 * time.Millisecond, Rate: 200, Concurrency: 6, Quiesce: -1,
		Interval: 10 * time.Second, ClientTimeout: 300 * time.Millisecond, FinalClientTimeout: time.Second, FinalTimeout: 2 * time.Second,
	}}
}

func TestRunEcho(t *testing.T) {
	cfg := config(t)
	res, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	verdict, problems := res.Judge(&cfg.Config)
	if verdict != checker.Pass || res.History.Len() == 0 || res.Journal.Len() < 2*res.History.Len() {
		t.Errorf("%v %v, %d operations, %d messages", verdict, problems, res.History.Len(), res.Journal.Len())
	}
}

// The verdict on an interrupted test is unknown.
func TestRunInterrupted(t *testing.T) {
	cfg := config(t)
	cfg.TimeLimit = time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	cfg.OnProgress = func(p trial.Progress) {
		if p.OK > 3 {
			cancel()
		}
	}
	res, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if verdict, problems := res.Judge(&cfg.Config); verdict != checker.Unknown {
		t.Errorf("%v %v", verdict, problems)
	}
}

// A node that does not read its input has a violation, and the memory used for its
// input is bounded.
func TestRunUnreadInput(t *testing.T) {
	cfg := config(t)
	cfg.Nodes, cfg.Args = []string{"n1"}, []string{"stop-reading"}
	cfg.QueueLimit = 64 << 10
	cfg.Rate, cfg.Concurrency, cfg.TimeLimit = trial.MaxRate, 4000, time.Hour // more than a pipe can hold
	ctx, cancel := context.WithCancel(context.Background())
	cfg.OnProgress = func(p trial.Progress) {
		if p.Messages >= cfg.Concurrency {
			cancel()
		}
	}
	res, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	unread := 0
	for m := range res.Journal.All() {
		if m.Fate == sim.Unread {
			unread++
		}
	}
	if len(res.Violations) == 0 || res.Violations[0].Kind != "unread-input" || res.Violations[0].Node != "n1" ||
		res.Violations[0].Count > unread || res.Violations[0].Count < unread-10 || unread == 0 { // some were on their way at the end
		t.Errorf("%d messages were not read, violations: %+v", unread, res.Violations)
	}
	_, problems := res.Judge(&cfg.Config)
	i := slices.IndexFunc(problems, func(p checker.Problem) bool { return p.Check == "unread-input" })
	if i < 0 || !problems[i].Unknown || !strings.Contains(problems[i].Text, "bytes of its input") {
		t.Errorf("%+v", problems)
	}
}

// If the program cannot be started any more, the test ends, and what it found is kept.
func TestRunProgramIsRemoved(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Bin = filepath.Join(t.TempDir(), "node")
	program, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(cfg.Bin, program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg.Nemeses, cfg.Interval, cfg.TimeLimit = []string{"kill"}, 100*time.Millisecond, 30*time.Second
	cfg.OnProgress = func(p trial.Progress) {
		if p.OK > 3 {
			os.Remove(cfg.Bin)
		}
	}
	res, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	verdict, problems := res.Judge(&cfg.Config)
	if verdict != checker.Unknown || !strings.Contains(res.Stopped, "could not be started again") || res.History.Len() <= 3 {
		t.Errorf("%v %v, %d operations", verdict, problems, res.History.Len())
	}
}

// If the log of a node cannot be written, the results say so.
func TestRunLogOnFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	cfg := config(t)
	cfg.Args = []string{"complain"}
	if err := os.Symlink("/dev/full", filepath.Join(cfg.Logs, "n2.log")); err != nil {
		t.Fatal(err)
	}
	res, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := "n2 wrote 12 bytes to stderr that are missing in its log: write "
	if !slices.ContainsFunc(res.Notes, func(note string) bool {
		return strings.HasPrefix(note, want) && strings.HasSuffix(note, "no space left on device")
	}) {
		t.Errorf("%q", res.Notes)
	}
}
