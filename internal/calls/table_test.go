package calls

import (
	"math"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

const ms = time.Millisecond

func letter(dest, fields string) Letter {
	return Letter(string(AppendDest(nil, dest)) + fields)
}

func newCall(dest string, p *retry.Policy) *Call[int] {
	return &Call[int]{Letter: letter(dest, `"type":"t"`), Policy: p}
}

// write lets all that was sent be written out at a time.
func write[O any](t *Table[O], now time.Duration) {
	t.Flushing()
	t.Written(now)
}

// empty fails unless nothing at all is left in the table.
func empty[O any](t interface{ Fatalf(string, ...any) }, table *Table[O]) {
	if table.Open() != 0 || table.Any() != nil {
		t.Fatalf("%d calls are open, one is %v", table.Open(), table.Any())
	}
	if seen := table.byID.seen; seen != nil {
		t.Fatalf("the page seen last is kept: %v", seen)
	}
	if n := len(table.byID.pages); n != 0 || table.byID.last != nil {
		t.Fatalf("%d pages are left, the last is %v", n, table.byID.last)
	}
	if p := table.byID.spare; p != nil && *p != (page[O]{}) {
		t.Fatalf("the spare page is not empty: %v", p)
	}
	for l, q := range table.waiting.lists.queues {
		if q.head != nil || q.tail != nil {
			t.Fatalf("list %d is not empty", l)
		}
	}
	if n := len(table.guides.of) + len(table.guides.heap); n != 0 {
		t.Fatalf("%d guides are left", n)
	}
	if at, ok := table.Next(true); ok {
		t.Fatalf("there is something to ask for at %v", at)
	}
}

func TestCallAnsweredInTime(t *testing.T) {
	var table Table[int]
	c := newCall("n2", nil)
	table.Sent(c, 0)
	if table.Open() != 1 || c.Sent() != 1 || table.Any() != c || c.Attempt(1).Written != -1 {
		t.Errorf("%d open, %d sent, %v, %+v", table.Open(), c.Sent(), table.Any(), c.Attempt(1))
	}
	write(&table, 7*ms)
	if at, ok := table.Next(true); !ok || at > 507*ms {
		t.Errorf("next at %v, %v", at, ok)
	}
	for _, stray := range []struct {
		id  int64
		src string
	}{{0, "n3"}, {0, ""}, {0, "n2 "}, {1, "n2"}, {127, "n2"}, {math.MaxInt64, "n2"}} {
		if got, _, arrival := table.Settle(stray.id, stray.src); got != nil || arrival != Stray {
			t.Errorf("a reply from %q to %d settled %v, %v", stray.src, stray.id, got, arrival)
		}
	}
	if got, _, arrival := table.Settle(0, "n2"); got != c || arrival != InTime {
		t.Errorf("settled %v, %v", got, arrival)
	}
	if a := c.Attempt(1); !a.Answered() || a.Silent() || a.Written != 7*ms || a.ID != 0 {
		t.Errorf("%+v", a)
	}
	if got, _, arrival := table.Settle(0, "n2"); got != nil || arrival != Stray {
		t.Errorf("a second reply settled %v, %v", got, arrival)
	}
	if table.Remove(c) {
		t.Error("a settled call was removed")
	}
	empty(t, &table)
}

func TestCallOfThreeAttempts(t *testing.T) {
	for _, tt := range []struct {
		name    string
		late    retry.Late
		reply   int // to which attempt, after the second has timed out
		arrival Arrival
	}{
		{"first, late", retry.Accept, 1, Late},
		{"second, late", retry.Accept, 2, Late},
		{"third, in time", retry.Accept, 3, InTime},
		{"first, late, ignored", retry.Ignore, 1, TooLate},
		{"second, late, ignored", retry.Ignore, 2, TooLate},
		{"third, in time, late ones ignored", retry.Ignore, 3, InTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var table Table[int]
			c := newCall("n2", &retry.Policy{Timeout: 10 * ms, Late: tt.late})
			now := 5 * ms
			for n := 1; n <= 3; n++ {
				table.Sent(c, int64(100*n)) // ids in pages of their own
				write(&table, now)
				if n == 3 {
					break
				}
				now += 10 * ms
				if got, _, _ := table.Silent(now-1, true); got != nil {
					t.Fatalf("attempt %d timed out early", n)
				}
				if got, step, _ := table.Silent(now, true); got != c || step != schedule.Send {
					t.Fatalf("attempt %d: %v, %v", n, got, step)
				}
				if table.Open() != 1 {
					t.Fatalf("%d open", table.Open())
				}
			}
			for n := 1; n <= 3; n++ {
				a := c.Attempt(n)
				want := Attempt{ID: int64(100 * n), Written: 5*ms + time.Duration(n-1)*10*ms}
				if a.ID != want.ID || a.Written != want.Written || a.Silent() != (n < 3) || a.Answered() {
					t.Errorf("attempt %d: %+v", n, a)
				}
			}
			got, _, arrival := table.Settle(int64(100*tt.reply), "n2")
			if arrival != tt.arrival || (got == c) == (arrival == TooLate) {
				t.Errorf("%v, %v", got, arrival)
			}
			for n := 1; n <= 3; n++ {
				if c.Attempt(n).Answered() != (n == tt.reply && got != nil) {
					t.Errorf("attempt %d: answered %v", n, c.Attempt(n).Answered())
				}
			}
			if arrival == TooLate {
				if got, step, _ := table.Silent(35*ms, true); got != c || step != schedule.GiveUp {
					t.Errorf("then %v, %v", got, step)
				}
			}
			empty(t, &table)
		})
	}
}

