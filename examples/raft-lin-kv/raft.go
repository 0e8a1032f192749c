package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The broadcast time must be much shorter than the election timeout (5.6).
const (
	heartbeat   = 50 * time.Millisecond
	minElection = 300 * time.Millisecond // an election timeout is up to twice as long (5.2)
	maxEntries  = 500                    // in one appendRequest
)

type role int

const (
	follower role = iota
	candidate
	leader
)

// An entry is an entry of the log. The first one has index 1.
type entry struct {
	Term    int      `json:"term"`
	Command *command `json:"command"` // nil for the first entry of a term
}

// A voteRequest is RequestVote of Figure 2, and a voteReply its result.
type voteRequest struct {
	Type      string `json:"type"` // vote
	Term      int    `json:"term"`
	Candidate string `json:"candidate"`
	LastIndex int    `json:"last_index"`
	LastTerm  int    `json:"last_term"`
}

type voteReply struct {
	Term    int  `json:"term"`
	Granted bool `json:"granted"`
}

// An appendRequest is AppendEntries of Figure 2, and an appendReply its result.
type appendRequest struct {
	Type      string  `json:"type"` // append
	Term      int     `json:"term"`
	Leader    string  `json:"leader"`
	PrevIndex int     `json:"prev_index"`
	PrevTerm  int     `json:"prev_term"`
	Entries   []entry `json:"entries"`
	Commit    int     `json:"commit"`
}

type appendReply struct {
	Term    int  `json:"term"`
	Success bool `json:"success"`
	Next    int  `json:"next"` // without success: where the leader should begin (end of 5.3)
}

// An outgoing is a voteRequest or an appendRequest for a node.
type outgoing struct {
	to      string
	request any
}

// A raft is the state of one node in Raft. It is told the time and what happens. It has no
// clock, disk or network: tick returns the requests that are to be sent. What is persistent
// must be stored before anything is sent or applied that depends on it.
type raft struct {
	self   string
	others []string
	random *rand.Rand

	// Persistent (Figure 2).
	term int
	vote string // the candidate that got the vote of this term
	log  []entry

	// What is not stored yet.
	renewed bool // term or vote has changed
	stored  int  // how many of the first entries are stored

	role     role
	leader   string // of this term, "" if it is not known
	commit   int    // the greatest index that is known to be committed
	deadline time.Time
	accepted map[string]bool      // ids of the commands that this node has appended as a leader
	votes    map[string]bool      // of a candidate: who voted for it
	peers    map[string]*progress // of a leader
}

// A progress is what a leader knows of another node.
type progress struct {
	next, match int       // Figure 2
	told        int       // the commit index that was sent last
	waits       bool      // for a reply
	due         time.Time // when to send, also without a reply
	heard       time.Time // when the last reply came
}

// newRaft returns the state of a node that starts with what it has stored.
func newRaft(self string, nodes []string, random *rand.Rand, now time.Time) *raft {
	r := &raft{self: self, random: random, accepted: map[string]bool{}}
	for _, node := range nodes {
		if node != self {
			r.others = append(r.others, node)
		}
	}
	r.postpone(now)
	return r
}

func (r *raft) majority() int { return (len(r.others)+1)/2 + 1 }

// termAt returns the term of the entry at an index, 0 before the first one.
func (r *raft) termAt(index int) int {
	if index == 0 {
		return 0
	}
	return r.log[index-1].Term
}

// postpone sets when the next election begins unless a leader is heard (5.2). The times are
// random, so that votes are rarely split.
func (r *raft) postpone(now time.Time) {
	r.deadline = now.Add(minElection + time.Duration(r.random.Int64N(int64(minElection))))
}

// follow becomes a follower, of a leader that may be unknown. A greater term is a new one
// (5.1): the node has not voted in it.
func (r *raft) follow(term int, of string) {
	if term > r.term {
		r.term, r.vote, r.renewed = term, "", true
	}
	r.role, r.leader = follower, of
}

// tick does what is due, and returns the requests that are to be sent.
func (r *raft) tick(now time.Time) []outgoing {
	if r.role == leader && r.deposed(now) {
		r.follow(r.term, "")
		r.postpone(now)
	}
	switch {
	case r.role == leader:
		return r.replicate(now)
	case now.Before(r.deadline):
		return nil
	}
	return r.campaign(now)
}

// campaign begins an election (5.2).
func (r *raft) campaign(now time.Time) (all []outgoing) {
	r.follow(r.term+1, "")
	r.role, r.vote = candidate, r.self
	r.votes = map[string]bool{r.self: true}
	r.postpone(now)
	last := len(r.log)
	for _, node := range r.others {
		all = append(all, outgoing{node, voteRequest{"vote", r.term, r.self, last, r.termAt(last)}})
	}
	r.count(now)
	return all
}

// onVote replies to a request for a vote. The candidate's log must be at least as up to date
// as this node's (5.4.1).
func (r *raft) onVote(now time.Time, q voteRequest) voteReply {
	if q.Term > r.term {
		r.follow(q.Term, "")
	}
	last := len(r.log)
	upToDate := q.LastTerm > r.termAt(last) || q.LastTerm == r.termAt(last) && q.LastIndex >= last
	if q.Term < r.term || r.vote != "" && r.vote != q.Candidate || !upToDate {
		return voteReply{Term: r.term}
	}
	r.vote, r.renewed = q.Candidate, true
	r.postpone(now)
	return voteReply{Term: r.term, Granted: true}
}

