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
	if next := table.Begin(c, start, false); next.Action != schedule.Send {
		t.Fatalf("a call begins with %v", next)
	}
	table.Sent(c, id)
}

// A call whose message still waits in the buffer ends at its deadline.
func TestGuideEndsUnsentCall(t *testing.T) {
	var table Table[int]
	c := newCall("n2", &retry.Policy{Deadline: 30 * ms})
	begin(t, &table, c, 1, schedule.Start{Now: 5 * ms})
	if at, ok := table.Next(true); !ok || at != 35*ms {
		t.Errorf("to be asked at %v, %v", at, ok)
	}
	if got, _, _ := table.Silent(35*ms-1, true); got != nil {
		t.Errorf("%v ends early", got)
	}
	got, step, g := table.Silent(35*ms, true)
	if got != c || step != schedule.GiveUp || g.Reason != schedule.DeadlinePassed {
		t.Errorf("%v, %v, %+v", got, step, g)
	}
	empty(t, &table)
}

// A call ends on the first tick of its deadline; one whose owner keeps the deadline too,
// and tells better why it ends, has a millisecond longer to do so.
func TestGuideLeavesADeadlineToItsOwner(t *testing.T) {
	for _, deadline := range []time.Duration{30*ms - tickTime + 1, 30*ms - 1, 30 * ms} {
		for kept, want := range map[bool]time.Duration{false: 30 * ms, true: 31 * ms} {
			var table Table[int]
			c := newCall("n2", &retry.Policy{Timeout: time.Second})
			table.Begin(c, schedule.Start{Deadline: deadline}, kept)
			table.Sent(c, 1)
			write(&table, 0)
			if at, ok := table.Next(true); !ok || at != want {
				t.Errorf("deadline %v, kept %v: to be asked at %v, %v", deadline, kept, at, ok)
			}
			if got, _, _ := table.Silent(want-1, true); got != nil {
				t.Errorf("deadline %v, kept %v: it ends early", deadline, kept)
			}
			if got, step, _ := table.Silent(want, true); got != c || step != schedule.GiveUp {
				t.Errorf("deadline %v, kept %v: %v, %v", deadline, kept, got, step)
			}
			empty(t, &table)
		}
	}
}

// Without room a call that is to be sent again waits for it, but not beyond its
// deadline.
func TestGuideWithoutRoom(t *testing.T) {
	var table Table[int]
	policy := &retry.Policy{Timeout: 10 * ms, Deadline: 30 * ms}
	early, late := newCall("n2", policy), newCall("n2", policy)
	begin(t, &table, early, 1, schedule.Start{})
	begin(t, &table, late, 2, schedule.Start{})
	write(&table, 0)
	if got, _, _ := table.Silent(10*ms, false); got != nil {
		t.Fatalf("%v, without room", got)
	}
	if got, step, _ := table.Silent(20*ms, true); got != early || step != schedule.Send {
		t.Fatalf("%v, %v", got, step)
	}
	table.Sent(early, 3)
	write(&table, 20*ms)
	for range 2 { // late has not been sent again
		if _, step, _ := table.Silent(30*ms, false); step != schedule.GiveUp {
			t.Errorf("%v at the deadline", step)
		}
	}
	empty(t, &table)
}

