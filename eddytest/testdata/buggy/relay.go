package buggy

import (
	"time"

	"github.com/eddyrpc/eddy/eddytest"
)

// A call is what a relay does for a client.
type call struct {
	request  message
	attempts int
	settled  bool
}

// relays is a node of workload relay.
func relays(forgetsEnd bool) Program {
	return func(p *eddytest.Process) error {
		r := &raw{p: p}
		last, open := 0, map[int]*call{}
		var attempt func(c *call)
		attempt = func(c *call) {
			if c.settled {
				return
			}
			if c.attempts == 3 {
				c.settled = !forgetsEnd
				r.reply(c.request, "error", body{}.set("code", 0).set("text", "no reply"))
				return
			}
			last++
			c.attempts++
			open[last] = c
			payload := body{}
			payload.decode(c.request.Body["payload"])
			r.send(c.request.Body.text("target"), payload.set("msg_id", last))
			time.AfterFunc(500*time.Millisecond, func() {
				r.mu.Lock()
				defer r.mu.Unlock()
				attempt(c)
			})
		}
		return r.serve(func(m message, typ string) {
			c := open[m.Body.int("in_reply_to")]
			switch {
			case typ == "relay":
				attempt(&call{request: m})
			case typ == "echo":
				r.reply(m, "echo_ok", m.Body)
			case c == nil || c.settled || m.Src != c.request.Body.text("target"):
			default:
				c.settled = true
				r.reply(c.request, "relay_ok", body{}.set("attempts", c.attempts).set("result", m.Body))
			}
		})
	}
}

var repliesTwice = Bug{
	Name:  "replies twice",
	What:  "after its last timeout it replies with an error, and then with the reply to the last attempt, which comes late",
	Buggy: relays(true), Healthy: relays(false),
	Test:   eddytest.Test{Workload: "relay", Nodes: 3, Rate: 20, Time: 5 * time.Second, Latency: "exponential:20ms", Loss: 0.05},
	Checks: []string{"double-reply", "extra-reply"},
}