// A call can be removed wherever it stands.
func TestRemove(t *testing.T) {
	for name, bring := range map[string]func(table *Table[int]){
		"unsent":   func(table *Table[int]) {},
		"flushing": (*Table[int]).Flushing,
		"waiting":  func(table *Table[int]) { write(table, 0) },
		"due": func(table *Table[int]) {
			other := newCall("other", &retry.Policy{Attempts: 1, Timeout: 1})
			table.Sent(other, 9)
			write(table, 0)
			if c, _, _ := table.Silent(time.Hour, true); c != other {
				panic("the other is not due first")
			}
		},
		"between attempts": func(table *Table[int]) {
			write(table, 0)
			table.Silent(time.Hour, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var table Table[int]
			c := newCall("n2", nil)
			if table.Remove(c) {
				t.Error("removed before it was sent")
			}
			table.Sent(c, 3)
			bring(&table)
			if !table.Remove(c) || table.Remove(c) {
				t.Error("it is not removed just once")
			}
			write(&table, 2*time.Hour)
			if got, _, _ := table.Silent(3*time.Hour, true); got != nil {
				t.Errorf("it timed out: %v", got)
			}
			empty(t, &table)
		})
	}
}

// Its time begins when a message has been written, not when it was sent.
func TestTimeBeginsWhenWritten(t *testing.T) {
	var table Table[int]
	first, second := newCall("n2", nil), newCall("n2", nil)
	table.Sent(first, 1)
	table.Flushing()
	table.Sent(second, 2) // too late for this buffer
	if c, _, _ := table.Silent(time.Hour, true); c != nil {
		t.Fatalf("timed out while it was written: %v", c)
	}
	if _, ok := table.Next(true); ok {
		t.Error("something waits")
	}
	table.Written(time.Hour)
	if c, _, _ := table.Silent(time.Hour+499*ms, true); c != nil {
		t.Fatalf("timed out early: %v", c)
	}
	if c, _, _ := table.Silent(time.Hour+500*ms, true); c != first {
		t.Fatalf("timed out: %v", c)
	}
	if second.Attempt(1).Written != -1 {
		t.Error("what is in the next buffer counts as written")
	}
}