// A reply that comes twice is told once, and one to an attempt that has timed out is
// late.
func TestGuideIsToldOnce(t *testing.T) {
	var table Table[int]
	c := newCall("n2", &retry.Policy{Timeout: 10 * ms, RetryOn: []int{11}})
	begin(t, &table, c, 1, schedule.Start{})
	write(&table, 0)
	busy, failed := errors.New("busy"), &schedule.Failure{Code: 11, Definite: true}
	if next, arrival := table.Answer(c, 1, 3*ms, failed, busy); next.Action != schedule.Send || arrival != InTime {
		t.Fatalf("%v, %v", next, arrival)
	}
	table.Sent(c, 2)
	if next, arrival := table.Answer(c, 1, 4*ms, failed, busy); next.Action != schedule.Wait || arrival != Stray {
		t.Errorf("the same again: %v, %v", next, arrival)
	}
	write(&table, 5*ms)
	if got, step, _ := table.Silent(15*ms, true); got != c || step != schedule.Send {
		t.Fatalf("%v, %v", got, step)
	}
	table.Sent(c, 3)
	g := table.Guide(c)
	if next, arrival := table.Answer(c, 2, 16*ms, nil, nil); next.Action != schedule.Settle || arrival != Late {
		t.Errorf("%v, %v", next, arrival)
	}
	if g.Met[0] != (Met{3 * ms, busy}) || g.Met[1].Waited != 11*ms {
		t.Errorf("met %+v", g.Met)
	}
	empty(t, &table)
}

// Whatever happens, every guided call ends, none before its first timeout without a
// reply or after its deadline, and none is left in the table.
func TestGuidesAtRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table Table[int]
		now, id := time.Duration(0), int64(0)
		open := map[*Call[int]]time.Duration{} // when each began
		policies := []*retry.Policy{
			{Deadline: 40 * ms, Timeout: 15 * ms},
			{Deadline: 40 * ms, Timeout: 15 * ms, Late: retry.Ignore},
			{Deadline: 40 * ms, Timeout: 5 * ms, Backoff: retry.Backoff{Kind: retry.Constant, Base: 7 * ms}, RetryOn: []int{11}},
			{Deadline: 40 * ms, Timeout: 20 * ms, Hedge: 3 * ms, Propagate: true, Attempts: 9},
			{Deadline: 40 * ms, Timeout: 5 * ms, Adaptive: &retry.Adaptive{}, Budget: retry.Budget{Ratio: 0.5}},
		}
		var dest schedule.Destination
		send := func(c *Call[int]) {
			id++
			table.Sent(c, id)
		}
		look := func(room bool) {
			for {
				c, step, _ := table.Silent(now, room)
				if c == nil {
					break
				}
				if step == schedule.Send {
					if now >= open[c]+40*ms {
						t.Fatalf("an attempt begins %v after its call", now-open[c])
					}
					send(c)
					continue
				}
				delete(open, c)
			}
			for c, begun := range open {
				if now >= begun+41*ms {
					t.Fatalf("%v is open %v after it began", c, now-begun)
				}
			}
		}
		answer := func(failed *schedule.Failure) {
			if id == 0 {
				return
			}
			asked := rapid.Int64Range(1, id).Draw(t, "id")
			c, _, arrival := table.Settle(asked, "n2")
			if arrival != Guided {
				return
			}
			switch next, _ := table.Answer(c, asked, now, failed, errors.New("failed")); next.Action {
			case schedule.Send:
				if rapid.Bool().Draw(t, "room") {
					send(c)
				} else {
					table.Postpone(c)
				}
			case schedule.Settle, schedule.GiveUp:
				delete(open, c)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"call": func(t *rapid.T) {
				c := newCall("n2", rapid.SampledFrom(policies).Draw(t, "policy"))
				open[c] = now
				id++
				begin(t, &table, c, id, schedule.Start{Now: now, Dest: &dest})
			},
			"pass": func(t *rapid.T) {
				now += time.Duration(rapid.IntRange(0, 9).Draw(t, "ms")) * ms
				look(rapid.Bool().Draw(t, "room"))
			},
			"flushing": func(*rapid.T) { table.Flushing() },
			"written":  func(*rapid.T) { table.Written(now) },
			"reply":    func(*rapid.T) { answer(nil) },
			"error":    func(*rapid.T) { answer(&schedule.Failure{Code: 11, Definite: true, RetryAfter: 3 * ms}) },
			"crash":    func(*rapid.T) { answer(&schedule.Failure{Code: 13}) },
		})
		for range 5 {
			now += 41 * ms
			look(true)
		}
		empty(t, &table)
	})
}
