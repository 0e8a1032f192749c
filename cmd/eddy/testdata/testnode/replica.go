package testnode

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A replica is a node for g-set, g-counter and pn-counter. It keeps all adds by their ids
// and sends them to all nodes, again and again. The id of an add to a set is its element,
// that of an add to a counter is unique.
type replica struct {
	*Node
	set    bool
	period time.Duration // between two messages to each node; 0 for no messages

	// durable makes the node write each add to a file before it replies. If loadAfter
	// is not 0, it reads the file late, and learns nothing of other nodes until then.
	durable   bool
	loadAfter time.Duration

	// adding handles an add first, reading a read, and replying the value of a
	// read_ok. They return true if no one else shall handle it.
	adding  func(Message) bool
	reading func(Message) bool
	shown   func() string

	mu    sync.Mutex // guards all fields below and Node
	peers []string
	adds  map[string]int64 // the elements or deltas
	own   int              // the adds of clients
	reads int

	loading bool
}

func newReplica(p *program.Process, set bool) *replica {
	r := &replica{Node: New(p), set: set, period: 20 * time.Millisecond, adds: map[string]int64{}}
	r.Before = func(m Message) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.handle(m)
		return true
	}
	return r
}

func (r *replica) handle(m Message) {
	switch m.Body.Type {
	case "init":
		r.ID = m.Body.NodeID
		r.peers = slices.DeleteFunc(m.Body.NodeIDs, func(id string) bool { return id == r.ID })
		if r.loading = r.loadAfter > 0; r.loading {
			r.P.After(r.loadAfter, func() {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.load()
				r.loading = false
			})
		} else {
			r.load()
		}
		r.Reply(m, `{"type":"init_ok"}`)
		if r.period > 0 {
			go r.gossip()
		}
	case "adds":
		for id, value := range m.Body.Adds {
			if !r.loading {
				r.store(id, value)
			}
		}
	case "add":
		if r.own++; r.adding == nil || !r.adding(m) {
			r.add(m)
			r.Reply(m, `{"type":"add_ok"}`)
		}
	case "read":
		if r.reads++; r.reading == nil || !r.reading(m) {
			r.Reply(m, `{"type":"read_ok","value":`+r.value()+`}`)
		}
	}
}

// add stores the add of a client.
func (r *replica) add(m Message) {
	if r.set {
		r.store(fmt.Sprint(m.Body.Element), m.Body.Element)
	} else {
		r.store(fmt.Sprintf("%s-%x", r.ID, r.P.Random.Uint64()), m.Body.Delta)
	}
}

func (r *replica) store(id string, value int64) {
	if _, known := r.adds[id]; known {
		return
	}
	r.adds[id] = value
	if !r.durable {
		return
	}
	f, err := os.OpenFile(r.P.Path("adds"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, id, value); err != nil {
		panic(err)
	}
}

// load reads the file of a durable node. Its last line may be incomplete.
func (r *replica) load() {
	if !r.durable {
		return
	}
	f, err := os.Open(r.P.Path("adds"))
	if err != nil {
		return
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		var id string
		var value int64
		if _, err := fmt.Sscan(line, &id, &value); err == nil {
			r.adds[id] = value
		}
	}
}

// gossip sends all adds to all nodes, for ever.
func (r *replica) gossip() {
	r.P.Every(r.period, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		adds, err := json.Marshal(r.adds)
		if err != nil {
			panic(err)
		}
		for _, peer := range r.peers {
			r.P.Printf(`{"src":%q,"dest":%q,"body":{"type":"adds","adds":%s}}`+"\n", r.ID, peer, adds)
		}
	})
}

// value returns what a read returns: the sum, or the elements in any order.
func (r *replica) value() string {
	if r.shown != nil {
		return r.shown()
	}
	if r.set {
		return r.elements(nil)
	}
	return fmt.Sprint(r.sum())
}

func (r *replica) sum() (sum int64) {
	for _, delta := range r.adds {
		sum += delta
	}
	return sum
}

// elements returns the elements for which not returns false, in any order.
func (r *replica) elements(not func(int64) bool) string {
	list := []string{}
	for _, element := range r.adds {
		if not == nil || !not(element) {
			list = append(list, fmt.Sprint(element))
		}
	}
	return "[" + strings.Join(list, ",") + "]"
}

// Replicas are correct nodes for g-set, if set is true, and for counters.
var Replicas = map[string]func(p *program.Process, set bool){
	// gossips keeps everything in memory.
	"gossips": func(p *program.Process, set bool) { newReplica(p, set).Serve() },

	// durable survives kills.
	"durable": func(p *program.Process, set bool) {
		r := newReplica(p, set)
		r.durable = true
		r.Serve()
	},

	// reads-late survives kills, but has no adds at the beginning.
	"reads-late": func(p *program.Process, set bool) {
		r := newReplica(p, set)
		r.durable, r.loadAfter = true, 200*time.Millisecond
		r.Serve()
	},

	// refuses refuses some adds with a definite error, without an effect.
	"refuses": func(p *program.Process, set bool) {
		r := newReplica(p, set)
		r.adding = func(m Message) bool {
			if r.own%20 != 7 {
				return false
			}
			r.Reply(m, `{"type":"error","code":11,"text":"busy"}`)
			return true
		}
		r.Serve()
	},

	// forwards lets another node reply to each read, and replies itself if that
	// takes too long.
	"forwards": forwards,

	// service keeps all adds in lin-kv.
	"service": service,
}

// forwards asks one node after the other for the value. The value of a counter that grows
// must not go back at a node, so it returns the greatest value that it has seen; the value
// of one that does not grow is the latest.
func forwards(p *program.Process, set bool) {
	r := newReplica(p, set)
	grows := len(p.Args) > 1 && p.Args[1] == "g-counter"
	most := int64(0)
	reply := func(m Message, value string) {
		var n int64
		if _, err := fmt.Sscan(value, &n); err == nil && grows {
			most = max(most, n)
			value = fmt.Sprint(most)
		}
		r.Reply(m, `{"type":"read_ok","value":`+value+`}`)
	}
	waiting := map[int64]Message{}
	handle := r.Before
	r.Before = func(m Message) bool {
		if m.Body.InReplyTo == nil {
			return handle(m)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if request, ok := waiting[*m.Body.InReplyTo]; ok {
			delete(waiting, *m.Body.InReplyTo)
			reply(request, string(m.Body.Value))
		}
		return true
	}
	r.reading = func(m Message) bool {
		if m.Src[0] != 'c' || len(r.peers) == 0 {
			return false // of a node
		}
		id := int64(r.Next)
		waiting[id] = m
		r.Send(r.peers[r.reads%len(r.peers)], `{"type":"read"}`)
		r.P.After(200*time.Millisecond, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			if request, ok := waiting[id]; ok {
				delete(waiting, id)
				reply(request, r.value())
			}
		})
		return true
	}
	r.Serve()
}
