package testnode

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// Buggy are nodes that reply to echo, each with one bug.
var Buggy = map[string]func(){
	"exits-at-once":     func() { fmt.Fprintln(os.Stderr, "no such file: config.json"); os.Exit(3) },
	"exits-with-zero":   func() {},
	"exits-on-request":  after(1, func(*Node, Message) { fmt.Fprintln(os.Stderr, "panic: boom"); os.Exit(2) }),
	"panics":            after(2, func(*Node, Message) { panicDeep(8) }),
	"exits-in-the-end":  after(3, func(n *Node, m Message) { n.Echo(m); os.Exit(0) }),
	"never-initialised": func() { select {} },
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
	"hello":          func() { fmt.Println("node started"); New().Serve() },
	"debug-print":    after(2, func(n *Node, m Message) { fmt.Println("got an echo"); n.Echo(m) }),
	"half-a-message": after(2, func(n *Node, m Message) { fmt.Println(`{"src":"n1","dest":`); n.Echo(m) }),
	"not-utf8":       after(2, func(n *Node, m Message) { fmt.Println("\xff\xfe"); n.Echo(m) }),
	"empty-line":     after(2, func(n *Node, m Message) { fmt.Println(); n.Echo(m) }),
	"an-array":       after(2, func(n *Node, m Message) { fmt.Println(`[1,2,3]`); n.Echo(m) }),
	"no-dest":        after(2, func(n *Node, m Message) { fmt.Printf(`{"src":%s,"body":{"type":"x"}}`+"\n", Quote(n.ID)); n.Echo(m) }),
	"no-body":        after(2, func(n *Node, m Message) { fmt.Printf(`{"src":%s,"dest":"c1"}`+"\n", Quote(n.ID)); n.Echo(m) }),
	"no-type":        after(2, func(n *Node, m Message) { n.Send(m.Src, `{"echo":1}`); n.Echo(m) }),
	"id-is-a-string": after(2, func(n *Node, m Message) { n.Send(m.Src, `{"type":"echo_ok","in_reply_to":"1"}`); n.Echo(m) }),
	"two-on-a-line": after(2, func(n *Node, m Message) {
		fmt.Print(`{"src":"n1","dest":"n1","body":{"type":"x"}} `)
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
		fmt.Println(strings.Repeat("x", 17<<20))
		n.Echo(m)
	}),
	"writes-after-the-end": func() { New().Serve(); chatter() },
	"stops-reading":        func() { n := New(); n.On = stopReading; n.Serve() },
}

// panicDeep panics with a stack of this depth.
func panicDeep(depth int) {
	if depth == 0 {
		panic("the store is closed")
	}
	panicDeep(depth - 1)
}

// buggy returns a node that first calls on with every message.
func buggy(on func(*Node, Message) bool) func() {
	return func() {
		n := New()
		n.Before = func(m Message) bool { return on(n, m) }
		n.Serve()
	}
}

// after returns a node that calls do with every echo request from the count-th on.
func after(count int, do func(*Node, Message)) func() {
	return buggy(func(n *Node, m Message) bool {
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

// once returns a node that calls do only with the count-th echo request.
func once(count int, do func(*Node, Message)) func() {
	return buggy(func(n *Node, m Message) bool {
		if m.Body.Type != "echo" {
			return false
		}
		if count--; count != 0 {
			return false
		}
		do(n, m)
		return true
	})
}

// stopsReplying replies for half a second.
func stopsReplying() {
	begin := time.Now()
	buggy(func(_ *Node, m Message) bool {
		return m.Body.Type == "echo" && time.Since(begin) > time.Second/2
	})()
}

// mostlyErrors replies to every twentieth request, and to the others with an error.
func mostlyErrors() {
	count := 0
	n := New()
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
func lateAndWrong() {
	begin, first := time.Now(), true
	n := New()
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
		time.AfterFunc(late, func() {
			fmt.Printf(`{"src":%s,"dest":%s,"body":{"type":"echo_ok","echo":%s,"in_reply_to":%d}}`+"\n", Quote(n.ID), Quote(m.Src), echo, m.Body.MsgID)
		})
		return true
	}
	n.Serve()
}

// skipsOne does not reply to the third request.
func skipsOne() {
	count := 0
	buggy(func(_ *Node, m Message) bool {
		if m.Body.Type == "echo" {
			count++
		}
		return count == 3
	})()
}

func stopReading(m Message) bool {
	if m.Body.Type == "echo" {
		select {}
	}
	return false
}

// chatter writes messages until it is killed.
func chatter() {
	signal.Ignore(syscall.SIGTERM)
	for i := 1_000_000; ; i++ {
		fmt.Printf(`{"src":"n1","dest":"n1","body":{"type":"gossip","msg_id":%d}}`+"\n", i)
		time.Sleep(50 * time.Millisecond)
	}
}
