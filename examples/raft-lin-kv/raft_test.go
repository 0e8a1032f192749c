package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var nodes = []string{"s1", "s2", "s3", "s4", "s5"}

// entries makes a log of entries with these terms. Each entry of a term and index is the same.
func entries(terms ...int) (log []entry) {
	for i, term := range terms {
		log = append(log, entry{term, &command{ID: fmt.Sprintf("%d/%d", term, i+1)}})
	}
	return log
}

// terms returns the terms of a log.
func terms(log []entry) (terms []int) {
	for _, e := range log {
		terms = append(terms, e.Term)
	}
	return terms
}

// A cluster is rafts that exchange requests as the test says.
type cluster struct {
	now   time.Time
	rafts map[string]*raft
}

// newCluster starts nodes with these logs. Their term is that of their last entry.
func newCluster(logs ...[]entry) *cluster {
	c := &cluster{time.Unix(0, 0), map[string]*raft{}}
	for i, log := range logs {
		r := newRaft(nodes[i], nodes[:len(logs)], rand.New(rand.NewPCG(1, uint64(i))), c.now)
		r.log = log
		if r.term = r.termAt(len(log)); r.term == 0 {
			r.term = 1
		}
		c.rafts[r.self] = r
	}
	return c
}

// deliver delivers a request, and the reply to it.
func (c *cluster) deliver(from string, o outgoing) {
	c.reply(from, o, c.request(o))
}

// request delivers a request and returns the reply.
func (c *cluster) request(o outgoing) any {
	if q, ok := o.request.(voteRequest); ok {
		return c.rafts[o.to].onVote(c.now, q)
	}
	return c.rafts[o.to].onAppend(c.now, o.request.(appendRequest))
}

// reply delivers a reply to a request.
func (c *cluster) reply(from string, o outgoing, reply any) {
	switch q := o.request.(type) {
	case voteRequest:
		c.rafts[from].onVoteReply(c.now, o.to, q, reply.(voteReply))
	case appendRequest:
		c.rafts[from].onAppendReply(c.now, o.to, q, reply.(appendReply))
	}
}

// elect makes a node ask these nodes for their votes, and reports whether it has become the
// leader.
func (c *cluster) elect(name string, voters ...string) bool {
	for _, o := range c.rafts[name].campaign(c.now) {
		if slices.Contains(voters, o.to) {
			c.deliver(name, o)
		}
	}
	return c.rafts[name].role == leader
}

// replicate lets time pass, and delivers what a leader sends to these nodes.
func (c *cluster) replicate(name string, to ...string) {
	c.now = c.now.Add(heartbeat)
	for _, o := range c.rafts[name].replicate(c.now) {
		if slices.Contains(to, o.to) {
			c.deliver(name, o)
		}
	}
}

func TestElection(t *testing.T) {
	c := newCluster(nil, nil, nil, nil, nil)
	if all := c.rafts["s1"].tick(c.now.Add(minElection - 1)); len(all) > 0 {
		t.Errorf("an election began too early: %v", all)
	}
	if c.elect("s1", "s2") {
		t.Error("two votes of five made a leader")
	}
	if !c.elect("s1", "s2", "s3") || c.rafts["s1"].leader != "s1" {
		t.Error("three votes of five made no leader")
	}
	if c.rafts["s4"].term = c.rafts["s1"].term - 1; c.elect("s4", "s2", "s3", "s5") {
		t.Error("s2 and s3 voted twice in a term")
	}
	c.replicate("s1", "s2", "s3", "s4", "s5")
	if r := c.rafts["s4"]; r.role != follower || r.leader != "s1" {
		t.Errorf("a candidate that hears the leader of its term has role %d and leader %q", r.role, r.leader)
	}
}

// A vote must be stored, and so must a new term (Figure 2).
func TestWhatMustBeStored(t *testing.T) {
	c := newCluster(nil, nil, nil)
	r := c.rafts["s1"]
	r.onVote(c.now, voteRequest{Term: 1, Candidate: "s2"})
	if !r.renewed {
		t.Error("a vote is not stored")
	}
	r.renewed = false
	r.onAppend(c.now, appendRequest{Term: 2, Leader: "s3", Entries: entries(2, 2)})
	if !r.renewed {
		t.Error("a term is not stored")
	}
	r.stored = 2
	r.onAppend(c.now, appendRequest{Term: 3, Leader: "s3", PrevIndex: 1, PrevTerm: 2, Entries: []entry{{3, nil}}})
	if r.stored != 1 || !slices.Equal(terms(r.log), []int{2, 3}) {
		t.Errorf("%d entries count as stored after the second was replaced: %v", r.stored, terms(r.log))
	}
}

