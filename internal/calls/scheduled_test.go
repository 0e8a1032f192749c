package calls

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

func begin(t interface{ Fatalf(string, ...any) }, table *Table[int], c *Call[int], id int64, start schedule.Start) {
	if d := table.Schedule(c, start); d.Action != schedule.Send {
		t.Fatalf("a call begins with %v", d)
	}
	table.Sent(c, id)
}

// A call whose message is still in the buffer ends at its deadline.
func TestDeadlineOfAnUnsentCall(t *testing.T) {
	var table Table[int]
	c := newCall(&table, "n2", &retry.Policy{Deadline: 30 * ms})
	begin(t, &table, c, 1, schedule.Start{Now: 5 * ms})
	if at, ok := table.Next(true); !ok || at != 35*ms {
		t.Errorf("the next is due at %v, %v", at, ok)
	}
	if got, _ := table.Due(35*ms-1, true); got != nil {
		t.Errorf("%v ends early", got)
	}
	if got, d := table.Due(35*ms, true); got != c || d.Action != schedule.GiveUp || d.Reason != schedule.DeadlinePassed {
		t.Errorf("%v, %v", got, d)
	}
	empty(t, &table)
}

// A call whose deadline has passed does not begin.
func TestDeadlineBeforeTheBeginning(t *testing.T) {
	var table Table[int]
	c := newCall(&table, "n2", nil)
	if d := table.Schedule(c, schedule.Start{Now: 5 * ms, Deadline: 4 * ms}); d.Action != schedule.GiveUp {
		t.Errorf("%v", d)
	}
	empty(t, &table)
}

// A call that is to send another attempt waits for room, but not beyond its deadline.
func TestScheduledWithoutRoom(t *testing.T) {
	var table Table[int]
	policy := &retry.Policy{Timeout: 10 * ms, Deadline: 30 * ms}
	early, late := newCall(&table, "n2", policy), newCall(&table, "n2", policy)
	begin(t, &table, early, 1, schedule.Start{})
	begin(t, &table, late, 2, schedule.Start{})
	write(&table, 0)
	if got, _ := table.Due(10*ms, false); got != nil {
		t.Fatalf("%v, without room", got)
	}
	if got, d := table.Due(20*ms, true); got != early || d.Action != schedule.Send {
		t.Fatalf("%v, %v", got, d)
	}
	table.Sent(early, 3)
	write(&table, 20*ms)
	for range 2 { // late has sent no second attempt
		if _, d := table.Due(30*ms, false); d.Action != schedule.GiveUp {
			t.Errorf("%v at the deadline", d)
		}
	}
	empty(t, &table)
}

// A second reply to an attempt does not count. A reply to an attempt that has timed out is late.
func TestSecondReply(t *testing.T) {
	var table Table[int]
	c := newCall(&table, "n2", &retry.Policy{Timeout: 10 * ms, RetryOn: []int{11}})
	begin(t, &table, c, 1, schedule.Start{})
	write(&table, 0)
	busy := Reply{ID: 1, Src: "n2", At: 3 * ms, Failure: &schedule.Failure{Code: 11, Definite: true}, Err: errors.New("busy")}
	if _, d := table.Reply(busy); d.Action != schedule.Send || c.LastError() != busy.Err {
		t.Fatalf("%v, %v", d, c.LastError())
	}
	table.Sent(c, 2)
	if _, d := table.Reply(busy); d.Action != schedule.Wait || table.Stats.Strays != 1 {
		t.Errorf("the second reply: %v", d)
	}
	write(&table, 5*ms)
	if got, d := table.Due(15*ms, true); got != c || d.Action != schedule.Send || c.LastError() != nil {
		t.Fatalf("%v, %v, %v", got, d, c.LastError())
	}
	table.Sent(c, 3)
	if _, d := table.Reply(Reply{ID: 2, Src: "n2", At: 16 * ms}); d.Action != schedule.Settle || table.Stats.Late != 1 {
		t.Errorf("%v, %+v", d, table.Stats)
	}
	want := []Outcome{
		{ID: 1, Waited: 3 * ms, Answered: true, Err: busy.Err},
		{ID: 2, Written: 5 * ms, Waited: 11 * ms, TimedOut: true, Answered: true},
		{ID: 3, Written: -1},
	}
	for i, o := range c.Outcomes(16 * ms) {
		if o != want[i] {
			t.Errorf("attempt %d: %+v, want %+v", i+1, o, want[i])
		}
	}
	empty(t, &table)
}

// The time of a reply is when it was read, which may be before the latest timeout.
func TestReplyReadBeforeATimeout(t *testing.T) {
	var table Table[int]
	c := newCall(&table, "n2", &retry.Policy{Timeout: 10 * ms, Deadline: time.Second})
	begin(t, &table, c, 1, schedule.Start{})
	write(&table, 0)
	if _, d := table.Due(12*ms, true); d.Action != schedule.Send {
		t.Fatalf("%v", d)
	}
	table.Sent(c, 2)
	if _, d := table.Reply(Reply{ID: 1, Src: "n2", At: 9 * ms}); d.Action != schedule.Settle {
		t.Errorf("%v", d)
	}
	if o := c.Outcomes(12 * ms)[0]; o.Waited != 12*ms {
		t.Errorf("%+v", o)
	}
}