func (r *raft) onVoteReply(now time.Time, from string, q voteRequest, a voteReply) {
	switch {
	case a.Term > r.term:
		r.follow(a.Term, "")
	case r.role == candidate && q.Term == r.term && a.Granted:
		r.votes[from] = true
		r.count(now)
	}
}

// count makes a candidate the leader if it has the votes of a majority. The leader begins with
// an entry without a command, so that it can commit the entries of earlier terms (8).
func (r *raft) count(now time.Time) {
	if len(r.votes) < r.majority() {
		return
	}
	r.role, r.leader = leader, r.self
	r.peers = map[string]*progress{}
	for _, node := range r.others {
		r.peers[node] = &progress{next: len(r.log) + 1, heard: now}
	}
	r.propose(r.term, nil)
}

// propose appends a command to the log of a leader. It returns false if this node is not the
// leader of the term. It never becomes the leader of that term again. A copy of a proposal
// that was accepted is not refused, although the node may have lost the leadership since: the
// command may still be committed. (When the node is killed, its messages in flight are lost.)
func (r *raft) propose(term int, c *command) bool {
	if c != nil && r.accepted[c.ID] {
		return true
	}
	if r.role != leader || r.term != term {
		return false
	}
	if c != nil {
		r.accepted[c.ID] = true
	}
	r.log = append(r.log, entry{r.term, c})
	r.advance()
	return true
}

// replicate returns an appendRequest for each node that lacks something and is not expected to
// reply, and for each node that must hear a heartbeat.
func (r *raft) replicate(now time.Time) (all []outgoing) {
	for _, node := range r.others {
		p := r.peers[node]
		lacks := p.next <= len(r.log) || p.told < r.commit
		if now.Before(p.due) && (p.waits || !lacks) {
			continue
		}
		p.waits, p.told, p.due = true, r.commit, now.Add(heartbeat)
		prev := p.next - 1
		entries := slices.Clone(r.log[prev:min(len(r.log), prev+maxEntries)])
		all = append(all, outgoing{node, appendRequest{"append", r.term, r.self, prev, r.termAt(prev), entries, r.commit}})
	}
	return all
}

// deposed reports whether a leader has not heard of a majority for an election timeout. There
// may be another leader, so it accepts no more commands, which it could not commit (6.2 of
// Ongaro's dissertation).
func (r *raft) deposed(now time.Time) bool {
	heard := 1
	for _, p := range r.peers {
		if now.Sub(p.heard) < 2*minElection {
			heard++
		}
	}
	return heard < r.majority()
}

// onAppend replies to a leader (5.3).
func (r *raft) onAppend(now time.Time, q appendRequest) appendReply {
	if q.Term < r.term {
		return appendReply{Term: r.term}
	}
	r.follow(q.Term, q.Leader)
	r.postpone(now)
	if q.PrevIndex > len(r.log) {
		return appendReply{Term: r.term, Next: len(r.log) + 1}
	}
	if term := r.termAt(q.PrevIndex); term != q.PrevTerm {
		next := q.PrevIndex
		for next > 1 && r.termAt(next-1) == term {
			next--
		}
		return appendReply{Term: r.term, Next: next}
	}
	for i, e := range q.Entries {
		index := q.PrevIndex + 1 + i
		if index <= len(r.log) && r.termAt(index) == e.Term {
			continue // an old request must not shorten the log
		}
		r.truncate(index - 1)
		r.log = append(r.log, q.Entries[i:]...)
		break
	}
	r.commit = max(r.commit, min(q.Commit, q.PrevIndex+len(q.Entries)))
	return appendReply{Term: r.term, Success: true}
}

// truncate removes all entries but the first ones.
func (r *raft) truncate(length int) {
	if length < r.commit {
		panic(fmt.Sprintf("%s would remove committed entries from %d to %d", r.self, length+1, r.commit))
	}
	r.log = r.log[:length]
	r.stored = min(r.stored, length)
}

func (r *raft) onAppendReply(now time.Time, from string, q appendRequest, a appendReply) {
	if a.Term > r.term {
		r.follow(a.Term, "")
	}
	if r.role != leader || q.Term != r.term {
		return
	}
	p := r.peers[from]
	p.waits, p.heard = false, now
	if !a.Success {
		p.next = max(p.match+1, min(p.next, a.Next)) // an old reply says nothing new
		return
	}
	p.match = max(p.match, q.PrevIndex+len(q.Entries))
	p.next = max(p.next, p.match+1)
	r.advance()
}

// advance commits what a majority has stored. A leader counts only entries of its own term:
// one of an earlier term may still be replaced, although a majority has it (5.4.2, Figure 8).
func (r *raft) advance() {
	matches := []int{len(r.log)}
	for _, p := range r.peers {
		matches = append(matches, p.match)
	}
	slices.Sort(matches)
	if index := matches[len(matches)-r.majority()]; index > r.commit && r.termAt(index) == r.term {
		r.commit = index
	}
}