// Without room only those calls are told of that give up; the others come first
// when there is room, in their order, unless they are settled meanwhile.
func TestSilentWithoutRoom(t *testing.T) {
	var table Table[int]
	again := &retry.Policy{Attempts: 2, Timeout: 10 * ms}
	first, settled, last := newCall("n2", again), newCall("n2", again), newCall("n2", again)
	once := newCall("n2", &retry.Policy{Attempts: 1, Timeout: 10 * ms})
	for i, c := range []*Call[int]{first, settled, last, once} {
		table.Sent(c, int64(i))
	}
	write(&table, 0)
	if c, step, _ := table.Silent(10*ms, false); c != once || step != schedule.GiveUp {
		t.Errorf("%v, %v", c, step)
	}
	if c, _, _ := table.Silent(20*ms, false); c != nil {
		t.Errorf("%v", c)
	}
	if _, ok := table.Next(false); ok {
		t.Error("without room there is something to ask for")
	}
	if at, ok := table.Next(true); !ok || at > 20*ms {
		t.Errorf("with room it is to be asked at %v, %v", at, ok)
	}
	if c, _, arrival := table.Settle(1, "n2"); c != settled || arrival != Late {
		t.Errorf("%v, %v", c, arrival)
	}
	for i, want := range []*Call[int]{first, last} {
		c, step, _ := table.Silent(20*ms, true)
		if c != want || step != schedule.Send {
			t.Errorf("%v, %v", c, step)
		}
		table.Sent(c, int64(10+i))
	}
	table.Remove(first)
	table.Remove(last)
	empty(t, &table)
}

// Ids need not come in order.
func TestIdsInAnyOrder(t *testing.T) {
	var table Table[int]
	ids := []int64{5, 500, 6, 0, math.MaxInt64, 501}
	calls := make(map[int64]*Call[int])
	for _, id := range ids {
		calls[id] = newCall("n2", nil)
		table.Sent(calls[id], id)
	}
	for _, id := range ids {
		if c, _, arrival := table.Settle(id, "n2"); c != calls[id] || arrival != InTime {
			t.Errorf("the reply to %d settles %v, %v", id, c, arrival)
		}
	}
	empty(t, &table)
}

// What is kept of a call's earlier attempts goes once the call has ended, however many
// others are retried meanwhile: an attempt that is made in the memory of another's must
// not keep that one's predecessors, and so on back to the first.
func TestEarlierAttemptsAreNotKept(t *testing.T) {
	for _, attempts := range []int{2, 3, 4, 7} {
		var table Table[int]
		policy := &retry.Policy{Attempts: attempts, Timeout: 10 * ms}
		var kept []weak.Pointer[Attempt]
		id, now := int64(0), time.Duration(0)
		for round := range 1000 {
			// One call begins in each round, so that calls of all ages are open.
			table.Sent(newCall("n2", policy), id)
			id++
			for c, step, _ := table.Silent(now, true); c != nil; c, step, _ = table.Silent(now, true) {
				if round < 100 && c.Sent() > 1 {
					kept = append(kept, weak.Make(c.Attempt(c.Sent()-1)))
				}
				if step == schedule.Send {
					table.Sent(c, id)
					id++
				}
			}
			write(&table, now)
			now += 3 * ms
		}
		runtime.GC()
		left := 0
		for _, a := range kept {
			if a.Value() != nil {
				left++
			}
		}
		if len(kept) == 0 || left > 0 {
			t.Errorf("of %d earlier attempts of calls of %d that ended long ago %d are in memory", len(kept), attempts, left)
		}
		runtime.KeepAlive(&table)
	}
}

func TestSettleAllocatesNothingButTheCall(t *testing.T) {
	var table Table[int]
	id := int64(0)
	c := new(Call[int])
	n := testing.AllocsPerRun(1000, func() {
		*c = Call[int]{Letter: "\x02n2"}
		table.Sent(c, id)
		write(&table, time.Duration(id)*ms)
		table.Settle(id, "n2")
		id++
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
