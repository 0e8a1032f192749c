package checker

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A world runs model relays, clients and faults on a simulated network, in one
// goroutine and in virtual time.
type world struct {
	net   *sim.Network
	nodes map[string]*modelNode
	todo  []modelTimer
	now   time.Duration
	read  reader
}

const (
	modelTimeout  = 50 * time.Millisecond
	modelAttempts = 3
)

// A modelNode is a correct relay.
type modelNode struct {
	name        string
	incarnation int // from 1
	down        bool
	paused      bool
	queue       []func() // to do at the end of the pause
	nextID      int64
	open        map[int64]*modelCall
}

type modelCall struct {
	client, target, payload string
	request                 int64
	attempts                int
	done                    bool
}

type modelTimer struct {
	at time.Duration
	do func()
}

func (w *world) after(d time.Duration, do func()) {
	w.todo = append(w.todo, modelTimer{w.now + d, do})
}

// run runs until a time.
func (w *world) run(until time.Duration) {
	for {
		next, first := until, -1
		for i, t := range w.todo {
			if t.at < next {
				next, first = t.at, i
			}
		}
		if due, ok := w.net.Next(); ok && due <= next && due < until {
			w.now = max(w.now, due)
			if d, ok := w.net.Due(w.now); ok {
				w.deliver(d.Message)
			}
			continue
		}
		w.now = next
		if first < 0 {
			return
		}
		do := w.todo[first].do
		w.todo = append(w.todo[:first], w.todo[first+1:]...)
		do()
	}
}

func (w *world) send(src, dest, format string, args ...any) {
	m, err := message.New(src, dest, fmt.Appendf(nil, format, args...))
	if err != nil {
		panic(err)
	}
	w.net.Send(w.now, m)
}

func (w *world) deliver(m message.Message) {
	n := w.nodes[m.Dest]
	if n == nil {
		return
	}
	incarnation := n.incarnation
	w.wake(n, incarnation, func() { w.handle(n, m) })
}

// wake does something in an incarnation of a node: at once, or after its pause.
func (w *world) wake(n *modelNode, incarnation int, do func()) {
	switch {
	case n.down || n.incarnation != incarnation:
	case n.paused:
		n.queue = append(n.queue, do)
	default:
		do()
	}
}

func (n *modelNode) id() int64 {
	n.nextID++
	return n.nextID - 1
}

func (w *world) handle(n *modelNode, m message.Message) {
	switch {
	case m.Type == "relay":
		w.attempt(n, &modelCall{client: m.Src, request: m.ID, target: text(w.read.member(m.Body, "target")), payload: string(w.read.member(m.Body, "payload"))})
	case m.Type == "echo":
		w.send(n.name, m.Src, `{"type":"echo_ok","echo":%s,"in_reply_to":%d,"msg_id":%d}`, w.read.member(m.Body, "echo"), m.ID, n.id())
	case m.IsReply():
		call := n.open[m.InReplyTo]
		if call == nil || call.done || call.target != m.Src {
			return
		}
		call.done = true
		w.send(n.name, call.client, `{"type":"relay_ok","attempts":%d,"result":%s,"in_reply_to":%d,"msg_id":%d}`,
			call.attempts, m.Body, call.request, n.id())
	}
}

func (w *world) attempt(n *modelNode, call *modelCall) {
	switch {
	case call.done:
	case call.attempts == modelAttempts:
		call.done = true
		w.send(n.name, call.client, `{"type":"error","code":0,"in_reply_to":%d,"msg_id":%d}`, call.request, n.id())
	default:
		call.attempts++
		id := n.id()
		n.open[id] = call
		w.send(n.name, call.target, `%s,"msg_id":%d}`, call.payload[:len(call.payload)-1], id)
		incarnation := n.incarnation
		w.after(modelTimeout, func() { w.wake(n, incarnation, func() { w.attempt(n, call) }) })
	}
}

func (w *world) begin(p sim.Planned) {
	number := w.net.Begin(w.now, p.Fault)
	w.after(p.End-p.Begin, func() {
		for _, name := range p.Nodes {
			w.endFault(p.Kind, w.nodes[name])
		}
		w.net.End(w.now, number)
	})
	for _, name := range p.Nodes {
		n := w.nodes[name]
		switch p.Kind {
		case sim.Pause:
			n.paused = true
		case sim.Kill, sim.KillWipe:
			n.down = true
			w.net.Killed(name, w.now)
		}
	}
}

func (w *world) endFault(kind sim.FaultKind, n *modelNode) {
	switch kind {
	case sim.Pause:
		n.paused = false
		queue := n.queue
		n.queue = nil
		for _, do := range queue {
			do()
		}
	case sim.Kill, sim.KillWipe:
		*n = modelNode{name: n.name, incarnation: n.incarnation + 1, open: map[int64]*modelCall{}}
		w.net.Started(n.name, n.incarnation, w.now)
	}
}

// A correct relay has no problems, whatever faults there are.
func TestCorrectRelayHasNoProblems(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := sim.Config{
			Seed:         rapid.Uint64().Draw(t, "seed"),
			Loss:         rapid.Float64Range(0, 0.5).Draw(t, "loss"),
			Duplicate:    rapid.Float64Range(0, 0.5).Draw(t, "duplicate"),
			Latency:      rapid.SampledFrom([]sim.Dist{{}, sim.Exponential(20 * time.Millisecond), sim.Uniform(0, 2*modelTimeout)}).Draw(t, "latency"),
			StaleReplies: rapid.Bool().Draw(t, "stale replies"),
		}
		names := []string{"n1", "n2", "n3"}
		var kinds []string
		for _, k := range sim.Kinds {
			if !sim.NeedsServers(k.Name) && rapid.Bool().Draw(t, k.Name) {
				kinds = append(kinds, k.Name)
			}
		}
		if config.StaleReplies {
			// A reply to an earlier incarnation comes from the target and has the id
			// of an attempt. A relay without call ids cannot recognise it.
			kinds = nil
		}
		interval := time.Duration(rapid.IntRange(20, 500).Draw(t, "interval")) * time.Millisecond
		w := &world{net: sim.New(config), nodes: map[string]*modelNode{}}
		for _, name := range names {
			w.nodes[name] = &modelNode{name: name, incarnation: 1, open: map[int64]*modelCall{}}
		}
		plan, err := sim.Plan(sim.PlanConfig{Seed: config.Seed, Nodes: names, Kinds: kinds, Interval: interval, Until: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range plan {
			w.after(p.Begin, func() { w.begin(p) })
		}
		for i := range rapid.IntRange(1, 60).Draw(t, "requests") {
			w.after(time.Duration(i)*33*time.Millisecond, func() {
				w.send(fmt.Sprintf("c%d", i%4), names[i%3], `{"type":"relay","msg_id":%d,"target":%q,"payload":{"type":"echo","echo":"relay %d"}}`, i, names[i*7%3], i)
			})
		}
		w.run(10 * time.Second)
		problems, _ := Relay(w.net.Journal(), RelayConfig{Nodes: names, Timeout: modelTimeout, Attempts: modelAttempts, End: 10 * time.Second})
		for _, p := range problems {
			if !p.Unknown {
				t.Fatalf("%s: %s\nplan %v", p.Check, p.Text, plan)
			}
		}
	})
}
