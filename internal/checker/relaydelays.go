package checker

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// delays are the delays of one kind of message in a whole test. The check uses
// their median and the slowest quarter: a busy machine delays some messages, but if it
// delayed half of them by more than the limit, or a quarter by more than twice the limit,
// the lag would show it or the nodes were flooded.
type delays struct {
	all   []time.Duration // beyond the configured time
	first sim.Record      // the first message over its limit
	call  *relayCall      // its call; nil if there is none
}

const (
	// minDelays is how many delays the check of the median needs.
	minDelays = 5

	// minQuarter is how many delays the check of the slowest quarter needs.
	minQuarter = 20
)

func (d *delays) add(delay, limit time.Duration, call *relayCall, m *sim.Record) {
	d.all = append(d.all, delay)
	if delay > limit && d.call == nil {
		d.first, d.call = *m, call
	}
}

// tooLong says what is too long, or returns "": the median, or a quarter of the delays.
func (d *delays) tooLong(limit time.Duration) string {
	slices.Sort(d.all)
	n := len(d.all)
	switch {
	case n < minDelays:
	case d.all[n/2] > limit:
		return fmt.Sprintf("the median delay is %v", round(d.all[n/2]))
	case n >= minQuarter && d.all[n*3/4] > 2*limit:
		return fmt.Sprintf("a quarter of the delays is at least %v", round(d.all[n*3/4]))
	}
	return ""
}

const (
	// replyDelayLimit is how long a relay may keep a reply that it has read.
	replyDelayLimit = 500 * time.Millisecond

	// attemptDelayLimit and half a timeout are how late an attempt may be.
	attemptDelayLimit = 100 * time.Millisecond

	// maxLag is the lag above which a delay is not counted.
	maxLag = 100 * time.Millisecond
)

func attemptLimit(call *relayCall) time.Duration { return call.timeout/2 + attemptDelayLimit }

// addAttemptDelay records how late an attempt was after the previous one.
func (r *relayCheck) addAttemptDelay(call *relayCall, m *sim.Record, last time.Duration) {
	if r.config.Flooded || r.lag(last) > maxLag || r.lag(m.Sent) > maxLag || r.pauses.between(call.node, last, m.Sent) {
		return
	}
	r.attemptDelays.add(m.Sent-last-r.most(call, len(call.attempts)), attemptLimit(call), call, m)
}

// addReplyDelay records how long a relay kept a reply before it sent its own: since
// the time when it had read the reply, as its output shows, or otherwise since the
// time when it must have read it.
func (r *relayCheck) addReplyDelay(call *relayCall, m *sim.Record, reply *relayReply) {
	since := r.nodes[call.node].readSince(reply.step)
	if since == 0 {
		since = reply.at + max(relayUnread, call.timeout)
	}
	if r.config.Flooded || r.lag(m.Sent) > maxLag || r.pauses.between(call.node, reply.at, m.Sent) {
		return
	}
	r.replyDelays.add(max(0, m.Sent-since), replyDelayLimit, call, m)
}

// checkDelays checks the delays.
func (r *relayCheck) checkDelays() {
	if d := &r.attemptDelays; d.call != nil {
		if why := d.tooLong(attemptLimit(d.call)); why != "" {
			r.addProblem(d.call, "attempt-too-late", &d.first, "%v: attempt msg_id %d was sent late, at %s: %s, beyond the timeout of the previous attempt",
				d.call, d.first.ID, seconds(d.first.Sent), why)
		}
	}
	if d := &r.replyDelays; d.call != nil {
		if why := d.tooLong(replyDelayLimit); why != "" {
			r.addProblem(d.call, "reply-delayed", &d.first, "%v: the reply at %s was sent long after %s had read the target's reply: %s",
				d.call, seconds(d.first.Sent), d.call.node, why)
		}
	}
}

// A relayRead says that a node had read everything delivered to it up to a step,
// and when it showed this.
type relayRead struct {
	step int
	at   time.Duration
}

// readGrain is how much time one relayRead covers, since a fast node would need
// thousands of them per second.
const readGrain = 10 * time.Millisecond

// hasRead records that a node has read the message that was delivered to it at a
// step, and therefore all messages delivered to it before.
func (r *relayCheck) hasRead(node string, step int) {
	n := r.nodes[node]
	if step <= n.readUpTo {
		return
	}
	n.readUpTo = step
	if last := len(n.reads) - 1; last >= 0 && r.now-n.grain < readGrain {
		n.reads[last] = relayRead{step, r.now}
		return
	}
	n.grain = r.now
	n.reads = append(n.reads, relayRead{step, r.now})
}

// readSince returns when a node had shown that it had read beyond a step, or 0.
func (n *relayNode) readSince(step int) time.Duration {
	i := sort.Search(len(n.reads), func(i int) bool { return n.reads[i].step > step })
	if i == len(n.reads) {
		return 0
	}
	return n.reads[i].at
}
