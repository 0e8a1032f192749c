package testnode

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// echoBug returns an echo node that calls handle instead of its own reply. handle gets
// the echo, as it is in the request.
func echoBug(name, does string, handle func(p *Peer, r *request, echo string)) Bug {
	return Bug{Workload: "echo", Name: name, Does: does, Run: func(process *program.Process) {
		p := Peer{p: process}
		p.serve(nil, func(r *request) { handle(&p, r, string(r.body["echo"])) })
	}}
}

// echoes replies to an echo request.
func echoes(p *Peer, r *request, echo string) { p.reply(r, "echo_ok", `"echo":`+echo) }

// rareEcho returns an echo node that calls instead for one of n requests.
func rareEcho(name, does string, n int, instead func(p *Peer, r *request, echo string)) Bug {
	return echoBug(name, does, func(p *Peer, r *request, echo string) {
		if p.p.OneIn(n) {
			instead(p, r, echo)
			return
		}
		echoes(p, r, echo)
	})
}

var echoBugs = []Bug{
	rareEcho("wrong", "echoes another text, 1 of 500", 500, func(p *Peer, r *request, _ string) { echoes(p, r, `"Please echo"`) }),
	rareEcho("lost", "does not reply, 1 of 500", 500, func(*Peer, *request, string) {}),
	rareEcho("twice", "replies twice, 1 of 500", 500, func(p *Peer, r *request, echo string) { echoes(p, r, echo); echoes(p, r, echo) }),
	rareEcho("late", "replies after 30 s, 1 of 500", 500, func(p *Peer, r *request, echo string) { p.after(30*time.Second, func() { echoes(p, r, echo) }) }),
	reusesID(),
	rareEcho("other-client", "replies to another client, 1 of 500", 500, func(p *Peer, r *request, echo string) { r.src += "0"; echoes(p, r, echo) }),
	rareEcho("text-id", "writes in_reply_to as a text, 1 of 500", 500, func(p *Peer, r *request, echo string) {
		p.write(r.src, "echo_ok", `"echo":`+echo+`,"in_reply_to":"`+strconv.FormatInt(r.id, 10)+`"`, -1, p.fresh())
	}),
	refusesEcho(),
	rareEcho("dies", "exits with status 1, 1 of 2,000", 2000, func(p *Peer, _ *request, _ string) { p.p.Exit(1) }),
	rareEcho("prints", "prints a line for debugging, 1 of 2,000", 2000, func(p *Peer, r *request, echo string) { p.p.Printf("got %s\n", r.typ); echoes(p, r, echo) }),
	echoBug("swapped", "swaps the replies to two requests that are served at the same time, 1 of 500", swapsEcho),
	echoBug("ascii", "replaces letters that are not ASCII by ?", func(p *Peer, r *request, echo string) {
		echoes(p, r, strings.Map(func(c rune) rune {
			if c > 127 {
				return '?'
			}
			return c
		}, echo))
	}),
	echoBug("unescapes", "does not keep escapes", func(p *Peer, r *request, echo string) {
		echoes(p, r, strings.NewReplacer(`\n`, " ", `\t`, " ", `\"`, "'", `\u001f`, "").Replace(echo))
	}),
	echoBug("cut", "cuts texts after 1,000 bytes", func(p *Peer, r *request, echo string) {
		if len(echo) > 1000 {
			echo = echo[:999] + `"`
		}
		echoes(p, r, echo)
	}),
	{Workload: "echo", Name: "64-kib", Does: "stops reading at a line of 64 KiB, as bufio.Scanner does", Run: func(p *program.Process) {
		n := New(p)
		lines := bufio.NewScanner(p.Stdin)
		for lines.Scan() {
			n.handle(lines.Text())
		}
	}},
}

// refusesEcho fails so often that the verdict is unknown: how many errors are too many
// is for the user to say.
func refusesEcho() Bug {
	b := rareEcho("refuses", "fails with error 13, 1 of 5", 5, func(p *Peer, r *request, _ string) { p.fail(r, 13) })
	b.Better = "--availability 0.9"
	return b
}

// reusesID writes ids of which only a warning tells: what a node's ids are is its own affair.
func reusesID() Bug {
	b := rareEcho("id-again", "uses a msg_id again, 1 of 500", 500, func(p *Peer, r *request, echo string) { p.next--; echoes(p, r, echo) })
	b.Better = "--sick fail"
	return b
}

// swapsEcho keeps one of 500 requests until the next one and swaps their echoes.
func swapsEcho(p *Peer, r *request, echo string) {
	switch {
	case p.kept != nil:
		echoes(p, r, string(p.kept.body["echo"]))
		echoes(p, p.kept, echo)
		p.kept = nil
	case p.p.OneIn(500):
		p.kept = r
	default:
		echoes(p, r, echo)
	}
}

// idBug returns a node that makes an id with every call of next. The state is that of
// one incarnation.
func idBug(name, does, flags, better string, next func(p *Peer) func() any) Bug {
	return Bug{Workload: "unique-ids", Name: name, Does: does, Flags: flags, Better: better, Run: func(process *program.Process) {
		p := Peer{p: process}
		var id func() any
		p.serve(func() { id = next(&p) }, func(r *request) {
			switch v := id().(type) {
			case nil:
			case string:
				p.reply(r, "generate_ok", fmt.Sprintf(`"id":%q`, v))
			default:
				p.reply(r, "generate_ok", fmt.Sprintf(`"id":%v`, v))
			}
		})
	}}
}
