package plan

import (
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
)

// send sends the latest attempt of a call.
func (e *run) send(i int32, c *call) {
	attempt := c.schedule.Sent()
	k := c.key.derive(uint64(attempt))
	if uint64(k.derive(requestLost)) < e.lossBelow {
		return
	}
	r := request{
		written: e.now, key: k, caller: i, generation: c.generation, attempt: int32(attempt), hop: c.hop, origin: c.origin,
		lost: uint64(k.derive(replyLost)) < e.lossBelow, deadline: schedule.Never,
	}
	if e.delays {
		r.half = e.model.Latency.At(k.derive(roundTrip).float()) / 2
	}
	if e.policy != nil && e.policy.Propagate {
		r.deadline, r.retry = c.schedule.Remaining(e.now), c.schedule.Retry()
	}
	e.origins.at(r.origin).open++
	n := e.requests.take()
	*e.requests.at(n) = r
	if e.atLeaf(&r) && e.leaf.service == 0 { // its outcome is known now, and needs no event
		e.serve(n, e.now+r.half)
		return
	}
	e.push(e.now+r.half, event{index: n, kind: arrival})
}

func (e *run) atLeaf(r *request) bool { return int(r.hop) == e.hops-1 }

// arrive handles a request that arrives at a relay or at the leaf.
func (e *run) arrive(n int32) {
	r := e.requests.at(n)
	if e.atLeaf(r) {
		e.serve(n, e.now)
		return
	}
	start := schedule.Start{OnBehalfOfRetry: r.retry}
	if r.deadline != schedule.Never {
		start.Deadline = e.now + r.deadline
	}
	e.call(call{origin: r.origin, serves: n, hop: r.hop + 1, key: r.key.derive(relayed)}, start)
}

// serve lets the leaf serve a request that arrives at a time.
func (e *run) serve(n int32, at time.Duration) {
	r := e.requests.at(n)
	e.tally.offered++
	e.tally.loads.at(at).offered++
	if e.model.Outage.holds(at) {
		e.tally.duringOutage++
	}
	deadline := r.deadline
	if deadline != schedule.Never {
		deadline += at
	}
	s := e.leaf.arrive(at, deadline)
	switch s.fate {
	case served:
		e.tally.served++
		e.tally.loads.at(s.begin).served++
		e.origins.at(r.origin).executed = true
		r.answer = success
	case refused:
		e.tally.queueFull++
		r.answer = unavailable
	case expired:
		e.tally.expired++
		e.discard(n, r)
		return
	case waiting:
		e.discard(n, r)
		return
	}
	e.respond(n, r, s.end)
}

// respond sends the reply to a request at a time. A reply that is lost, or that comes
// after its call has surely ended, is discarded at once. Otherwise the replies from a
// queue that grows without end would fill the memory.
func (e *run) respond(n int32, r *request, at time.Duration) {
	if r.lost || at-e.now > e.longest {
		e.discard(n, r)
		return
	}
	e.push(at+r.half, event{index: n, kind: reply})
}

// reply handles a reply that arrives at the caller.
func (e *run) reply(n int32) {
	r := *e.requests.at(n)
	e.discard(n, &r)
	c := e.calls.at(r.caller)
	if c.generation != r.generation {
		return // the call is over
	}
	if r.answer == success {
		e.act(r.caller, c.schedule.Reply(e.now, int(r.attempt), r.written))
		return
	}
	f := schedule.Failure{}
	if r.answer == unavailable {
		f = schedule.Failure{Code: 11, Definite: true}
		c.refusals++
	}
	e.act(r.caller, c.schedule.ErrorReply(e.now, int(r.attempt), r.written, f))
}

// discard removes a request.
func (e *run) discard(n int32, r *request) {
	e.requests.free(n)
	e.release(r.origin)
}
