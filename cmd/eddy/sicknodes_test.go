package main

import (
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sickNodes answer echo, each with one thing wrong. What eddy test must say of
// each stands in testdata/sick.
var sickNodes = map[string]func(){
	"exits-at-once":     func() { fmt.Fprintln(os.Stderr, "no such file: config.json"); os.Exit(3) },
	"exits-with-zero":   func() {},
	"exits-on-request":  after(1, func(*testNode, testMessage) { fmt.Fprintln(os.Stderr, "panic: boom"); os.Exit(2) }),
	"exits-in-the-end":  after(3, func(n *testNode, m testMessage) { n.echo(m); os.Exit(0) }),
	"never-initialised": func() { select {} },
	"init-error": sick(func(n *testNode, m testMessage) bool {
		if m.Body.Type == "init" {
			n.reply(m, `{"type":"error","code":13,"text":"not today"}`)
			return true
		}
		return false
	}),
	"init-wrong-type": sick(func(n *testNode, m testMessage) bool {
		if m.Body.Type == "init" {
			n.reply(m, `{"type":"ok"}`)
			return true
		}
		return false
	}),
	"hello":          func() { fmt.Println("node started"); newTestNode().serve() },
	"debug-print":    after(2, func(n *testNode, m testMessage) { fmt.Println("got an echo"); n.echo(m) }),
	"half-a-message": after(2, func(n *testNode, m testMessage) { fmt.Println(`{"src":"n1","dest":`); n.echo(m) }),
	"not-utf8":       after(2, func(n *testNode, m testMessage) { fmt.Println("\xff\xfe"); n.echo(m) }),
	"empty-line":     after(2, func(n *testNode, m testMessage) { fmt.Println(); n.echo(m) }),
	"an-array":       after(2, func(n *testNode, m testMessage) { fmt.Println(`[1,2,3]`); n.echo(m) }),
	"no-dest":        after(2, func(n *testNode, m testMessage) { fmt.Printf(`{"src":%q,"body":{"type":"x"}}`+"\n", n.id); n.echo(m) }),
	"no-body":        after(2, func(n *testNode, m testMessage) { fmt.Printf(`{"src":%q,"dest":"c1"}`+"\n", n.id); n.echo(m) }),
	"no-type":        after(2, func(n *testNode, m testMessage) { n.send(m.Src, `{"echo":1}`); n.echo(m) }),
	"id-is-a-string": after(2, func(n *testNode, m testMessage) { n.send(m.Src, `{"type":"echo_ok","in_reply_to":"1"}`); n.echo(m) }),
	"two-on-a-line": after(2, func(n *testNode, m testMessage) {
		fmt.Print(`{"src":"n1","dest":"n1","body":{"type":"x"}} `)
		n.echo(m)
	}),
	"greets-clients":  after(2, func(n *testNode, m testMessage) { n.send(m.Src, `{"type":"hello"}`); n.echo(m) }),
	"wrong-src":       after(2, func(n *testNode, m testMessage) { id := n.id; n.id = "n7"; n.echo(m); n.id = id }),
	"unknown-dest":    after(2, func(n *testNode, m testMessage) { n.send("nobody", `{"type":"gossip"}`); n.echo(m) }),
	"reply-to-nobody": after(2, func(n *testNode, m testMessage) { n.send(m.Src, `{"type":"echo_ok","in_reply_to":999999}`); n.echo(m) }),
	"double-reply":    after(2, func(n *testNode, m testMessage) { n.echo(m); n.echo(m) }),
	"reused-id":       after(2, func(n *testNode, m testMessage) { n.next = 0; n.echo(m) }),
	"no-echo":         after(1, func(n *testNode, m testMessage) { n.reply(m, `{"type":"echo_ok"}`) }),
	"wrong-type":      after(1, func(n *testNode, m testMessage) { n.reply(m, `{"type":"pong","echo":1}`) }),
	"wrong-echo":      after(1, func(n *testNode, m testMessage) { n.reply(m, `{"type":"echo_ok","echo":"something else"}`) }),
	"error-no-code":   after(1, func(n *testNode, m testMessage) { n.reply(m, `{"type":"error","text":"I won't tell"}`) }),
	"mostly-errors":   mostlyErrors,
	"never-answers":   after(1, func(*testNode, testMessage) {}),
	"goes-silent":     goesSilent,
	"skips-one":       skipsOne,
	"late-and-wrong":  lateAndWrong,
	"long-line": after(2, func(n *testNode, m testMessage) {
		fmt.Println(strings.Repeat("x", 17<<20))
		n.echo(m)
	}),
	"talks-after-the-end": func() { newTestNode().serve(); chatter() },
	"stops-reading":       func() { n := newTestNode(); n.on = stopReading; n.serve() },
}

func init() {
	for name, run := range sickNodes {
		testNodes["sick-"+name] = run
	}
}

// sick is a node that does something of its own.
func sick(on func(*testNode, testMessage) bool) func() {
	return func() {
		n := newTestNode()
		n.before = func(m testMessage) bool { return on(n, m) }
		n.serve()
	}
}

// after does something of its own with every echo from the count-th on.
func after(count int, do func(*testNode, testMessage)) func() {
	return sick(func(n *testNode, m testMessage) bool {
		if m.Body.Type != "echo" {
			return false
		}
		if count--; count > 0 {
			return false
		}
		do(n, m)
		return true
	})
}

func (n *testNode) echo(m testMessage) {
	n.reply(m, `{"type":"echo_ok","echo":`+string(m.Body.Echo)+`}`)
}

// goesSilent answers for the first half second.
func goesSilent() {
	begin := time.Now()
	sick(func(_ *testNode, m testMessage) bool {
		return m.Body.Type == "echo" && time.Since(begin) > time.Second/2
	})()
}

// mostlyErrors answers every twentieth request well.
func mostlyErrors() {
	count := 0
	n := newTestNode()
	n.before = func(m testMessage) bool {
		if count++; m.Body.Type != "echo" || count%20 == 5 {
			return false
		}
		n.reply(m, `{"type":"error","code":13,"text":"crash"}`)
		return true
	}
	n.serve()
}

// lateAndWrong answers the first request when its client has given up, and not
// with what it asked for. Others it answers late enough for somebody to be there
// still.
func lateAndWrong() {
	begin, first := time.Now(), true
	n := newTestNode()
	n.before = func(m testMessage) bool {
		if m.Body.Type != "echo" {
			return false
		}
		late, echo := time.Duration(0), string(m.Body.Echo)
		if first {
			first, late, echo = false, 2300*time.Millisecond, `"something else"`
		} else if time.Since(begin) > time.Second/2 {
			late = 1900 * time.Millisecond
		}
		time.AfterFunc(late, func() {
			fmt.Printf(`{"src":%q,"dest":%q,"body":{"type":"echo_ok","echo":%s,"in_reply_to":%d}}`+"\n", n.id, m.Src, echo, m.Body.MsgID)
		})
		return true
	}
	n.serve()
}

// skipsOne leaves the third request unanswered.
func skipsOne() {
	count := 0
	sick(func(_ *testNode, m testMessage) bool {
		if m.Body.Type == "echo" {
			count++
		}
		return count == 3
	})()
}

func stopReading(m testMessage) bool {
	if m.Body.Type == "echo" {
		select {}
	}
	return false
}

// chatter goes on writing until it is killed.
func chatter() {
	signal.Ignore(syscall.SIGTERM)
	for i := 1_000_000; ; i++ {
		fmt.Printf(`{"src":"n1","dest":"n1","body":{"type":"gossip","msg_id":%d}}`+"\n", i)
		time.Sleep(50 * time.Millisecond)
	}
}

// sickPath says of each sick node what eddy test must make of it: the verdict,
// and the checks that gave reasons for it.
const sickPath = "testdata/sick/verdicts.txt"

func TestSickNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	t.Parallel()
	names := slices.Sorted(maps.Keys(sickNodes))
	// What takes the longest begins first.
	slices.SortStableFunc(names, func(a, b string) int { return slowness(b) - slowness(a) })
	lines := make([]string, len(names))
	sideBySide(t, len(names), func(t *testing.T, i int) {
		r := eddyTest(t, "-w", "echo", "--bin", "sick-"+names[i], "--nodes", "n1", "--concurrency", "2", "--rate", "20",
			"--time-limit", "1", "--client-timeout", "2s", "--call-timeout", "50ms", "--call-attempts", "1")
		lines[i] = fmt.Sprintf("%s: %s by %s\n", names[i], r.Verdict, r.checks())
		if r.Verdict == "pass" {
			t.Errorf("sick-%s passes", names[i])
		}
		t.Logf("sick-%s: %s\n%s", names[i], r.Verdict, r.text())
	})
	slices.Sort(lines)
	got := strings.Join(lines, "")
	if *update {
		if err := os.MkdirAll("testdata/sick", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(sickPath, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(sickPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func slowness(name string) int {
	switch name {
	case "never-initialised", "never-answers", "goes-silent", "stops-reading", "skips-one", "talks-after-the-end", "late-and-wrong":
		return 1
	}
	return 0
}
