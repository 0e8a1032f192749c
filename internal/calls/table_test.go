package calls

import (
	"math"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

const ms = time.Millisecond

func newCall[O any](table *Table[O], dest string, p *retry.Policy) *Call[O] {
	return &Call[O]{Peer: table.Peer(dest), Policy: p, Fields: `"type":"t"`}
}

// write notes that all attempts that were sent have been written at this time.
func write[O any](t *Table[O], now time.Duration) {
	t.Flushing()
	t.Written(now)
}

// empty fails unless the table has nothing left.
func empty[O any](t interface{ Fatalf(string, ...any) }, table *Table[O]) {
	if table.Open() != 0 || table.Any() != nil {
		t.Fatalf("%d calls are open, one is %v", table.Open(), table.Any())
	}
	if n := len(table.byID.pages); n != 0 || table.byID.newest != nil || table.byID.latest != nil {
		t.Fatalf("%d pages are left", n)
	}
	if p := table.byID.spare; p != nil && *p != (page[O]{}) {
		t.Fatalf("the spare page is not empty: %v", p)
	}
	for _, q := range []*queue[O]{&table.unsent, &table.flushing, &table.postponed} {
		if q.first != nil || q.last != nil {
			t.Fatalf("a queue is not empty: %v", q.first)
		}
	}
	for timeout, q := range table.timeouts.queues {
		if q.first != nil || q.timer.call != nil || q.timer.at != notSet {
			t.Fatalf("the queue of timeouts of %v is not empty", timeout)
		}
	}
	if n := len(table.timeouts.timers.heap); n != 0 {
		t.Fatalf("%d timers are left", n)
	}
}

func TestCallAnsweredInTime(t *testing.T) {
	var table Table[int]
	c := newCall(&table, "n2", nil)
	table.Sent(c, 0)
	if table.Open() != 1 || c.Sent() != 1 || table.Any() != c {
		t.Errorf("%d open, %d sent, %v", table.Open(), c.Sent(), table.Any())
	}
	write(&table, 7*ms)
	if at, ok := table.Next(true); !ok || at != 507*ms {
		t.Errorf("next at %v, %v", at, ok)
	}
	for _, stray := range []Reply{{ID: 0, Src: "n3"}, {ID: 0, Src: "n2 "}, {ID: 1, Src: "n2"}, {ID: 127, Src: "n2"}, {ID: math.MaxInt64, Src: "n2"}} {
		if got, d := table.Reply(stray); got != nil || d.Action != schedule.Wait {
			t.Errorf("%+v settled %v, %v", stray, got, d)
		}
	}
	if got, d := table.Reply(Reply{Src: "n2", At: 10 * ms}); got != c || d.Action != schedule.Settle {
		t.Errorf("%v, %v", got, d)
	}
	if o := c.Outcomes(10 * ms); len(o) != 1 || o[0] != (Outcome{Written: 7 * ms, Waited: 3 * ms, Answered: true}) {
		t.Errorf("%+v", o)
	}
	if got, d := table.Reply(Reply{Src: "n2"}); got != nil || d.Action != schedule.Wait {
		t.Errorf("a second reply settled %v, %v", got, d)
	}
	if table.Remove(c) {
		t.Error("a settled call was removed")
	}
	if want := (Stats{Calls: 1, Attempts: 1, Strays: 6}); table.Stats != want {
		t.Errorf("%+v", table.Stats)
	}
	empty(t, &table)
}

func TestErrorReplyEndsACall(t *testing.T) {
	var table Table[int]
	c := newCall(&table, "n2", nil)
	table.Sent(c, 1)
	write(&table, 0)
	got, d := table.Reply(Reply{ID: 1, Src: "n2", At: ms, Failure: &schedule.Failure{Code: 11}})
	if got != c || d != (schedule.Decision{Action: schedule.GiveUp, Reason: schedule.ErrorNotRetried}) {
		t.Errorf("%v, %v", got, d)
	}
	empty(t, &table)
}

func TestCallOfThreeAttempts(t *testing.T) {
	for _, test := range []struct {
		name    string
		late    retry.Late
		reply   int // to which attempt, after the second has timed out
		settles bool
		counted int64 // late replies
	}{
		{"first, late", retry.Accept, 1, true, 1},
		{"second, late", retry.Accept, 2, true, 1},
		{"third, in time", retry.Accept, 3, true, 0},
		{"first, late, ignored", retry.Ignore, 1, false, 1},
		{"second, late, ignored", retry.Ignore, 2, false, 1},
		{"third, in time, late ones ignored", retry.Ignore, 3, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var table Table[int]
			c := newCall(&table, "n2", &retry.Policy{Timeout: 10 * ms, Late: test.late})
			now := 5 * ms
			for n := 1; n <= 3; n++ {
				table.Sent(c, int64(100*n)) // ids in pages of their own
				write(&table, now)
				if n == 3 {
					break
				}
				now += 10 * ms
				if got, _ := table.Due(now-1, true); got != nil {
					t.Fatalf("attempt %d timed out early", n)
				}
				if got, d := table.Due(now, true); got != c || d.Action != schedule.Send {
					t.Fatalf("attempt %d: %v, %v", n, got, d)
				}
			}
			got, d := table.Reply(Reply{ID: int64(100 * test.reply), Src: "n2", At: 30 * ms})
			if got != c || (d.Action == schedule.Settle) != test.settles {
				t.Errorf("%v, %v", got, d)
			}
			if !test.settles {
				if got, d := table.Due(35*ms, true); got != c || d.Action != schedule.GiveUp {
					t.Errorf("then %v, %v", got, d)
				}
			}
			if table.Stats.Late != test.counted || c.Peer.Late != test.counted || table.Stats.Retries != 2 {
				t.Errorf("%+v", table.Stats)
			}
			for i, o := range c.Outcomes(30 * ms) {
				if o.ID != int64(100*(i+1)) || o.TimedOut != (i < 2 || !test.settles) || o.Answered != (test.settles && i+1 == test.reply) {
					t.Errorf("attempt %d: %+v", i+1, o)
				}
			}
			empty(t, &table)
		})
	}
}

