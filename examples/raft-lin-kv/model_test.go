package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A flight is a request, or a reply to one, on its way.
type flight struct {
	from  string
	o     outgoing
	reply any // nil for a request
}

// A world is a cluster on a network that loses, duplicates and reorders messages, with nodes
// that are cut off and that are restarted with what they have stored. It checks what Raft
// guarantees at all times (Figure 3).
type world struct {
	*cluster
	t         *testing.T
	random    *rand.Rand
	flights   []flight
	cut       string         // this node is cut off
	leaders   map[int]string // by term
	committed []entry
}

func newWorld(t *testing.T, seed uint64) *world {
	return &world{cluster: newCluster(nil, nil, nil, nil, nil), t: t,
		random: rand.New(rand.NewPCG(seed, 0)), leaders: map[int]string{}}
}

// step lets something happen.
func (w *world) step() {
	name := nodes[w.random.IntN(len(nodes))]
	r := w.rafts[name]
	switch chance := w.random.IntN(1000); {
	case chance < 3:
		w.restart(name)
	case chance < 6:
		w.cut = name
	case chance < 12:
		w.cut = ""
	case chance < 100:
		r.propose(r.term, &command{ID: fmt.Sprint(w.random.Uint64())})
	case chance < 400:
		w.now = w.now.Add(time.Duration(w.random.Int64N(int64(heartbeat / 4))))
		for _, o := range r.tick(w.now) {
			w.send(flight{name, o, nil})
		}
	case len(w.flights) > 0:
		i := w.random.IntN(len(w.flights))
		f := w.flights[i]
		w.flights = slices.Delete(w.flights, i, i+1)
		w.arrive(f)
	}
	w.check()
}

// send decides the fate of a message.
func (w *world) send(f flight) {
	copies := 1
	switch w.random.IntN(10) {
	case 0:
		copies = 0
	case 1:
		copies = 2
	}
	for range copies {
		w.flights = append(w.flights, f)
	}
}

func (w *world) arrive(f flight) {
	switch {
	case f.from == w.cut || f.o.to == w.cut:
	case f.reply == nil:
		w.send(flight{f.from, f.o, w.request(f.o)})
	default:
		w.reply(f.from, f.o, f.reply)
	}
}

// restart starts a node with what it must have stored, and nothing else.
func (w *world) restart(name string) {
	old := w.rafts[name]
	r := newRaft(name, nodes, w.random, w.now)
	r.term, r.vote, r.log = old.term, old.vote, slices.Clone(old.log)
	w.rafts[name] = r
}

func (w *world) check() {
	for _, r := range w.rafts {
		if r.role == leader {
			if of := w.leaders[r.term]; of != "" && of != r.self {
				w.t.Fatalf("term %d has the leaders %s and %s", r.term, of, r.self)
			}
			w.leaders[r.term] = r.self
		}
		for i := range r.commit {
			if i == len(w.committed) {
				w.committed = append(w.committed, r.log[i])
			}
			if r.log[i] != w.committed[i] {
				w.t.Fatalf("%s has committed another entry at index %d", r.self, i+1)
			}
		}
	}
}

// No two leaders have the same term, and all nodes commit the same entries.
func TestSafety(t *testing.T) {
	all := 0
	for seed := range uint64(50) {
		w := newWorld(t, seed)
		for range 10_000 {
			w.step()
		}
		all += len(w.committed)
	}
	if all < 5000 {
		t.Errorf("only %d entries were committed", all)
	}
}
