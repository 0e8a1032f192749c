// Raft-lin-kv is a store of keys and values that is linearizable and needs no service: its
// nodes agree by Raft on one log of all operations (Ongaro and Ousterhout, In Search of an
// Understandable Consensus Algorithm, extended version, 2014). Numbers of sections and figures
// in comments are those of this paper. It is where Maelstrom's guide ends.
//
// Any node takes requests. It passes the operation to the leader, and replies when it has
// applied the operation to its own copy of the store. Reads go through the log, too, so that no
// node replies with an old value. If the node finds no leader for half a second, the reply is
// error 11, and the operation has no effect. If the operation is not committed in time, the
// reply is error 0: it may have an effect, also later.
//
// The network may deliver an operation to the leader twice, and then it is in the log twice.
// So each operation has an id, and only its first entry has an effect (8).
//
// Term, vote and log are in the file raft.log in the working directory, and are stored before
// a message tells of them. So a killed node loses nothing, as long as it keeps its directory.
// While a majority of the nodes can reach each other, the store works. The log is never
// shortened (7): it grows with each operation, and a node that starts reads it all.
//
// raft.go has the algorithm, as a state machine without clock, disk or network. disk.go has the
// file. This file has the store, and the node that runs the algorithm.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy"
)

const (
	patience = 2 * time.Second // how long an operation may take
	seeking  = time.Second / 2 // how much of this it may take to find a leader that accepts it
)

func main() {
	if err := newNode("raft.log", rand.Uint64()).Run(); err != nil {
		log.Fatal(err)
	}
}

// A command is an operation of a client.
type command struct {
	ID    string   `json:"id"`
	Op    string   `json:"op"` // read, write or cas
	Key   eddy.Raw `json:"key"`
	Value eddy.Raw `json:"value,omitempty"`
	From  eddy.Raw `json:"from,omitempty"`
	To    eddy.Raw `json:"to,omitempty"`
}

// A proposal asks the leader of a term to append a command to the log.
type proposal struct {
	Type    string   `json:"type"` // propose
	Term    int      `json:"term"`
	Command *command `json:"command"`
}

// A store is the state machine to which the commands of the log are applied.
type store struct {
	values  map[string]eddy.Raw // by the JSON of the key
	applied map[string]bool     // ids of commands
}

// A result is the reply to a command.
type result struct {
	body any
	err  error
}

// reply replies to a request.
func (r *result) reply(req *eddy.Request) {
	if r.err != nil {
		req.Fail(r.err)
	} else {
		req.Reply(r.body)
	}
}

// take applies a command, if it is new.
func (s *store) take(c *command) (r result, isNew bool) {
	if c == nil || s.applied[c.ID] {
		return result{}, false
	}
	s.applied[c.ID] = true
	return s.apply(c), true
}

// apply applies a command and returns its result. Values are equal if their JSON texts are.
func (s *store) apply(c *command) result {
	key := string(c.Key)
	value, exists := s.values[key]
	switch {
	case c.Op == "write":
		s.values[key] = c.Value
	case !exists:
		return result{nil, eddy.Errorf(eddy.KeyDoesNotExist, "key %s does not exist", key)}
	case c.Op == "read":
		return result{map[string]any{"value": value}, nil}
	case string(value) != string(c.From):
		return result{nil, eddy.Errorf(eddy.PreconditionFailed, "the value is %s, not %s", value, c.From)}
	default:
		s.values[key] = c.To
	}
	return result{eddy.Raw(`{}`), nil}
}

// A server runs a raft for a node.
type server struct {
	node   *eddy.Node
	events chan event
	ended  chan struct{} // closed when nothing happens any more

	incarnation uint64        // a random number, which begins the ids of commands
	commands    atomic.Uint64 // how many commands have an id

	mu      sync.Mutex
	waiting map[string]*waiting // by the id of the command
}

// A waiting is a request of a client that waits for the result of its command.
type waiting struct {
	req  *eddy.Request
	done chan struct{} // closed when it has its reply
}

// An event is something that happens to the raft. When all changes are stored, reply is called
// and done is closed. All replies of a node come from run, so that they have an order.
type event struct {
	happen func(r *raft, now time.Time)
	reply  func()
	done   chan struct{}
}

func newNode(path string, seed uint64) *eddy.Node {
	var n eddy.Node
	s := &server{node: &n, incarnation: seed, events: make(chan event), ended: make(chan struct{}), waiting: map[string]*waiting{}}
	n.OnInit(func(context.Context) error {
		r := newRaft(n.ID(), n.IDs(), rand.New(rand.NewPCG(seed, 0)), time.Now())
		d, err := open(path, r)
		if err == nil {
			n.Every(time.Hour, func(ctx context.Context) { s.run(ctx, r, d) }) // once, until the node drains
		}
		return err
	})
	dedup := eddy.Dedup{ByMsgID: true} // the network may deliver a request twice
	for _, op := range []string{"read", "write", "cas"} {
		n.Handle(op, dedup.Handler(s.serve))
	}
	handle(s, "vote", func(r *raft, now time.Time, q voteRequest) (any, error) { return r.onVote(now, q), nil })
	handle(s, "append", func(r *raft, now time.Time, q appendRequest) (any, error) { return r.onAppend(now, q), nil })
	handle(s, "propose", func(r *raft, _ time.Time, q proposal) (any, error) {
		if !r.propose(q.Term, q.Command) {
			return nil, eddy.Errorf(eddy.TemporarilyUnavailable, "%s is not the leader of term %d", r.self, q.Term)
		}
		return eddy.Raw(`{}`), nil
	})
	return &n
}