// The candidate's log must be at least as up to date as the voter's (5.4.1).
func TestVotesForLogs(t *testing.T) {
	for _, test := range []struct {
		candidate []int
		granted   bool
	}{
		{[]int{1, 2, 2}, true},
		{[]int{1, 3}, true},
		{[]int{1, 2, 2, 2}, true},
		{[]int{1, 2}, false},
		{[]int{1, 1, 1, 1}, false},
		{nil, false},
	} {
		c := newCluster(entries(test.candidate...), entries(1, 2, 2))
		c.rafts["s1"].term = 5
		if got := c.elect("s1", "s2"); got != test.granted {
			t.Errorf("the vote of a node with the log 1 2 2 for a candidate with %v: %v", test.candidate, got)
		}
	}
}

// A leader brings all logs of Figure 7 into agreement with its own (5.3).
func TestFigure7(t *testing.T) {
	leaders := []int{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}
	for name, log := range map[string][]int{
		"a": {1, 1, 1, 4, 4, 5, 5, 6, 6},
		"b": {1, 1, 1, 4},
		"c": {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},
		"d": {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},
		"e": {1, 1, 1, 4, 4, 4, 4},
		"f": {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3},
	} {
		c := newCluster(entries(leaders...), entries(log...), entries(leaders...))
		c.rafts["s1"].term = 7
		if !c.elect("s1", "s3") {
			t.Fatalf("(%s): no leader", name)
		}
		steps := 0
		for ; steps < 5 && c.rafts["s2"].commit < len(leaders)+1; steps++ {
			c.replicate("s1", "s2")
		}
		if got := terms(c.rafts["s2"].log); !slices.Equal(got, append(slices.Clone(leaders), 8)) || c.rafts["s2"].commit != 11 {
			t.Errorf("(%s): after %d steps the log of the follower is %v, %d of it committed", name, steps, got, c.rafts["s2"].commit)
		}
	}
}

// figure8 returns the situation (c) of Figure 8: s1, the leader of term 4, has brought its entry
// of term 2 to a majority. s5 has an entry of term 3.
func figure8(t *testing.T) *cluster {
	c := newCluster(entries(1, 2), entries(1, 2), entries(1), entries(1), entries(1, 3))
	c.rafts["s1"].term = 3
	if !c.elect("s1", "s2", "s3") {
		t.Fatal("s1 is not the leader of term 4")
	}
	s1 := c.rafts["s1"]
	s1.log = s1.log[:2] // its entry of term 4 comes later
	c.replicate("s1", "s2", "s3")
	c.replicate("s1", "s2", "s3")
	if got := terms(c.rafts["s3"].log); !slices.Equal(got, []int{1, 2}) {
		t.Fatalf("the log of s3 is %v", got)
	}
	return c
}

// An entry of an earlier term is not committed because a majority has it (5.4.2).
func TestFigure8Overwritten(t *testing.T) {
	c := figure8(t)
	if commit := c.rafts["s1"].commit; commit != 0 {
		t.Fatalf("s1 has committed %d entries, but s5 can still replace them", commit)
	}
	c.rafts["s5"].term = 4
	if !c.elect("s5", "s2", "s3", "s4") {
		t.Fatal("(d): s5 is not the leader of term 5")
	}
	for range 4 {
		c.replicate("s5", "s1", "s2", "s3", "s4")
	}
	for name, r := range c.rafts {
		if got := terms(r.log); !slices.Equal(got, []int{1, 3, 5}) {
			t.Errorf("(d): the log of %s is %v", name, got)
		}
	}
}

// An entry of the leader's own term commits those before it.
func TestFigure8Committed(t *testing.T) {
	c := figure8(t)
	c.rafts["s1"].propose(4, nil)
	c.replicate("s1", "s2", "s3")
	if commit := c.rafts["s1"].commit; commit != 3 {
		t.Fatalf("(e): s1 has committed %d entries, want 3", commit)
	}
	c.rafts["s5"].term = 4
	if c.elect("s5", "s2", "s3", "s4") {
		t.Error("(e): s5 is the leader, although it lacks a committed entry")
	}
}

