package plan

import (
	"math"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/eventqueue"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// An Outcome is how one call of the first caller ended.
type Outcome struct {
	Call     int // from 0 on
	OK       bool
	Attempts int
	Took     time.Duration
}

// A Watch is told how a run goes; each of its functions may be nil.
type Watch struct {
	Ended    func(Outcome)              // for every call of the first caller
	Progress func(done int) (stop bool) // now and then, with how many calls have begun
}

// Run runs a policy against a model. Both must be valid. If the watch stops it,
// the result is of the calls until then.
func Run(m *Model, p *retry.Policy, w Watch) *Result {
	e := newRun(m, p, w)
	e.loop()
	e.tally.tooMany = e.tooMany
	for h := range e.dests {
		e.tally.refused += int(e.dests[h].Window.Refused())
	}
	return e.tally.result(m)
}

// A run is a policy on its way through a model.
type run struct {
	model  *Model
	policy *retry.Policy
	watch  Watch

	patience time.Duration // no call takes longer
	mostOpen int           // calls and messages at the same time
	tooMany  bool          // there were more
	now      time.Duration
	seed     key
	lossy    uint64 // a message is lost if its draw is below
	delays   bool
	hops     int
	events   eventqueue.Queue[event]
	pushed   uint64 // events so far
	begins   beginnings
	leaf     leaf
	dests    []schedule.Destination // what callers know of the next hop; a node here has but one destination, so there is no window of its own
	calls    pool[call]
	requests pool[request]
	origins  pool[origin]
	tally    tally
}

func newRun(m *Model, p *retry.Policy, w Watch) *run {
	e := &run{
		model: m, policy: p, watch: w, patience: schedule.MaxDuration(p), mostOpen: MaxOpen, seed: key(m.Seed).of(0), hops: m.hops(), delays: !m.Latency.IsZero(),
		lossy: uint64(min(m.Loss*math.Exp2(64), math.Exp2(64)-2048)), begins: newBeginnings(m), leaf: newLeaf(m), dests: make([]schedule.Destination, m.hops()),
	}
	if m.Loss == 1 {
		e.lossy = math.MaxUint64
	}
	e.tally.loads = newLoads(m)
	return e
}

// loop lets calls begin, and happen what they lead to, until none is left.
func (e *run) loop() {
	begin, more := e.nextCall()
	for steps := uint(1); more || e.events.Len() > 0; steps++ {
		if at, ok := e.events.Next(); more && (!ok || begin <= at) {
			e.now = begin
			e.begin()
			begin, more = e.nextCall()
		} else {
			e.happen(e.events.Pop())
		}
		if steps%(1<<16) != 0 {
			continue
		}
		if e.tooMany = e.calls.open()+e.requests.open() > e.mostOpen; e.tooMany {
			return
		}
		if e.watch.Progress != nil && e.watch.Progress(e.tally.calls) {
			return
		}
	}
}

// nextCall is when the next call begins, if there is one more.
func (e *run) nextCall() (at time.Duration, more bool) {
	if e.model.Calls > 0 && e.tally.calls >= e.model.Calls || e.model.Calls == 0 && e.model.Duration == 0 {
		return 0, false
	}
	at = e.begins.next()
	return at, e.model.Duration == 0 || at < e.model.Duration
}

func (e *run) happen(at time.Duration, ev event) {
	e.now = at
	switch ev.kind {
	case arrival:
		e.arrive(ev.index)
	case reply:
		e.reply(ev.index)
	case timer:
		if c := e.calls.at(ev.index); c.timer == ev.timer {
			e.act(ev.index, c.schedule.Due(e.now))
		}
	}
}

// begin begins a call of the first caller.
func (e *run) begin() {
	number := e.tally.calls
	e.tally.calls++
	e.tally.loads.at(e.now).begun++
	root := e.origins.take()
	*e.origins.at(root) = origin{begun: e.now, number: number, open: 1}
	e.call(call{origin: root, serves: none, key: e.seed.of(uint64(number))}, schedule.Start{})
}

// call begins a call.
func (e *run) call(c call, start schedule.Start) {
	i := e.calls.take()
	into := e.calls.at(i)
	c.timer, c.life = into.timer, into.life
	*into = c
	start.Now, start.CallNumber, start.Incarnation, start.Dest = e.now, uint64(c.key), uint64(e.seed), &e.dests[c.hop]
	e.act(i, into.schedule.Begin(e.policy, start))
}

// act does what a call's schedule says.
func (e *run) act(i int32, next schedule.Decision) {
	c := e.calls.at(i)
	if next.Action == schedule.Send {
		e.send(i, c)
		c = e.calls.at(i)
		next = c.schedule.Written(e.now)
	}
	switch next.Action {
	case schedule.Settle, schedule.GiveUp:
		e.end(i, c, next.Action == schedule.Settle)
	default:
		if next.Until != c.due {
			c.due = next.Until
			c.timer++
			e.push(next.Until, event{index: i, timer: c.timer, kind: timer})
		}
	}
}

// end ends a call, and answers the request that it was made for.
func (e *run) end(i int32, c *call, ok bool) {
	over := *c
	c.life++
	c.timer++
	e.calls.free(i)
	if over.serves != none {
		r := e.requests.at(over.serves)
		r.answer = over.answer(ok)
		e.respond(over.serves, r, e.now)
		return
	}
	e.tally.end(&over, e.origins.at(over.origin), ok, e.now, e.watch.Ended)
	e.release(over.origin)
}

// end counts a call of the first caller that has ended.
func (t *tally) end(c *call, o *origin, ok bool, now time.Duration, ended func(Outcome)) {
	took, sent := now-o.begun, c.schedule.Sent()
	t.attempts += sent
	t.times.add(took)
	o.failed = !ok
	if ok {
		t.succeeded++
		t.loads.at(o.begun).useful++
	}
	if ended != nil {
		ended(Outcome{Call: o.number, OK: ok, Attempts: sent, Took: took})
	}
}

// release lets go of what a call of the first caller is known by, when nothing of
// it is left anywhere.
func (e *run) release(root int32) {
	o := e.origins.at(root)
	if o.open--; o.open > 0 {
		return
	}
	if o.failed && o.executed {
		e.tally.failedButExecuted++
	}
	e.origins.free(root)
}