// A call can be removed in every state.
func TestRemove(t *testing.T) {
	for name, bring := range map[string]func(table *Table[int]){
		"unsent":   func(table *Table[int]) {},
		"flushing": (*Table[int]).Flushing,
		"waiting":  func(table *Table[int]) { write(table, 0) },
		"postponed": func(table *Table[int]) {
			write(table, 0)
			table.Due(time.Hour, false)
		},
		"between attempts": func(table *Table[int]) {
			write(table, 0)
			table.Due(time.Hour, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var table Table[int]
			c := newCall(&table, "n2", nil)
			if table.Remove(c) {
				t.Error("removed before it was sent")
			}
			table.Sent(c, 3)
			bring(&table)
			if !table.Remove(c) || table.Remove(c) {
				t.Error("it is not removed exactly once")
			}
			write(&table, 2*time.Hour)
			if got, _ := table.Due(3*time.Hour, true); got != nil {
				t.Errorf("it timed out: %v", got)
			}
			empty(t, &table)
		})
	}
}

// A timeout begins when its message has been written, not when it was sent.
func TestTimeoutBeginsWhenWritten(t *testing.T) {
	var table Table[int]
	first, second := newCall(&table, "n2", nil), newCall(&table, "n2", nil)
	table.Sent(first, 1)
	table.Flushing()
	table.Sent(second, 2) // too late for this buffer
	if c, _ := table.Due(time.Hour, true); c != nil {
		t.Fatalf("timed out while it was written: %v", c)
	}
	if _, ok := table.Next(true); ok {
		t.Error("something waits")
	}
	table.Written(time.Hour)
	if c, _ := table.Due(time.Hour+499*ms, true); c != nil {
		t.Fatalf("timed out early: %v", c)
	}
	if c, _ := table.Due(time.Hour+500*ms, true); c != first {
		t.Fatalf("timed out: %v", c)
	}
	if second.written != -1 {
		t.Error("the attempt in the next buffer counts as written")
	}
}

// Without room Due returns only calls that give up. The others follow in their order when
// there is room, unless they were settled before.
func TestDueWithoutRoom(t *testing.T) {
	var table Table[int]
	again := &retry.Policy{Attempts: 2, Timeout: 10 * ms}
	first, settled, last := newCall(&table, "n2", again), newCall(&table, "n2", again), newCall(&table, "n2", again)
	once := newCall(&table, "n2", &retry.Policy{Attempts: 1, Timeout: 10 * ms})
	for i, c := range []*Call[int]{first, settled, last, once} {
		table.Sent(c, int64(i))
	}
	write(&table, 0)
	if c, d := table.Due(10*ms, false); c != once || d.Action != schedule.GiveUp {
		t.Errorf("%v, %v", c, d)
	}
	if c, _ := table.Due(20*ms, false); c != nil {
		t.Errorf("%v", c)
	}
	if _, ok := table.Next(false); ok {
		t.Error("without room a call is due")
	}
	if at, ok := table.Next(true); !ok || at > 20*ms {
		t.Errorf("with room the next is due at %v, %v", at, ok)
	}
	if c, d := table.Reply(Reply{ID: 1, Src: "n2"}); c != settled || d.Action != schedule.Settle || table.Stats.Late != 1 {
		t.Errorf("%v, %v", c, d)
	}
	for i, want := range []*Call[int]{first, last} {
		c, d := table.Due(20*ms, true)
		if c != want || d.Action != schedule.Send {
			t.Errorf("%v, %v", c, d)
		}
		table.Sent(c, int64(10+i))
	}
	table.Remove(first)
	table.Remove(last)
	empty(t, &table)
}

