package healthy

import (
	"bufio"
	"context"
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// slowInit replies to init after seconds.
func slowInit(p *program.Process, n *eddy.Node) {
	n.OnInit(func(context.Context) error { time.Sleep(2500 * time.Millisecond); return nil })
	serve(p, n, style{})
}

// loud writes much to standard error, also half lines and what is no text.
func loud(p *program.Process, n *eddy.Node) {
	text := strings.Repeat("panic: not really\x1b[31m\xff\x00", 1000)
	go p.Every(50*time.Millisecond, func() { fmt.Fprint(p.Stderr, text, "\nno line feed") })
	serve(p, n, style{})
}

// longLines sends bursts of lines of 1 MB to other nodes and to itself.
func longLines(p *program.Process, n *eddy.Node) {
	padding := map[string]any{"type": "padding", "text": strings.Repeat("\u00e9\"\u2028 ", 110_000)}
	bursts := 0
	n.Handle("padding", func(context.Context, *eddy.Request) (any, error) { return nil, nil })
	n.Every(500*time.Millisecond, func(context.Context) {
		if bursts++; bursts > 1 {
			return // more would be load
		}
		ids := n.IDs()
		for range 3 {
			n.Send(ids[rand.N(len(ids))], padding)
		}
	})
	serve(p, n, style{})
}

// late goes on for most of a second after the end of its input, and then writes a last
// message to itself.
func late(p *program.Process, n *eddy.Node) {
	serve(p, n, style{})
	p.Wait(900 * time.Millisecond)
	p.Printf(`{"src":%q,"dest":%q,"body":{"type":"the-end"}}`+"\n", n.ID(), n.ID())
}

// parent runs the node in a process of its own, and copies what both write.
func parent(run func()) {
	if os.Getenv("HEALTHY_CHILD") != "" {
		run()
		return
	}
	child := exec.Command(os.Args[0], os.Args[1:]...)
	child.Env = append(os.Environ(), "HEALTHY_CHILD=1")
	child.Stderr = os.Stderr
	to, err := child.StdinPipe()
	if err != nil {
		panic(err)
	}
	from, err := child.StdoutPipe()
	if err != nil {
		panic(err)
	}
	if err := child.Start(); err != nil {
		panic(err)
	}
	go func() {
		io.Copy(to, os.Stdin)
		to.Close()
	}()
	io.Copy(os.Stdout, from)
	child.Wait()
}

// echoQueue keeps each request in a file and replies a little later. After a kill it
// replies to those that have no reply yet. So a request can get a reply from the next
// incarnation.
func echoQueue(p *program.Process) {
	file := p.Append("queue")
	open := map[string]string{}
	var order []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		number, line, request := strings.Cut(lines.Text(), " ")
		if request {
			open[number] = line
			order = append(order, number)
		} else {
			delete(open, number)
		}
	}
	r := raw{p: p}
	var mu sync.Mutex
	answer := func(number, line string) {
		m := &message{}
		if json.Unmarshal([]byte(line), m) != nil {
			return
		}
		mu.Lock()
		fmt.Fprintln(file, number) // before the reply, so that there is no second one
		mu.Unlock()
		r.echo(m)
	}
	started := crand.Text() + "-"
	count := 0
	r.serve(func(m *message) {
		if m.Body.Type != "echo" {
			return
		}
		count++
		number := started + strconv.Itoa(count)
		line, _ := json.Marshal(map[string]any{"src": m.Src, "dest": m.Dest, "body": m.raw})
		mu.Lock()
		fmt.Fprintf(file, "%s %s\n", number, line)
		mu.Unlock()
		for _, before := range order { // the name is known now
			if line, ok := open[before]; ok {
				answer(before, line)
			}
		}
		order = nil
		p.After(20*time.Millisecond, func() { answer(number, string(line)) })
	})
	p.Wait(50 * time.Millisecond)
}

// echoProxy lets another node do the work, with retries.
func echoProxy(p *program.Process, n *eddy.Node) {
	n.Handle("work", func(_ context.Context, req *eddy.Request) (any, error) {
		return map[string]any{"done": req.Body.Get("echo")}, nil
	})
	n.Handle("echo", func(ctx context.Context, req *eddy.Request) (any, error) {
		ids := n.IDs()
		next := ids[(slices.Index(ids, n.ID())+1)%len(ids)]
		reply, _, err := n.RPCWithRetry(ctx, next, map[string]any{"type": "work", "echo": req.Body.Get("echo")}, untilAnswered)
		if err != nil {
			return nil, err
		}
		return map[string]any{"echo": reply.Body.Get("done")}, nil
	})
	serve(p, n, style{})
}

// echoForwarded passes a client's request on under the client's name, as Maelstrom's own
// Raft demo does. Another node replies.
func echoForwarded(p *program.Process) {
	r := raw{p: p}
	r.serve(func(m *message) {
		if len(r.peers) > 0 && rand.N(2) == 0 && m.Body.Type == "echo" {
			r.line(m.Src, r.peers[rand.N(len(r.peers))], fmt.Sprintf(`"type":"forwarded","echo":%s,"msg_id":%s`, m.Body.Echo, m.Body.MsgID))
			return
		}
		r.echo(m)
	})
}

// echoLast gathers requests for a while and replies to the latest first, in one write.
func echoLast(p *program.Process) {
	r := raw{p: p}
	var mu sync.Mutex
	var waiting []*message
	flush := func() {
		mu.Lock()
		all := waiting
		waiting = nil
		mu.Unlock()
		for _, m := range slices.Backward(all) {
			r.echo(m)
		}
	}
	go p.Every(100*time.Millisecond, flush)
	r.serve(func(m *message) {
		mu.Lock()
		defer mu.Unlock()
		waiting = append(waiting, m)
	})
	flush()
}

// echoOneByOne takes 20 ms for each request, and handles one at a time.
func echoOneByOne(p *program.Process) {
	r := raw{p: p}
	r.serve(func(m *message) {
		p.Wait(20 * time.Millisecond)
		r.echo(m)
	})
}

// echoRefuses replies to one in twenty requests that it is busy.
func echoRefuses(p *program.Process) {
	r := raw{p: p}
	var count atomic.Int64
	r.serve(func(m *message) {
		if count.Add(1)%20 == 7 {
			r.reply(m, `"type":"error","code":11,"text":"busy","queue":[1,2,3]`)
			return
		}
		r.echo(m)
	})
}

// echoOneID gives every message the same msg_id.
func echoOneID(p *program.Process) {
	r := raw{p: p}
	r.serve(func(m *message) {
		r.line(r.id, m.Src, fmt.Sprintf(`"type":"echo_ok","echo":%s,"msg_id":1,"in_reply_to":%s`, m.Body.Echo, m.Body.MsgID))
	})
}

// echoNullIDs writes null for the ids that a message does not have.
func echoNullIDs(p *program.Process) {
	r := raw{p: p}
	r.serve(func(m *message) {
		switch {
		case m.Body.Type == "echo":
			r.line(r.id, m.Src, fmt.Sprintf(`"type":"echo_ok","echo":%s,"msg_id":null,"in_reply_to":%s`, m.Body.Echo, m.Body.MsgID))
			for _, id := range r.peers {
				r.line(r.id, id, `"type":"hello","msg_id":null,"in_reply_to":null`)
			}
		}
	})
}
