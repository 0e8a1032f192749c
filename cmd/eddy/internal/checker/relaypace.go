package checker

import (
	"slices"
	"sort"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// A tempo is how late relays were with one thing, over a whole test. A machine
// that is busy makes some attempts late; one that makes half of them late by as
// much as is held against a relay is noticed by its lag, or was flooded.
type tempo struct {
	over  []time.Duration // beyond what was promised
	first sim.Record      // the first that was too late
	call  *relayCall
}

// leastTempo is how many there must be.
const leastTempo = 5

func (t *tempo) add(over, limit time.Duration, call *relayCall, m *sim.Record) {
	t.over = append(t.over, over)
	if over > limit && t.call == nil {
		t.first, t.call = *m, call
	}
}

// usual is the median.
func (t *tempo) usual() time.Duration {
	slices.Sort(t.over)
	return t.over[len(t.over)/2]
}

const (
	// relayHeld is how long an answer may be held back.
	relayHeld = 500 * time.Millisecond

	// relayLate, and half a timeout, is how late attempts may be.
	relayLate = 100 * time.Millisecond

	// relayBusy is by how much we must have been late ourselves for a time to
	// mean nothing.
	relayBusy = 100 * time.Millisecond
)

func lateLimit(call *relayCall) time.Duration { return call.timeout/2 + relayLate }

// waited takes note of how long a call waited between two attempts.
func (r *relayCheck) waited(call *relayCall, m *sim.Record, last time.Duration) {
	if r.config.Flooded || r.lag(last) > relayBusy || r.lag(m.Sent) > relayBusy || r.pauses.between(call.node, last, m.Sent) {
		return
	}
	r.waits.add(m.Sent-last-call.timeout-r.config.Backoff, lateLimit(call), call, m)
}

// handed takes note of how long a relay kept a reply before it handed it on:
// from when it has shown that it read on, or else from when it must have.
func (r *relayCheck) handed(call *relayCall, m *sim.Record, reply *relayReply) {
	since := r.nodes[call.node].readSince(reply.step)
	if since == 0 {
		since = reply.at + max(relayUnread, call.timeout)
	}
	if r.config.Flooded || r.lag(m.Sent) > relayBusy || r.pauses.between(call.node, reply.at, m.Sent) {
		return
	}
	r.holds.add(max(0, m.Sent-since), relayHeld, call, m)
}

// tempos judges how late relays were.
func (r *relayCheck) tempos() {
	if t := &r.waits; t.call != nil && len(t.over) >= leastTempo && t.usual() > lateLimit(t.call) {
		r.blame(t.call, "too-late", &t.first, "%v: attempt msg_id %d was sent late, at %s; in the middle attempts come %v after the one before, %v later than promised",
			t.call, t.first.ID, seconds(t.first.Sent), round(t.usual()+t.call.timeout+r.config.Backoff), round(t.usual()))
	}
	if t := &r.holds; t.call != nil && len(t.over) >= leastTempo && t.usual() > relayHeld {
		r.blame(t.call, "held-back", &t.first, "%v: the answer at %s came long after the reply that it hands on, and %s had read on meanwhile; in the middle answers are held back for %v",
			t.call, seconds(t.first.Sent), t.call.node, round(t.usual()))
	}
}

// A relayRead says that a node has shown at a time that it had read what was
// delivered to it up to a step.
type relayRead struct {
	step int
	at   time.Duration
}

// readGrain is how much time one entry spans: a fast node shows it thousands of
// times a second.
const readGrain = 10 * time.Millisecond

// hasRead notes that a node must have read what was delivered at a step, and so
// all that was delivered to it before.
func (r *relayCheck) hasRead(node string, step int) {
	n := r.nodes[node]
	if step <= n.read {
		return
	}
	n.read = step
	if last := len(n.shown) - 1; last >= 0 && r.now-n.grain < readGrain {
		n.shown[last] = relayRead{step, r.now}
		return
	}
	n.grain = r.now
	n.shown = append(n.shown, relayRead{step, r.now})
}

// readSince is when a node had shown that it read further than a step, or 0.
func (n *relayNode) readSince(step int) time.Duration {
	i := sort.Search(len(n.shown), func(i int) bool { return n.shown[i].step > step })
	if i == len(n.shown) {
		return 0
	}
	return n.shown[i].at
}

// blame is a problem of a call: the picture shows all of it.
func (r *relayCheck) blame(call *relayCall, check string, m *sim.Record, format string, args ...any) {
	if r.found.add(check, m.Sent, m.Index, format, args...) {
		r.guilty = append(r.guilty, call)
		r.guilt = append(r.guilt, len(r.found.list)-1)
	}
}

// involve tells of every problem of a call which messages the call is made of.
func (r *relayCheck) involve() {
	for i, call := range r.guilty {
		slices.Sort(call.records)
		call.records = slices.Compact(call.records)
		r.found.list[r.guilt[i]].Involved = call.records
	}
}
