package healthy

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A rawCall is a call of a raw relay.
type rawCall struct {
	request *message
	ids     []string // the msg_ids of its attempts
	timer   *time.Timer
	ended   bool
}

// rawRelay makes calls with msg_ids of its own choice, three attempts each.
func rawRelay(p *program.Process, ids func(n int64) int64) {
	r := raw{p: p, ids: ids}
	var mu sync.Mutex
	open := map[string]*rawCall{} // by the msg_id of each attempt
	var attempt func(c *rawCall)
	attempt = func(c *rawCall) { // with mu
		if c.ended {
			return
		}
		if len(c.ids) == 3 {
			c.ended = true
			r.reply(c.request, `"type":"error","code":0,"text":"no reply"`)
			return
		}
		payload := strings.TrimSpace(string(c.request.Body.Payload))
		id := strconv.FormatInt(r.send(c.request.Body.Target, payload[1:len(payload)-1]), 10)
		c.ids = append(c.ids, id)
		open[id] = c
		c.timer = p.After(CallTimeout, func() {
			mu.Lock()
			defer mu.Unlock()
			attempt(c)
		})
	}
	r.serve(func(m *message) {
		mu.Lock()
		defer mu.Unlock()
		c := open[string(m.Body.InReplyTo)]
		switch {
		case c != nil && !c.ended && m.Src == c.request.Body.Target:
			c.ended = true
			c.timer.Stop()
			r.reply(c.request, fmt.Sprintf(`"type":"relay_ok","attempts":%d,"result":%s`, len(c.ids), m.raw))
		case m.Body.Type == "echo":
			r.echo(m)
		case m.Body.Type == "relay":
			attempt(&rawCall{request: m})
		}
	})
	p.Wait(3 * CallTimeout) // for the calls that are open
}
