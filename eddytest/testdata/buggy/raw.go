package buggy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/eddytest"
)

// A raw is a node that uses nothing but standard input and output.
type raw struct {
	p     *eddytest.Process
	mu    sync.Mutex // held while a message is served, and in a round of every
	id    string
	nodes []string // the others
}

type body map[string]json.RawMessage

type message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body body   `json:"body"`
}

// int returns an integer of a body, -1 if there is none.
func (b body) int(name string) int {
	n, err := strconv.Atoi(string(b[name]))
	if err != nil {
		return -1
	}
	return n
}

// text returns a string of a body.
func (b body) text(name string) (text string) {
	json.Unmarshal(b[name], &text)
	return text
}

// set sets a member of a body.
func (b body) set(name string, value any) body {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	b[name] = text
	return b
}

func typed(name string) body { return body{}.set("type", name) }

// send sends a message.
func (r *raw) send(dest string, b body) {
	line, err := json.Marshal(message{r.id, dest, b})
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(r.p.Stdout, "%s\n", line)
}

// reply replies to a request.
func (r *raw) reply(request message, typ string, b body) {
	r.send(request.Src, b.set("type", typ).set("in_reply_to", request.Body.int("msg_id")))
}

// serve serves the input until it ends.
func (r *raw) serve(handle func(m message, typ string)) error {
	in := bufio.NewScanner(r.p.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var m message
		if err := json.Unmarshal(in.Bytes(), &m); err != nil {
			return err
		}
		r.mu.Lock()
		if typ := m.Body.text("type"); typ == "init" {
			r.init(m)
		} else {
			handle(m, typ)
		}
		r.mu.Unlock()
	}
	return in.Err()
}

func (r *raw) init(m message) {
	r.id = m.Body.text("node_id")
	var all []string
	json.Unmarshal(m.Body["node_ids"], &all)
	for _, id := range all {
		if id != r.id {
			r.nodes = append(r.nodes, id)
		}
	}
	r.reply(m, "init_ok", body{})
}

// every calls f after each period until the node ends.
func (r *raw) every(period time.Duration, f func()) {
	go func() {
		ticks := time.NewTicker(period)
		defer ticks.Stop()
		for {
			select {
			case <-r.p.Context.Done():
				return
			case <-ticks.C:
				r.mu.Lock()
				f()
				r.mu.Unlock()
			}
		}
	}()
}

// decode adds the members of a JSON object.
func (b body) decode(text json.RawMessage) { json.Unmarshal(text, &b) }
