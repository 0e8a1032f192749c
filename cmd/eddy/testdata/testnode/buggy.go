package testnode

import (
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// NeedProcesses are the verdicts on those of Buggy that show what they do only as processes: in
// how they end, in what a pipe holds, and in how lines are read from one.
var NeedProcesses = map[string]string{
	"exits-at-once":        "fail by exit stopped",
	"exits-in-the-end":     "fail by exit",
	"exits-on-request":     "fail by exit nothing-checked",
	"exits-with-zero":      "fail by exit stopped",
	"long-line":            "fail by long-line",
	"panics":               "fail by exit",
	"stops-reading":        "fail by no-final-reply no-reply nothing-checked",
	"writes-after-the-end": "fail by after-stop",
}

// Buggy are nodes that reply to echo, each with one bug.
var Buggy = map[string]func(*program.Process){
	"exits-at-once":     func(p *program.Process) { fmt.Fprintln(p.Stderr, "no such file: config.json"); p.Exit(3) },
	"exits-with-zero":   func(*program.Process) {},
	"exits-on-request":  after(1, func(n *Node, _ Message) { fmt.Fprintln(n.P.Stderr, "panic: boom"); n.P.Exit(2) }),
	"panics":            after(2, func(*Node, Message) { panicDeep(8) }),
	"exits-in-the-end":  after(3, func(n *Node, m Message) { n.Echo(m); n.P.Exit(0) }),
	"never-initialised": func(p *program.Process) { <-p.Context.Done() },
	"init-error": buggy(func(n *Node, m Message) bool {
		if m.Body.Type == "init" {
			n.Reply(m, `{"type":"error","code":13,"text":"not today"}`)
			return true
		}
		return false
	}),
	"no-init-handler": buggy(func(n *Node, m Message) bool {
		if m.Body.Type == "init" {
			n.Reply(m, `{"type":"error","code":10,"text":"not supported"}`)
			return true
		}
		return false
	}),
	"init-wrong-type": buggy(func(n *Node, m Message) bool {
		if m.Body.Type == "init" {
			n.Reply(m, `{"type":"ok"}`)
			return true
		}
		return false
	}),
	"hello":          func(p *program.Process) { p.Printf("node started\n"); New(p).Serve() },
	"debug-print":    after(2, func(n *Node, m Message) { n.P.Printf("%s\n", "got an echo"); n.Echo(m) }),
	"half-a-message": after(2, func(n *Node, m Message) { n.P.Printf("%s\n", `{"src":"n1","dest":`); n.Echo(m) }),
	"not-utf8":       after(2, func(n *Node, m Message) { n.P.Printf("%s\n", "\xff\xfe"); n.Echo(m) }),
	"empty-line":     after(2, func(n *Node, m Message) { n.P.Printf("\n"); n.Echo(m) }),
	"an-array":       after(2, func(n *Node, m Message) { n.P.Printf("%s\n", `[1,2,3]`); n.Echo(m) }),
	"no-dest":        after(2, func(n *Node, m Message) { n.P.Printf(`{"src":%s,"body":{"type":"x"}}`+"\n", Quote(n.ID)); n.Echo(m) }),
	"no-body":        after(2, func(n *Node, m Message) { n.P.Printf(`{"src":%s,"dest":"c1"}`+"\n", Quote(n.ID)); n.Echo(m) }),
	"no-type":        after(2, func(n *Node, m Message) { n.Send(m.Src, `{"echo":1}`); n.Echo(m) }),
	"id-is-a-string": after(2, func(n *Node, m Message) { n.Send(m.Src, `{"type":"echo_ok","in_reply_to":"1"}`); n.Echo(m) }),
	"two-on-a-line": after(2, func(n *Node, m Message) {
		n.P.Printf("%s", `{"src":"n1","dest":"n1","body":{"type":"x"}} `)
		n.Echo(m)
	}),
	"greets-clients":  after(2, func(n *Node, m Message) { n.Send(m.Src, `{"type":"hello"}`); n.Echo(m) }),
	"wrong-src":       after(2, func(n *Node, m Message) { id := n.ID; n.ID = "n7"; n.Echo(m); n.ID = id }),
	"unknown-dest":    after(2, func(n *Node, m Message) { n.Send("nobody", `{"type":"gossip"}`); n.Echo(m) }),
	"reply-to-nobody": after(2, func(n *Node, m Message) { n.Send(m.Src, `{"type":"echo_ok","in_reply_to":999999}`); n.Echo(m) }),
	"double-reply":    after(2, func(n *Node, m Message) { n.Echo(m); n.Echo(m) }),
	"no-echo":         after(1, func(n *Node, m Message) { n.Reply(m, `{"type":"echo_ok"}`) }),
	"wrong-type":      after(1, func(n *Node, m Message) { n.Reply(m, `{"type":"pong","echo":1}`) }),
	"wrong-echo":      after(1, func(n *Node, m Message) { n.Reply(m, `{"type":"echo_ok","echo":"something else"}`) }),
	"error-no-code":   after(1, func(n *Node, m Message) { n.Reply(m, `{"type":"error","text":"I won't tell"}`) }),
	"mostly-errors":   mostlyErrors,
	"never-replies":   after(1, func(*Node, Message) {}),
	"stops-replying":  stopsReplying,
	"skips-one":       skipsOne,
	"late-and-wrong":  lateAndWrong,
	"long-line": once(2, func(n *Node, m Message) {
		n.P.Printf("%s\n", strings.Repeat("x", 17<<20))
		n.Echo(m)
	}),
	"writes-after-the-end": func(p *program.Process) { New(p).Serve(); chatter(p) },
	"stops-reading": func(p *program.Process) {
		n := New(p)
		n.On = func(m Message) bool { return stopReading(n, m) }
		n.Serve()
	},
}

// panicDeep panics with a stack of this depth.
func panicDeep(depth int) {
	if depth == 0 {
		panic("the store is closed")
	}
	panicDeep(depth - 1)
}

// buggy returns a node that first calls on with every message.
func buggy(on func(*Node, Message) bool) func(*program.Process) {
	return func(p *program.Process) {
		n := New(p)
		n.Before = func(m Message) bool { return on(n, m) }
		n.Serve()
	}
}

// after returns a node that calls do with every echo request from the count-th on.
func after(count int, do func(*Node, Message)) func(*program.Process) {
	return counting(func(n *Node, m Message, i int) bool {
		if i < count {
			return false
		}
		do(n, m)
		return true
	})
}

// once returns a node that calls do only with the count-th echo request.
func once(count int, do func(*Node, Message)) func(*program.Process) {
	return counting(func(n *Node, m Message, i int) bool {
		if i != count {
			return false
		}
		do(n, m)
		return true
	})
}

// counting returns a node that first calls on with every echo request and its number, from 1.
func counting(on func(n *Node, m Message, i int) bool) func(*program.Process) {
	return func(p *program.Process) {
		i := 0
		buggy(func(n *Node, m Message) bool {
			if m.Body.Type != "echo" {
				return false
			}
			i++
			return on(n, m, i)
		})(p)
	}
}

// stopsReplying replies for half a second.
func stopsReplying(p *program.Process) {
	begin := time.Now()
	buggy(func(_ *Node, m Message) bool {
		return m.Body.Type == "echo" && time.Since(begin) > time.Second/2
	})(p)
}

// mostlyErrors replies to every twentieth request, and to the others with an error.
func mostlyErrors(p *program.Process) {
	count := 0
	n := New(p)
	n.Before = func(m Message) bool {
		if count++; m.Body.Type != "echo" || count%20 == 5 {
			return false
		}
		n.Reply(m, `{"type":"error","code":13,"text":"crash"}`)
		return true
	}
	n.Serve()
}

// lateAndWrong replies to the first request after the client's timeout and with a wrong
// echo. It delays later replies so that the test still runs then.
func lateAndWrong(p *program.Process) {
	begin, first := time.Now(), true
	n := New(p)
	n.Before = func(m Message) bool {
		if m.Body.Type != "echo" {
			return false
		}
		late, echo := time.Duration(0), string(m.Body.Echo)
		if first {
			first, late, echo = false, 2300*time.Millisecond, `"something else"`
		} else if time.Since(begin) > time.Second/2 {
			late = 1900 * time.Millisecond
		}
		p.After(late, func() {
			n.P.Printf(`{"src":%s,"dest":%s,"body":{"type":"echo_ok","echo":%s,"in_reply_to":%d}}`+"\n", Quote(n.ID), Quote(m.Src), echo, m.Body.MsgID)
		})
		return true
	}
	n.Serve()
}

// skipsOne does not reply to the third request.
func skipsOne(p *program.Process) { once(3, func(*Node, Message) {})(p) }

func stopReading(n *Node, m Message) bool {
	if m.Body.Type == "echo" {
		<-n.P.Context.Done()
	}
	return false
}

// chatter writes messages until it is killed.
func chatter(p *program.Process) {
	signal.Ignore(syscall.SIGTERM)
	for i := 1_000_000; p.Context.Err() == nil; i++ {
		p.Printf(`{"src":"n1","dest":"n1","body":{"type":"gossip","msg_id":%d}}`+"\n", i)
		p.Wait(50 * time.Millisecond)
	}
}
