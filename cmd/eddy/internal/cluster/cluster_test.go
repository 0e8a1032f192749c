package cluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func init() {
	// mark says whether an earlier life left a mark in its directory, and then
	// echoes.
	programs["mark"] = func() {
		fmt.Fprintln(os.Stderr, "here I am")
		_, err := os.Stat("mark")
		os.WriteFile("mark", nil, 0o644)
		fmt.Println("marked:", err == nil)
		programs["echo"]()
	}
	// flood writes more than anybody reads.
	programs["flood"] = func() {
		line := append(bytes.Repeat([]byte{'x'}, 1<<10), '\n')
		for {
			if _, err := os.Stdout.Write(line); err != nil {
				return
			}
		}
	}
}

// patience is how long a test waits for what must happen.
const patience = time.Minute

// A testCluster is a cluster whose events a test awaits.
type testCluster struct {
	*Cluster
	t      *testing.T
	logs   string
	events []Event
	old    []Event
}

// startCluster prepares nodes n1, n2, ... that run one of the programs.
func startCluster(t *testing.T, program string, count int, change func(*Options)) *testCluster {
	t.Helper()
	t.Setenv(programVariable, program)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	opts := Options{Program: os.Args[0], Dirs: t.TempDir(), Logs: t.TempDir()}
	for i := range count {
		opts.Nodes = append(opts.Nodes, fmt.Sprintf("n%d", i+1))
	}
	if change != nil {
		change(&opts)
	}
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.KillAll)
	return &testCluster{Cluster: c, t: t, logs: opts.Logs}
}

// next waits for the next event of a node.
func (c *testCluster) next(node int) Event {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		for i, e := range c.events {
			if e.Node == node {
				c.events = append(c.events[:i:i], c.events[i+1:]...)
				return e
			}
		}
		if c.old = c.Events(c.old); len(c.old) > 0 {
			c.events = append(c.events, c.old...)
			continue
		}
		select {
		case <-c.Ready():
		case <-deadline:
			c.t.Fatalf("nothing happens to node %d", node)
		}
	}
}

// await waits for events of one node, which are written "started 1", "exited 1"
// and, for a line, as it is.
func (c *testCluster) await(node int, want ...string) {
	c.t.Helper()
	for _, text := range want {
		e := c.next(node)
		got := string(e.Line.Text)
		switch e.Kind {
		case Started:
			got = fmt.Sprint("started ", e.Life)
			if e.Err != nil {
				got += ": " + e.Err.Error()
			}
		case Exited:
			got = fmt.Sprint("exited ", e.Life)
		}
		if got != text {
			c.t.Fatalf("node %d: %s, want %s", node, got, text)
		}
	}
}

// begin starts a node and waits for its first line; the two may come in either
// order.
func (c *testCluster) begin(node int, wipe bool, line string) {
	c.t.Helper()
	life := c.Start(node, wipe)
	seen := map[string]bool{}
	for range 2 {
		switch e := c.next(node); e.Kind {
		case Started:
			seen["started"] = e.Err == nil && e.Life == life
		case Wrote:
			seen["line"] = string(e.Line.Text) == line && e.Life == life
		}
	}
	if !seen["started"] || !seen["line"] {
		c.t.Fatalf("node %d did not start and write %q: %v", node, line, seen)
	}
}

// A node's directory is its own, survives a kill, and is empty after a wipe.
func TestClusterLives(t *testing.T) {
	c := startCluster(t, "mark", 2, nil)
	c.begin(0, false, "marked: false")
	c.begin(1, false, "marked: false")
	c.Send(1, []byte("still here"))
	c.await(1, "still here")
	for _, next := range []struct {
		wipe bool
		says string
	}{{false, "marked: true"}, {true, "marked: false"}} {
		if err := c.Kill(0); err != nil {
			t.Fatal(err)
		}
		if e := c.next(0); e.Kind != Exited || e.Exit.Forced != "SIGKILL" {
			t.Fatalf("%+v", e)
		}
		c.begin(0, next.wipe, next.says)
	}
	c.End()
	c.await(0, "exited 3")
	c.await(1, "exited 1")
	c.KillAll()
	log, err := os.ReadFile(filepath.Join(c.logs, "n1.log"))
	if want := "here I am\ninput ended\n"; err != nil || !strings.HasSuffix(string(log), want) || strings.Count(string(log), "here I am") != 3 {
		t.Errorf("n1.log: %q, %v", log, err)
	}
	if c.Start(0, false); c.next(0).Err == nil {
		t.Error("a life began after the end")
	}
}

func TestClusterPaused(t *testing.T) {
	if !CanPause {
		t.Skip("not on this system")
	}
	c := startCluster(t, "mark", 1, nil)
	c.begin(0, false, "marked: false")
	if err := c.Pause(0); err != nil {
		t.Fatal(err)
	}
	c.Send(0, []byte("a"))
	if err := c.Resume(0); err != nil {
		t.Fatal(err)
	}
	c.await(0, "a")
	c.Pause(0)
	c.End() // ends it although nobody resumes it
	c.await(0, "exited 1")
}

// What waits for a node that does not read is bounded, and so is what waits for
// us from one that does not stop writing.
func TestClusterBounds(t *testing.T) {
	c := startCluster(t, "deaf", 1, func(o *Options) { o.Room = 1 << 20 })
	c.begin(0, false, "ready")
	line := bytes.Repeat([]byte{'x'}, 1<<16)
	sent := 0
	for c.Send(0, line) {
		if sent++; sent > 100 {
			t.Fatal("there is room for everything")
		}
	}
	if queued := c.Queued(0); queued == 0 || queued > 1<<20 {
		t.Errorf("%d bytes wait", queued)
	}
	c.KillAll()

	c = startCluster(t, "flood", 1, nil)
	c.Start(0, false)
	for full := false; !full; {
		runtime.Gosched()
		c.inbox.mu.Lock()
		full = c.inbox.bytes > maxInbox
		c.inbox.mu.Unlock()
	}
	c.inbox.mu.Lock()
	if c.inbox.bytes > maxInbox+2*(1<<10+eventCost) {
		t.Errorf("%d bytes wait for us", c.inbox.bytes)
	}
	c.inbox.mu.Unlock()
}

func TestClusterCannotStart(t *testing.T) {
	_, err := New(Options{Program: "./no-such-program", Nodes: []string{"n1"}, Dirs: t.TempDir(), Logs: t.TempDir()})
	if err == nil {
		t.Error("no error")
	}
}

// A file that an argument names is found from another directory.
func TestFromHere(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"node.py", "node"} {
		if err := os.WriteFile(name, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	_, args, err := fromHere(os.Args[0], []string{"node.py", "./node", "node", "none.py", "-v", ".."})
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(here, "node.py"), filepath.Join(here, "node"), "node", "none.py", "-v", ".."}
	if strings.Join(args, " ") != strings.Join(want, " ") {
		t.Errorf("%q, want %q", args, want)
	}
}