// Every call with a deadline ends, at the deadline at the latest, and leaves nothing in the
// table.
func TestScheduledAtRandom(t *testing.T) {
	policies := []*retry.Policy{
		{Deadline: 40 * ms, Timeout: 15 * ms},
		{Deadline: 40 * ms, Timeout: 15 * ms, Late: retry.Ignore},
		{Deadline: 40 * ms, Timeout: 5 * ms, Backoff: retry.Backoff{Kind: retry.Constant, Base: 7 * ms}, RetryOn: []int{11}},
		{Deadline: 40 * ms, Timeout: 20 * ms, Hedge: 3 * ms, Propagate: true, Attempts: 9},
		{Deadline: 40 * ms, Timeout: 5 * ms, Adaptive: &retry.Adaptive{}, Budget: retry.Budget{Ratio: 0.5, PerSecond: 1}},
	}
	rapid.Check(t, func(t *rapid.T) {
		r := &random{open: map[*Call[int]]time.Duration{}}
		t.Repeat(map[string]func(*rapid.T){
			"call": func(t *rapid.T) {
				c := newCall(&r.table, "n2", rapid.SampledFrom(policies).Draw(t, "policy"))
				r.open[c] = r.now
				r.id++
				begin(t, &r.table, c, r.id, schedule.Start{Now: r.now, Dest: &c.Peer.Shared})
			},
			"pass": func(t *rapid.T) {
				r.now += time.Duration(rapid.IntRange(0, 9).Draw(t, "ms")) * ms
				r.look(t, rapid.Bool().Draw(t, "room"))
			},
			"flushing": func(*rapid.T) { r.table.Flushing() },
			"written":  func(*rapid.T) { r.table.Written(r.now) },
			"reply":    func(t *rapid.T) { r.reply(t, nil) },
			"error":    func(t *rapid.T) { r.reply(t, &schedule.Failure{Code: 11, Definite: true, RetryAfter: 3 * ms}) },
			"crash":    func(t *rapid.T) { r.reply(t, &schedule.Failure{Code: 13}) },
		})
		for range 5 {
			r.now += 41 * ms
			r.look(t, true)
		}
		empty(t, &r.table)
	})
}

type random struct {
	table Table[int]
	now   time.Duration
	id    int64
	open  map[*Call[int]]time.Duration // when each began
}

func (r *random) send(c *Call[int]) {
	r.id++
	r.table.Sent(c, r.id)
}

func (r *random) look(t *rapid.T, room bool) {
	for {
		c, d := r.table.Due(r.now, room)
		if c == nil {
			break
		}
		if d.Action != schedule.Send {
			delete(r.open, c)
			continue
		}
		if r.now >= r.open[c]+40*ms {
			t.Fatalf("an attempt begins %v after its call", r.now-r.open[c])
		}
		r.send(c)
	}
	for c, begun := range r.open {
		if r.now >= begun+41*ms {
			t.Fatalf("%v is open %v after it began", c, r.now-begun)
		}
	}
}

func (r *random) reply(t *rapid.T, failure *schedule.Failure) {
	if r.id == 0 {
		return
	}
	reply := Reply{ID: rapid.Int64Range(1, r.id).Draw(t, "id"), Src: "n2", At: r.now, Failure: failure}
	if failure != nil {
		reply.Err = errors.New("failed")
	}
	c, d := r.table.Reply(reply)
	switch {
	case d.Action == schedule.Settle, d.Action == schedule.GiveUp:
		delete(r.open, c)
	case d.Action == schedule.Send && rapid.Bool().Draw(t, "room"):
		r.send(c)
	case d.Action == schedule.Send:
		r.table.Postpone(c)
	}
}

// However a call ends, it no longer counts as one that retries, and the breaker no longer
// waits for its probe.
func TestEndGivesBackWhatIsShared(t *testing.T) {
	for name, end := range map[string]func(*Table[int], *Call[int]){
		"reply":   func(table *Table[int], c *Call[int]) { table.Reply(Reply{ID: 3, Src: "n2", At: 1600 * ms}) },
		"timeout": func(table *Table[int], c *Call[int]) { table.Due(time.Hour, true) },
		"removed": func(table *Table[int], c *Call[int]) { table.Remove(c) },
	} {
		t.Run(name, func(t *testing.T) {
			var table Table[int]
			var node schedule.Window
			begins := func(policy *retry.Policy, id int64, now time.Duration) (*Call[int], schedule.Decision) {
				c := newCall(&table, "n2", policy)
				d := table.Schedule(c, schedule.Start{Now: now, Dest: &c.Peer.Shared, Node: &node})
				if d.Action == schedule.Send {
					table.Sent(c, id)
					table.Flushing()
					table.Written(now)
				}
				return c, d
			}
			policy := &retry.Policy{Attempts: 2, Budget: retry.Budget{InFlight: 1}, Breaker: retry.Breaker{Failures: 1, Open: time.Second}}
			begins(&retry.Policy{Attempts: 1, Breaker: policy.Breaker}, 1, 0)
			table.Due(500*ms, true) // the breaker opens
			c, d := begins(policy, 3, 1500*ms)
			if d.Action != schedule.Send {
				t.Fatalf("there is no probe: %v", d)
			}
			if _, d := begins(policy, 4, 1550*ms); d.Reason != schedule.BreakerOpen {
				t.Fatalf("beside the probe: %v", d)
			}
			end(&table, c)
			if table.Open() != 0 {
				t.Fatal("the call is open")
			}
			if _, d := begins(policy, 5, 2*time.Hour); d.Action != schedule.Send {
				t.Errorf("the breaker still waits for its probe: %v", d)
			}
		})
	}
}
