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
	// file reports whether an earlier incarnation created a file in the working
	// directory, creates the file, and then echoes.
	programs["file"] = func() {
		fmt.Fprintln(os.Stderr, "started")
		_, err := os.Stat("file")
		os.WriteFile("file", nil, 0o644)
		fmt.Println("found:", err == nil)
		programs["echo"]()
	}
	// flood writes without end.
	programs["flood"] = func() {
		line := append(bytes.Repeat([]byte{'x'}, 1<<10), '\n')
		for {
			if _, err := os.Stdout.Write(line); err != nil {
				return
			}
		}
	}
}

// patience is how long a test waits for an event.
const patience = time.Minute

// A testCluster is a cluster with methods that wait for events.
type testCluster struct {
	*Cluster
	t      *testing.T
	logs   string
	events []Event
	old    []Event
}

// startCluster returns a cluster of nodes n1, n2, ... that run one of the programs.
// The nodes are not started.
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

// next waits for the next event of a node and returns it.
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
			c.t.Fatalf("no event of node %d", node)
		}
	}
}

// await waits for events of one node, given as "started 1", "exited 1" or the text
// of a line.
func (c *testCluster) await(node int, want ...string) {
	c.t.Helper()
	for _, text := range want {
		e := c.next(node)
		got := string(e.Line.Text)
		switch e.Kind {
		case Started:
			got = fmt.Sprint("started ", e.Incarnation)
			if e.Err != nil {
				got += ": " + e.Err.Error()
			}
		case Exited:
			got = fmt.Sprint("exited ", e.Incarnation)
		}
		if got != text {
			c.t.Fatalf("node %d: %s, want %s", node, got, text)
		}
	}
}

// begin starts a node and waits for the Started event and the first line, in either
// order.
func (c *testCluster) begin(node int, wipe bool, line string) {
	c.t.Helper()
	incarnation := c.Start(node, wipe)
	seen := map[string]bool{}
	for range 2 {
		switch e := c.next(node); e.Kind {
		case Started:
			seen["started"] = e.Err == nil && e.Incarnation == incarnation
		case Wrote:
			seen["line"] = string(e.Line.Text) == line && e.Incarnation == incarnation
		}
	}
	if !seen["started"] || !seen["line"] {
		c.t.Fatalf("node %d did not start and write %q: %v", node, line, seen)
	}
}

// Each node has its own directory, which remains after a kill and is empty after a
// wipe.
func TestClusterIncarnations(t *testing.T) {
	c := startCluster(t, "file", 2, nil)
	c.begin(0, false, "found: false")
	c.begin(1, false, "found: false")
	c.Send(1, []byte("a"))
	c.await(1, "a")
	for _, next := range []struct {
		wipe bool
		says string
	}{{false, "found: true"}, {true, "found: false"}} {
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
	if want := "started\ninput ended\n"; err != nil || !strings.HasSuffix(string(log), want) || strings.Count(string(log), "started") != 3 {
		t.Errorf("n1.log: %q, %v", log, err)
	}
	if c.Start(0, false); c.next(0).Err == nil {
		t.Error("an incarnation began after End")
	}
}

func TestClusterPaused(t *testing.T) {
	if !CanPause {
		t.Skip("not on this system")
	}
	c := startCluster(t, "file", 1, nil)
	c.begin(0, false, "found: false")
	if err := c.Pause(0); err != nil {
		t.Fatal(err)
	}
	c.Send(0, []byte("a"))
	if err := c.Resume(0); err != nil {
		t.Fatal(err)
	}
	c.await(0, "a")
	c.Pause(0)
	c.End() // ends it although Resume was not called
	c.await(0, "exited 1")
}

// The queue for a node that does not read is bounded, and so is the inbox if a node
// writes without end.
func TestClusterBounds(t *testing.T) {
	c := startCluster(t, "no-read", 1, func(o *Options) { o.QueueLimit = 1 << 20 })
	c.begin(0, false, "ready")
	line := bytes.Repeat([]byte{'x'}, 1<<16)
	sent := 0
	for c.Send(0, line) {
		if sent++; sent > 100 {
			t.Fatal("the queue is not bounded")
		}
	}
	if queued := c.Queued(0); queued == 0 || queued > 1<<20 {
		t.Errorf("%d bytes are queued", queued)
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
		t.Errorf("%d bytes are in the inbox", c.inbox.bytes)
	}
	c.inbox.mu.Unlock()
}

func TestClusterCannotStart(t *testing.T) {
	_, err := New(Options{Program: "./no-such-program", Nodes: []string{"n1"}, Dirs: t.TempDir(), Logs: t.TempDir()})
	if err == nil {
		t.Error("no error")
	}
}

// Relative paths of files in arguments become absolute.
func TestAbsolutePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"node.py", "node"} {
		if err := os.WriteFile(name, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	_, args, err := absolutePaths(os.Args[0], []string{"node.py", "./node", "node", "none.py", "-v", ".."})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "node.py"), filepath.Join(dir, "node"), "node", "none.py", "-v", ".."}
	if strings.Join(args, " ") != strings.Join(want, " ") {
		t.Errorf("%q, want %q", args, want)
	}
}