// An append that arrives late must not shorten the log, nor move the commit index back.
func TestOldAppend(t *testing.T) {
	c := newCluster(nil, nil, nil)
	r := c.rafts["s1"]
	old := appendRequest{Term: 1, Leader: "s2", Entries: entries(1)}
	for _, q := range []appendRequest{{Term: 1, Leader: "s2", Entries: entries(1, 1, 1), Commit: 2}, old} {
		if a := r.onAppend(c.now, q); !a.Success {
			t.Errorf("%+v: %+v", q, a)
		}
	}
	if len(r.log) != 3 || r.commit != 2 {
		t.Errorf("the log has %d entries, %d of them committed, want 3 and 2", len(r.log), r.commit)
	}
	if a := r.onAppend(c.now, appendRequest{Term: 1, Leader: "s2", PrevIndex: 1, PrevTerm: 1, Commit: 9}); r.commit != 2 {
		t.Errorf("an append with entries to index 1 committed up to %d: %+v", r.commit, a)
	}
	r.term = 2
	if a := r.onAppend(c.now, appendRequest{Term: 1, Leader: "s2", Entries: entries(1, 1, 1, 1)}); a.Success || len(r.log) != 3 {
		t.Errorf("an append of an earlier term: %+v", a)
	}
}

// A reply that comes late says nothing new.
func TestOldReply(t *testing.T) {
	c := newCluster(entries(1, 1, 1), nil, nil)
	c.elect("s1", "s2")
	at := func() outgoing {
		c.now = c.now.Add(heartbeat)
		return c.rafts["s1"].replicate(c.now)[0]
	}
	first := at()
	refused := c.request(first)
	c.reply("s1", first, refused) // s2 has no entries
	c.deliver("s1", at())
	p := c.rafts["s1"].peers["s2"]
	if p.match != 4 || p.next != 5 {
		t.Fatalf("s2 has %d entries, want 4", p.match)
	}
	if c.reply("s1", first, refused); p.match != 4 || p.next != 5 {
		t.Errorf("after an old reply the leader counts %d entries and sends from %d on", p.match, p.next)
	}
}

// A leader that hears of no majority stops, and refuses commands in its term from then on.
func TestDeposed(t *testing.T) {
	c := newCluster(nil, nil, nil)
	c.elect("s1", "s2")
	s1 := c.rafts["s1"]
	term := s1.term
	for range 20 {
		c.replicate("s1", "s2")
		if s1.tick(c.now); s1.role != leader {
			t.Fatal("a leader with a majority has stopped")
		}
	}
	if !s1.propose(term, nil) || s1.propose(term-1, nil) {
		t.Error("the leader refuses a command in its term, or takes one in another term")
	}
	c.now = c.now.Add(2 * minElection)
	if s1.tick(c.now); s1.role == leader || s1.leader != "" {
		t.Error("a leader that hears nobody goes on")
	}
	if s1.propose(term, nil) {
		t.Error("it still takes commands")
	}
}

func TestOneNode(t *testing.T) {
	c := newCluster(nil)
	r := c.rafts["s1"]
	r.tick(c.now.Add(2 * minElection))
	if !r.propose(r.term, nil) || r.commit != 2 {
		t.Errorf("a single node has committed %d entries, want 2", r.commit)
	}
}

// A copy of a proposal that arrives when the node is no longer the leader is not refused: the
// command may be committed.
func TestProposalTwice(t *testing.T) {
	start := time.Unix(0, 0)
	r := newRaft("s1", []string{"s1"}, rand.New(rand.NewPCG(1, 1)), start)
	r.tick(start.Add(time.Minute)) // it is elected by itself
	first, other := &command{ID: "first"}, &command{ID: "other"}
	for range 2 {
		if !r.propose(1, first) || len(r.log) != 2 {
			t.Fatalf("the log of the leader: %+v", r.log)
		}
	}
	r.follow(2, "")
	if !r.propose(1, first) {
		t.Error("a copy of an accepted proposal is refused")
	}
	if r.propose(1, other) || len(r.log) != 2 {
		t.Errorf("a follower accepts another one: %+v", r.log)
	}
}