// handle registers a handler of a request from another node. The reply is sent when the
// changes are stored.
func handle[Q any](s *server, typ string, f func(*raft, time.Time, Q) (any, error)) {
	s.node.Handle(typ, func(_ context.Context, req *eddy.Request) (any, error) {
		var q Q
		if err := req.Decode(&q); err != nil {
			return nil, err
		}
		var a result
		happen := func(r *raft, now time.Time) { a.body, a.err = f(r, now, q) }
		if !s.do(happen, func() { a.reply(req) }) {
			return nil, eddy.Errorf(eddy.TemporarilyUnavailable, "the node ends")
		}
		return nil, nil // it has its reply
	})
}

// do makes something happen to the raft, and waits until all changes are stored and reply was
// called. It returns false if nothing happens any more.
func (s *server) do(happen func(r *raft, now time.Time), reply func()) bool {
	e := event{happen, reply, make(chan struct{})}
	select {
	case s.events <- e:
		<-e.done
		return true
	case <-s.ended:
		return false
	}
}

// run runs the raft until the node drains. All events that have come meanwhile are stored
// together.
func (s *server) run(ctx context.Context, r *raft, d *disk) {
	defer d.file.Close()
	defer close(s.ended)
	ticks := time.NewTicker(heartbeat / 5)
	defer ticks.Stop()
	state, applied := store{map[string]eddy.Raw{}, map[string]bool{}}, 0
	for {
		var stored []event
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		case e := <-s.events:
			stored = s.happen(r, e)
		}
		all := r.tick(time.Now())
		if err := d.save(r); err != nil {
			log.Fatal(err) // the node must not act on what it has not stored
		}
		for _, e := range stored {
			e.reply()
			close(e.done)
		}
		for _, o := range all {
			s.send(ctx, o)
		}
		for ; applied < r.commit; applied++ {
			c := r.log[applied].Command
			if result, isNew := state.take(c); isNew {
				s.finish(c.ID, result)
			}
		}
	}
}

// happen lets an event happen, and all others that wait.
func (s *server) happen(r *raft, e event) (all []event) {
	for {
		e.happen(r, time.Now())
		all = append(all, e)
		select {
		case e = <-s.events:
		default:
			return all
		}
	}
}

// send sends a request to another node. If no reply comes, the next request says the same.
func (s *server) send(ctx context.Context, o outgoing) {
	s.node.Call(ctx, o.to, o.request, &eddy.Policy{Attempts: 1}, func(answer eddy.Result) {
		var happen func(r *raft, now time.Time)
		var err error
		switch q := o.request.(type) {
		case voteRequest:
			var a voteReply
			err = answer.Reply.Body.Decode(&a)
			happen = func(r *raft, now time.Time) { r.onVoteReply(now, o.to, q, a) }
		case appendRequest:
			var a appendReply
			err = answer.Reply.Body.Decode(&a)
			happen = func(r *raft, now time.Time) { r.onAppendReply(now, o.to, q, a) }
		}
		if answer.Err == nil && err == nil {
			go s.do(happen, func() {}) // since a callback must not wait
		}
	})
}

// serve serves a request of a client.
func (s *server) serve(ctx context.Context, req *eddy.Request) (any, error) {
	var c command
	if err := req.Decode(&c); err != nil {
		return nil, err
	}
	if c.Key == nil || req.Type() == "write" && c.Value == nil || req.Type() == "cas" && (c.From == nil || c.To == nil) {
		return nil, eddy.Errorf(eddy.MalformedRequest, "a field is missing")
	}
	c.ID, c.Op = fmt.Sprintf("%x-%d", s.incarnation, s.commands.Add(1)), req.Type()

	w := &waiting{req, make(chan struct{})}
	s.await(c.ID, w)
	defer s.await(c.ID, nil)
	refused := make(chan error, 1)
	go func() {
		if err := s.propose(ctx, &c); err != nil {
			refused <- err
		}
	}()
	select {
	case <-w.done:
		return nil, nil // it has its reply
	case err := <-refused:
		return nil, err
	case <-time.After(patience):
		return nil, eddy.Errorf(eddy.Timeout, "not committed within %v; it may still be", patience)
	case <-s.ended:
		return nil, eddy.Errorf(eddy.Timeout, "the node ends before it is committed; it may still be")
	}
}

// propose gives a command to the leader. An error means that the command has no effect: the
// leader of a term that has refused it never becomes the leader of that term again, so a copy
// of the proposal that arrives later is refused, too.
func (s *server) propose(ctx context.Context, c *command) error {
	for begun := time.Now(); time.Since(begun) < seeking; time.Sleep(heartbeat) {
		var leader string
		var term int
		s.do(func(r *raft, _ time.Time) {
			leader, term = r.leader, r.term
			r.propose(term, c) // if this node is the leader
		}, func() {})
		switch leader {
		case "":
			continue
		case s.node.ID():
			return nil
		}
		_, _, err := s.node.RPCWithRetry(ctx, leader, proposal{"propose", term, c}, nil)
		var failed *eddy.CallError
		if !errors.As(err, &failed) || !failed.Definite() {
			return nil // it was appended, or may have been
		}
	}
	return eddy.Errorf(eddy.TemporarilyUnavailable, "no leader has accepted it")
}

// await lets a request wait for the result of a command. nil ends this.
func (s *server) await(id string, w *waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[id] = w; w == nil {
		delete(s.waiting, id)
	}
}

// finish replies to the request that waits for a result.
func (s *server) finish(id string, r result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waiting[id]; w != nil {
		r.reply(w.req)
		close(w.done)
	}
}
