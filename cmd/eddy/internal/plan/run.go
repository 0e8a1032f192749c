package plan

import (
	"cmp"
	"math"
	"time"

	"github.com/eddyrpc/eddy/internal/eventqueue"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// An Outcome is how one call of the first caller ended.
type Outcome struct {
	Call     int // from 0
	OK       bool
	Attempts int
	Took     time.Duration
}

// A Watch observes and limits a run. Each of its fields may be zero.
type Watch struct {
	MostOpen int                        // calls and messages at the same time; 0 means MaxOpen
	Ended    func(Outcome)              // is called for every call of the first caller
	Progress func(done int) (stop bool) // is called from time to time with the number of calls that have begun
}

// Run runs a policy against a model. Both must be valid. If the watch stops the run,
// the result covers the calls until then.
func Run(m *Model, p *retry.Policy, w Watch) *Result {
	e := newRun(m, p, w)
	e.loop()
	e.tally.tooMany = e.tooMany
	for h := range e.dests {
		e.tally.refused += int(e.dests[h].Window.Refused())
		if b := e.dests[h].Breaker; b != nil {
			e.tally.breakerRefused += int(b.Refused())
		}
	}
	e.tally.retryPeak = retryPeak(m, p)
	return e.tally.result(m)
}

// A run is the state of a policy that runs against a model.
type run struct {
	model  *Model
	policy *retry.Policy
	watch  Watch

	longest   time.Duration // no call takes longer
	mostOpen  int           // the limit of open calls and messages
	tooMany   bool          // the limit was exceeded
	now       time.Duration
	seed      key
	lossBelow uint64 // a message is lost if its random number is less
	delays    bool
	hops      int
	events    eventqueue.Queue[event]
	pushed    uint64 // events so far
	begins    callTimes
	leaf      leaf
	dests     []schedule.Destination // what the callers of each hop share; each calls one destination, whose budget window is enough
	calls     pool[call]
	requests  pool[request]
	origins   pool[origin]
	tally     tally
}

func newRun(m *Model, p *retry.Policy, w Watch) *run {
	e := &run{
		model: m, policy: p, watch: w, longest: schedule.MaxDuration(p), mostOpen: cmp.Or(w.MostOpen, MaxOpen), seed: key(m.Seed).derive(0), hops: m.hops(), delays: !m.Latency.IsZero(),
		lossBelow: uint64(min(m.Loss*math.Exp2(64), math.Exp2(64)-2048)), begins: newCallTimes(m), leaf: newLeaf(m), dests: make([]schedule.Destination, m.hops()),
	}
	if m.Loss == 1 {
		e.lossBelow = math.MaxUint64
	}
	e.tally.loads = newLoads(m)
	return e
}

// loop begins calls and handles the events that follow, until there are no more.
func (e *run) loop() {
	begin, more := e.nextCall()
	for steps := uint(1); more || e.events.Len() > 0; steps++ {
		if at, ok := e.events.Next(); more && (!ok || begin <= at) {
			e.now = begin
			e.begin()
			begin, more = e.nextCall()
		} else {
			e.handle(e.events.Pop())
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

// nextCall returns when the next call of the first caller begins, if there is one.
func (e *run) nextCall() (at time.Duration, more bool) {
	if e.model.Calls > 0 && e.tally.calls >= e.model.Calls || e.model.Calls == 0 && e.model.Duration == 0 {
		return 0, false
	}
	at = e.begins.next()
	return at, e.model.Duration == 0 || at < e.model.Duration
}

func (e *run) handle(at time.Duration, ev event) {
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
	i := e.origins.take()
	*e.origins.at(i) = origin{begun: e.now, number: number, open: 1}
	e.call(call{origin: i, serves: none, key: e.seed.derive(uint64(number))}, schedule.Start{})
}

// call begins a call.
func (e *run) call(c call, start schedule.Start) {
	i := e.calls.take()
	place := e.calls.at(i)
	c.timer, c.generation = place.timer, place.generation
	*place = c
	start.Now, start.CallNumber, start.Incarnation, start.Dest = e.now, uint64(c.key), uint64(e.seed), &e.dests[c.hop]
	e.act(i, place.schedule.Begin(e.policy, start))
}

// act does what the schedule of a call has decided.
func (e *run) act(i int32, decision schedule.Decision) {
	c := e.calls.at(i)
	if decision.Action == schedule.Send {
		e.send(i, c)
		c = e.calls.at(i)
		decision = c.schedule.Written(e.now)
	}
	switch decision.Action {
	case schedule.Settle, schedule.GiveUp:
		c.unsent = decision.Reason == schedule.BreakerOpen && c.schedule.Sent() == 0
		e.end(i, c, decision.Action == schedule.Settle)
	default:
		if decision.Until != c.due {
			c.due = decision.Until
			c.timer++
			e.push(decision.Until, event{index: i, timer: c.timer, kind: timer})
		}
	}
}

// end ends a call. If it was made for a request, the relay answers that.
func (e *run) end(i int32, c *call, ok bool) {
	c.schedule.End()
	ended := *c
	c.generation++
	c.timer++
	e.calls.free(i)
	if ended.serves != none {
		r := e.requests.at(ended.serves)
		r.answer = ended.answer(ok)
		e.respond(ended.serves, r, e.now)
		return
	}
	e.tally.end(&ended, e.origins.at(ended.origin), ok, e.now, e.watch.Ended)
	e.release(ended.origin)
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

// release removes an origin when nothing of it is open.
func (e *run) release(i int32) {
	o := e.origins.at(i)
	if o.open--; o.open > 0 {
		return
	}
	if o.failed && o.executed {
		e.tally.failedButExecuted++
	}
	e.origins.free(i)
}