// Ids may come in any order.
func TestIdsInAnyOrder(t *testing.T) {
	var table Table[int]
	ids := []int64{5, 500, 6, 0, math.MaxInt64, 501}
	calls := make(map[int64]*Call[int])
	for _, id := range ids {
		calls[id] = newCall(&table, "n2", nil)
		table.Sent(calls[id], id)
	}
	for _, id := range ids {
		if c, d := table.Reply(Reply{ID: id, Src: "n2"}); c != calls[id] || d.Action != schedule.Settle {
			t.Errorf("the reply to %d settles %v, %v", id, c, d)
		}
	}
	empty(t, &table)
}

// A call with the largest timeout never times out, whenever it is written, and other calls
// do.
func TestTimeoutForEver(t *testing.T) {
	for _, now := range []time.Duration{0, 1, time.Hour, 100 * 365 * 24 * time.Hour} {
		var table Table[int]
		c := newCall(&table, "n2", &retry.Policy{Timeout: math.MaxInt64})
		other := newCall(&table, "n2", &retry.Policy{Attempts: 1})
		table.Sent(c, 1)
		table.Sent(other, 2)
		write(&table, now)
		if got, _ := table.Due(now+time.Hour, true); got != other {
			t.Errorf("%v is due first", got)
		}
		if got, _ := table.Due(now+365*24*time.Hour, true); got != nil {
			t.Errorf("written at %v, it timed out", now)
		}
		if at, ok := table.Next(true); ok {
			t.Errorf("written at %v, next at %v", now, at)
		}
		table.Remove(c)
		empty(t, &table)
	}
}

// If the user changes a policy while calls wait, the timeouts of other calls stay correct.
func TestPolicyChangedInUse(t *testing.T) {
	var table Table[int]
	policy := &retry.Policy{Attempts: 1, Timeout: 10 * ms}
	first, second := newCall(&table, "n2", policy), newCall(&table, "n2", policy)
	table.Sent(first, 1)
	table.Sent(second, 2)
	write(&table, 0)
	policy.Timeout = 20 * ms
	table.Remove(first)
	if c, d := table.Due(10*ms, true); c != second || d.Action != schedule.GiveUp {
		t.Errorf("%v, %v", c, d)
	}
	empty(t, &table)
}

// Calls whose timeouts all differ leave nothing behind.
func TestManyTimeouts(t *testing.T) {
	var table Table[int]
	for i := range 10_000 {
		c := newCall(&table, "n2", &retry.Policy{Attempts: 1, Timeout: time.Duration(i+1) * ms})
		table.Sent(c, int64(i))
		write(&table, 0)
		if i%2 == 0 {
			table.Remove(c)
		}
	}
	for i := range 5_000 {
		if c, _ := table.Due(time.Duration(2*i+2)*ms, true); c == nil || c.id != int64(2*i+1) {
			t.Fatalf("call %d is due after %v", c.id, 2*i+2)
		}
	}
	empty(t, &table)
	table.Sent(newCall(&table, "n2", &retry.Policy{Timeout: time.Hour}), 10_000)
	write(&table, 0)
	if n := len(table.timeouts.queues); n > maxEmpty {
		t.Errorf("%d empty queues are kept", n)
	}
}

func TestPeersAreBounded(t *testing.T) {
	var table Table[int]
	name := func(i, length int) string {
		b := make([]byte, length)
		for j := range b {
			b[j] = byte(i >> (8 * (j % 4)))
		}
		return string(b)
	}
	for i := range 2 * maxPeers {
		table.Peer(name(i, 4))
	}
	if n := len(table.Peers()); n != maxPeers {
		t.Errorf("%d peers", n)
	}
	for i := range 100 {
		table.Peer(name(i, maxPeerNames/10))
		bytes := 0
		for other := range table.Peers() {
			bytes += len(other)
		}
		if bytes > maxPeerNames {
			t.Fatalf("the names have %d bytes", bytes)
		}
	}
	if p := table.Peer(name(1, 2*maxPeerNames)); p == nil || table.Peers()[p.Name] != nil {
		t.Error("a name that is too long is kept")
	}
}

func TestReplyAllocatesNothing(t *testing.T) {
	var table Table[int]
	id := int64(0)
	c, peer := new(Call[int]), table.Peer("n2")
	n := testing.AllocsPerRun(1000, func() {
		*c = Call[int]{Peer: peer}
		table.Sent(c, id)
		write(&table, time.Duration(id)*ms)
		table.Reply(Reply{ID: id, Src: "n2"})
		id++
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
