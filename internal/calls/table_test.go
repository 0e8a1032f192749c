package calls

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"pgregory.net/rapid"

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
				if got, step, _ := table.Silent(now, true); got != c || step != retry.SendAgain {
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
				if got, step, _ := table.Silent(35*ms, true); got != c || step != retry.GiveUp {
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
	if c, step, _ := table.Silent(10*ms, false); c != once || step != retry.GiveUp {
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
		if c != want || step != retry.SendAgain {
			t.Errorf("%v, %v", c, step)
		}
		table.Sent(c, int64(10+i))
	}
	table.Remove(first)
	table.Remove(last)
	empty(t, &table)
}

// A timeout that means for ever lasts for ever, whenever it begins.
func TestTimeoutForEver(t *testing.T) {
	for _, now := range []time.Duration{0, 1, time.Hour, 100 * 365 * 24 * time.Hour} {
		var table Table[int]
		c := newCall("n2", &retry.Policy{Timeout: math.MaxInt64})
		table.Sent(c, 1)
		write(&table, now)
		if got, _, _ := table.Silent(now+365*24*time.Hour, true); got != nil {
			t.Errorf("written at %v, it timed out", now)
		}
		if at, ok := table.Next(true); !ok || at < now {
			t.Errorf("written at %v, next at %v, %v", now, at, ok)
		}
		table.Remove(c)
		empty(t, &table)
	}
}

// 100 days ahead or one millisecond, on a table of any age: each time Next says is
// asked for, the timeout comes within its tick, after a few questions, and two more
// each time that the coarse wheel has turned.
func TestDeadlinesFarApart(t *testing.T) {
	for _, age := range []time.Duration{0, tickTime - 1, 63 * tickTime, (block - 1) * tickTime, 100 * 24 * time.Hour, 1<<48*time.Microsecond - 1} {
		var table Table[int]
		timeouts := []time.Duration{1, tickTime, 2 * tickTime, 63 * tickTime, 64 * tickTime, 65 * tickTime, block * tickTime, time.Minute, 10 * time.Hour, 100 * 24 * time.Hour}
		for i, timeout := range timeouts {
			table.Sent(newCall("n2", &retry.Policy{Attempts: 1, Timeout: timeout}), int64(i))
		}
		write(&table, age)
		asked := 0
		for i, timeout := range timeouts {
			var c *Call[int]
			now := age
			for c == nil {
				at, ok := table.Next(true)
				if !ok {
					t.Fatalf("age %v: nothing waits, but %v has not passed", age, timeout)
				}
				now = max(now, at)
				c, _, _ = table.Silent(now, true)
				asked++
			}
			if late := now - age - timeout; c.Attempt(1).ID != int64(i) || late < 0 || late >= tickTime {
				t.Errorf("age %v: attempt %d timed out %v late", age, c.Attempt(1).ID, late)
			}
		}
		if asked > 8*len(timeouts)+2*int(timeouts[len(timeouts)-1]/(farSlots-1)/block/tickTime) {
			t.Errorf("asked %d times", asked)
		}
		empty(t, &table)
	}
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
				if step == retry.SendAgain {
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

// While many calls move nearer, what is due already is still to be asked for now.
func TestNextWhileCallsMoveNearer(t *testing.T) {
	var table Table[int]
	far := &retry.Policy{Attempts: 1, Timeout: nearSlots * tickTime}
	for id := range int64(4 * portion) {
		table.Sent(newCall("n2", far), id)
	}
	write(&table, 0)
	now := time.Duration(begins(nearBlocks)) * tickTime // they begin to move
	due := newCall("n2", &retry.Policy{Attempts: 1, Timeout: 1})
	table.Sent(due, 4*portion)
	write(&table, now-tickTime)
	table.waiting.advance(now) // as for a call that is written then
	if at, ok := table.Next(true); !ok || at > now {
		t.Errorf("next at %v, %v, but a call is due at %v", at, ok, now)
	}
	if c, _, _ := table.Silent(now, true); c != due {
		t.Errorf("%v is due", c)
	}
	// A portion in each tick, so that nobody has to wait while all are moved.
	for ; table.waiting.lists.any(farSlot(nearBlocks)); now += tickTime {
		if at, ok := table.Next(true); !ok || at != now+tickTime {
			t.Errorf("next at %v, %v, though nothing is due at %v but some are to be moved", at, ok, now)
		}
		table.Silent(now+tickTime, true)
	}
	if want := time.Duration(begins(nearBlocks)+3) * tickTime; now != want {
		t.Errorf("the last is moved at %v, want %v", now, want)
	}
}

// Calls that nobody has asked for while they moved nearer are near when they must be,
// also if that is asked on the very tick.
func TestBlockThatHasNotMovedInTime(t *testing.T) {
	for _, late := range []tick{-1, 0, 1, block, 2*block - 1} {
		var table Table[int]
		far := &retry.Policy{Attempts: 1, Timeout: nearSlots * tickTime}
		for id := range int64(5 * portion) {
			table.Sent(newCall("n2", far), id)
		}
		write(&table, 0)
		for _, now := range []tick{begins(nearBlocks), begins(nearBlocks+1) + late, nearSlots - 1} {
			if c, _, _ := table.Silent(time.Duration(now)*tickTime, true); c != nil {
				t.Errorf("asked at tick %d, a call is silent", now)
			}
		}
		for id := range int64(5 * portion) {
			if c, _, _ := table.Silent(nearSlots*tickTime, true); c == nil || c.Attempt(1).ID != id {
				t.Fatalf("asked at tick %d of the next block, %v is silent, want call %d", late, c, id)
			}
		}
		empty(t, &table)
	}
}

// Thousands of calls, more than are moved nearer at a time, with timeouts from a tick to
// for ever, on a table that is asked at once or days later, and not always to the end.
func TestManyCallsAgainstModel(t *testing.T) {
	for seed := range uint64(12) {
		m := &crowd{random: rand.New(rand.NewPCG(seed, 0)), due: make(map[*Call[int]]time.Duration)}
		m.now = []time.Duration{0, 1, 100 * 24 * time.Hour}[seed%3]
		for step := range 40 {
			switch m.random.IntN(4) {
			case 0:
				m.open()
			case 1:
				m.remove()
			default:
				m.pass()
			}
			if err := m.ask(); err != nil {
				t.Fatalf("seed %d, step %d, at %v: %v", seed, step, m.now, err)
			}
		}
		for c := range m.due {
			m.table.Remove(c)
		}
		empty(t, &m.table)
	}
}

// A crowd is many calls of one attempt each.
type crowd struct {
	random *rand.Rand
	table  Table[int]
	now    time.Duration
	id     int64
	due    map[*Call[int]]time.Duration // when the timeout is to be told, of all that are open
}

// span is some time, from a tick to days: as likely short as long.
func (m *crowd) span() time.Duration {
	return time.Duration(m.random.Int64N(int64(tickTime) << m.random.IntN(32)))
}

func (m *crowd) open() {
	for range 1 + m.random.IntN(2) {
		base := m.span()
		together := m.random.IntN(2) > 0
		for range 1 + m.random.IntN(3*portion) {
			timeout := base
			if !together {
				timeout += time.Duration(m.random.Int64N(int64(2 * block * tickTime)))
			}
			if m.random.IntN(1000) == 0 {
				timeout = math.MaxInt64
			}
			c := newCall("n2", &retry.Policy{Attempts: 1, Timeout: max(timeout, 1)})
			m.table.Sent(c, m.id)
			m.id++
			m.due[c] = math.MaxInt64
			if timeout < math.MaxInt64 {
				m.due[c] = (m.now + max(timeout, 1) + tickTime - 1) / tickTime * tickTime
			}
		}
	}
	write(&m.table, m.now)
}

func (m *crowd) remove() {
	share := m.random.IntN(4)
	for c := range m.due {
		if m.random.IntN(4) < share {
			m.table.Remove(c)
			delete(m.due, c)
		}
	}
}

// pass lets time pass: some of it, or until the table wants to be asked.
func (m *crowd) pass() {
	at, ok := m.table.Next(true)
	if ok && m.random.IntN(2) > 0 && at < 1000*24*time.Hour {
		m.now = max(m.now, at)
		return
	}
	m.now += m.span()
}

// first is when the first call is due.
func (m *crowd) first() time.Duration {
	first := time.Duration(math.MaxInt64)
	for _, at := range m.due {
		first = min(first, at)
	}
	return first
}

// ask takes out those that are due, or some.
func (m *crowd) ask() error {
	some, last := math.MaxInt, time.Duration(0)
	if m.random.IntN(3) == 0 {
		some = m.random.IntN(100)
	}
	for ; some > 0; some-- {
		c, _, _ := m.table.Silent(m.now, true)
		if c == nil {
			break
		}
		at, open := m.due[c]
		switch {
		case !open:
			return fmt.Errorf("call %d is over and has timed out", c.Attempt(1).ID)
		case at > m.now:
			return fmt.Errorf("call %d has timed out that is due at %v", c.Attempt(1).ID, at)
		case at < last:
			return fmt.Errorf("a call that is due at %v comes before one at %v", last, at)
		}
		last = at
		delete(m.due, c)
	}
	first := m.first()
	if some > 0 && first <= m.now {
		return fmt.Errorf("a call that is due at %v has not timed out", first)
	}
	at, ok := m.table.Next(true)
	if ok != (len(m.due) > 0) || ok && at > max(first, m.now) {
		return fmt.Errorf("next at %v, %v, but of %d calls the first is due at %v", at, ok, len(m.due), first)
	}
	return nil
}

func TestLetter(t *testing.T) {
	for _, length := range []int{0, 1, 127, 128, 300, 16383, 16384, 100_000} {
		dest := fmt.Sprintf("%0*d", length, 0)[:length]
		for _, fields := range []string{"", `"type":"t"`} {
			if l := letter(dest, fields); l.Dest() != dest || l.Fields() != fields {
				t.Errorf("%d bytes: %.20q and %.20q", length, l.Dest(), l.Fields())
			}
		}
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

// A modelled call is what a naive table knows of a call.
type modelled struct {
	call     *Call[int]
	dest     string
	policy   retry.Policy
	ids      []int64
	silent   []bool
	written  []time.Duration // -1 if not yet
	state    string          // unsent, flushing, waiting, between
	deadline time.Duration
	order    int // of those that wait
}

func (m *modelled) String() string { return fmt.Sprintf("%v %s", m.ids, m.state) }

// tick is when a timeout is told at the earliest.
func (m *modelled) tick() time.Duration {
	return (m.deadline + tickTime - 1) / tickTime * tickTime
}

type model struct {
	table Table[int]
	now   time.Duration
	id    int64
	order int
	open  []*modelled
	over  []*modelled
}

func (m *model) remove(c *modelled) {
	m.open = slices.DeleteFunc(m.open, func(other *modelled) bool { return other == c })
	m.over = append(m.over, c)
}

// next is the one that has timed out first, nil if none has.
func (m *model) next() *modelled {
	waiting := slices.DeleteFunc(slices.Clone(m.open), func(c *modelled) bool { return c.state != "waiting" })
	if len(waiting) == 0 {
		return nil
	}
	return slices.MinFunc(waiting, func(a, b *modelled) int {
		return cmp.Or(cmp.Compare(a.tick(), b.tick()), cmp.Compare(a.order, b.order))
	})
}

func (m *model) send(t *rapid.T, c *modelled) {
	// Ids come from a counter that other messages share.
	m.id += rapid.SampledFrom([]int64{1, 1, 1, 2, 60, 127, 1000}).Draw(t, "ids between")
	c.ids, c.silent, c.written = append(c.ids, m.id), append(c.silent, false), append(c.written, -1)
	c.state = "unsent"
	m.table.Sent(c.call, m.id)
}

func pick(t *rapid.T, from []*modelled) *modelled {
	if len(from) == 0 {
		t.Skip("nothing to choose from")
	}
	return from[rapid.IntRange(0, len(from)-1).Draw(t, "call")]
}

var timeouts = []time.Duration{
	0, 1, tickTime - 1, tickTime, tickTime + 1, ms, 63 * tickTime, 64 * tickTime, 65 * tickTime, 100 * ms, (block - 1) * tickTime, block * tickTime, time.Minute,
	262144 * ms, time.Hour, 24 * time.Hour, 100 * 24 * time.Hour, math.MaxInt64,
}

// TestTableAgainstModel does random things to a table and to a slice of calls.
func TestTableAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{now: rapid.SampledFrom([]time.Duration{0, 1, 63 * ms, 24 * time.Hour}).Draw(t, "now"), id: -1}
		t.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"call":     m.call,
			"again":    m.again,
			"flushing": m.flushing,
			"written":  m.writtenOut,
			"settle":   m.settle,
			"stray":    m.stray,
			"late":     m.afterTheEnd,
			"remove":   m.removed,
			"pass":     m.pass,
			"ask":      m.ask,
			"next":     m.untilNext,
		})
		m.finish(t)
	})
}

func (m *model) call(t *rapid.T) {
	c := &modelled{
		dest: rapid.SampledFrom([]string{"n1", "n2", ""}).Draw(t, "dest"),
		policy: retry.Policy{
			Attempts: rapid.IntRange(0, 4).Draw(t, "attempts"),
			Timeout:  rapid.SampledFrom(timeouts).Draw(t, "timeout"),
			Late:     rapid.SampledFrom([]retry.Late{retry.Accept, retry.Ignore}).Draw(t, "late"),
		},
	}
	c.call = newCall(c.dest, &c.policy)
	m.open = append(m.open, c)
	m.send(t, c)
}

func (m *model) again(t *rapid.T) {
	c := pick(t, m.open)
	if c.state != "between" {
		t.Skip("it is not its turn")
	}
	m.send(t, c)
}

func (m *model) flushing(*rapid.T) {
	m.table.Flushing()
	for _, c := range m.open {
		if c.state == "unsent" {
			c.state = "flushing"
		}
	}
}

func (m *model) writtenOut(*rapid.T) {
	m.table.Written(m.now)
	flushing := slices.DeleteFunc(slices.Clone(m.open), func(c *modelled) bool { return c.state != "flushing" })
	slices.SortFunc(flushing, func(a, b *modelled) int { return cmp.Compare(a.ids[len(a.ids)-1], b.ids[len(b.ids)-1]) })
	for _, c := range flushing {
		m.order++
		wait := c.policy.Wait(len(c.ids))
		c.state, c.order, c.written[len(c.ids)-1] = "waiting", m.order, m.now
		if c.deadline = m.now + wait; c.deadline < 0 || c.deadline > math.MaxInt64-ms {
			c.deadline = math.MaxInt64 - ms // for ever
		}
	}
}

func (m *model) settle(t *rapid.T) {
	c := pick(t, m.open)
	n := rapid.IntRange(0, len(c.ids)-1).Draw(t, "attempt")
	got, _, arrival := m.table.Settle(c.ids[n], c.dest)
	want := InTime
	switch {
	case c.silent[n] && c.policy.Late == retry.Ignore:
		want = TooLate
	case c.silent[n]:
		want = Late
	}
	if arrival != want || (got == c.call) != (want != TooLate) {
		t.Fatalf("a reply to %d settles %v, %v; want %v, %v", c.ids[n], got, arrival, c, want)
	}
	if want != TooLate {
		if !c.call.Attempt(n + 1).Answered() {
			t.Fatalf("%v: attempt %d is not answered", c, n+1)
		}
		m.remove(c)
	}
}

func (m *model) stray(t *rapid.T) {
	id, src := m.id+1, "n1"
	if len(m.open) > 0 && rapid.Bool().Draw(t, "stranger") {
		c := pick(t, m.open)
		id, src = c.ids[0], c.dest+"x"
	}
	if got, _, arrival := m.table.Settle(id, src); got != nil || arrival != Stray {
		t.Fatalf("a reply from %q to %d settles %v, %v", src, id, got, arrival)
	}
}

func (m *model) afterTheEnd(t *rapid.T) {
	c := pick(t, m.over)
	for _, id := range c.ids {
		if got, _, arrival := m.table.Settle(id, c.dest); got != nil || arrival != Stray {
			t.Fatalf("a reply to %d, which is over, settles %v, %v", id, got, arrival)
		}
	}
	if m.table.Remove(c.call) {
		t.Fatalf("%v is over and was removed", c)
	}
}

func (m *model) removed(t *rapid.T) {
	c := pick(t, m.open)
	if !m.table.Remove(c.call) {
		t.Fatalf("%v was not removed", c)
	}
	m.remove(c)
}

func (m *model) pass(t *rapid.T) {
	m.now += rapid.OneOf(
		rapid.SampledFrom(timeouts[:len(timeouts)-1]),
		rapid.Map(rapid.Int64Range(0, int64(time.Second)), func(n int64) time.Duration { return time.Duration(n) }),
	).Draw(t, "time")
}

// ask asks once: the one that waited longest, never early.
func (m *model) ask(t *rapid.T) {
	want := m.next()
	if want != nil && want.tick() > m.now {
		want = nil
	}
	got, step, _ := m.table.Silent(m.now, true)
	switch {
	case want == nil && got == nil:
		return
	case want == nil || got != want.call:
		t.Fatalf("at %v %v is silent, want %v", m.now, got, want)
	}
	n := len(want.ids)
	want.silent[n-1] = true
	limit := want.policy.Limit()
	if (step == retry.SendAgain) != (n < limit) {
		t.Fatalf("after %d of %d attempts: %v", n, limit, step)
	}
	if want.state = "between"; step == retry.GiveUp {
		m.remove(want)
	}
}

// untilNext lets time pass until Next, which must not be too late.
func (m *model) untilNext(t *rapid.T) {
	at, ok := m.table.Next(true)
	want := m.next()
	if ok != (want != nil) {
		t.Fatalf("next at %v, %v, but %v waits", at, ok, want)
	}
	if !ok {
		return
	}
	if at > max(want.tick(), m.now) {
		t.Fatalf("next at %v, but the timeout of %v is at %v", at, want, want.tick())
	}
	if at < 1000*24*time.Hour { // else time would end
		m.now = max(m.now, at)
		m.ask(t)
	}
}

// check compares all that can be seen.
func (m *model) check(t *rapid.T) {
	if m.table.Open() != len(m.open) {
		t.Fatalf("%d are open, want %d", m.table.Open(), len(m.open))
	}
	if some := m.table.Any(); (some == nil) != (len(m.open) == 0) {
		t.Fatalf("%v is open, want one of %d", some, len(m.open))
	}
	for _, c := range slices.Concat(m.open, m.over) {
		if c.call.Sent() != len(c.ids) {
			t.Fatalf("%v: %d sent", c, c.call.Sent())
		}
		for n, id := range c.ids {
			a := c.call.Attempt(n + 1)
			if a.ID != id || a.Written != c.written[n] || a.Silent() != c.silent[n] {
				t.Fatalf("%v: attempt %d is %+v, want written %v, silent %v", c, n+1, *a, c.written[n], c.silent[n])
			}
		}
	}
}

// finish ends all calls, each in some way, and looks for what is left.
func (m *model) finish(t *rapid.T) {
	for len(m.open) > 0 {
		c := m.open[len(m.open)-1]
		if len(m.open)%2 == 0 && !c.silent[len(c.ids)-1] {
			m.table.Settle(c.ids[len(c.ids)-1], c.dest)
		} else {
			m.table.Remove(c.call)
		}
		m.remove(c)
	}
	m.check(t)
	empty(t, &m.table)
	for _, c := range m.over {
		if c.call.next != nil || c.call.prev != nil || c.call.latest.in != nowhere {
			t.Fatalf("%v stands in list %d", c, c.call.latest.in)
		}
	}
}

// BenchmarkTable does one thing to a table with n other calls open, whose
// deadlines are spread over a second.
func BenchmarkTable(b *testing.B) {
	for _, n := range []int{10, 1000, 1_000_000} {
		b.Run(fmt.Sprintf("settle/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			table, ids := filled(n)
			now := time.Duration(0)
			for b.Loop() {
				// The oldest is answered, a new one takes its place.
				c, _, _ := table.Settle(ids.first, "n2")
				reopen(table, c, ids, now)
				now += time.Second / time.Duration(n)
			}
		})
		b.Run(fmt.Sprintf("expire/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			table, ids := filled(n)
			now := time.Second
			for b.Loop() {
				// The oldest gives up, a new one takes its place.
				c, _, _ := table.Silent(now, true)
				for ; c == nil; c, _, _ = table.Silent(now, true) {
					now += ms
				}
				reopen(table, c, ids, now)
			}
		})
	}
	b.Run("expire/1000000-mixed", func(b *testing.B) {
		// Their deadlines come in another order than their memory was taken in.
		random := rand.New(rand.NewPCG(1, 2))
		policies := make([]*retry.Policy, 1000)
		for i := range policies {
			policies[i] = &retry.Policy{Attempts: 1, Timeout: time.Second + time.Duration(i)*ms}
		}
		all := make([]*Call[int], 1_000_000)
		for i := range all {
			all[i] = newCall("n2", nil)
		}
		table, id, now := new(Table[int]), int64(0), time.Duration(0)
		for b.Loop() {
			if table.Open() == 0 {
				b.StopTimer()
				for _, c := range all {
					*c = Call[int]{Letter: c.Letter, Policy: policies[random.IntN(len(policies))]}
					table.Sent(c, id)
					write(table, now)
					id++
				}
				now += time.Second
				b.StartTimer()
			}
			c, _, _ := table.Silent(now, true)
			for ; c == nil; c, _, _ = table.Silent(now, true) {
				now += ms
			}
		}
	})
	b.Run("bytes", func(b *testing.B) {
		for b.Loop() { // which forgets what was reported before
		}
		b.ReportMetric(float64(reflect.TypeFor[Call[struct{ a, b uintptr }]]().Size()), "B/call")
	})
}

var onceASecond = &retry.Policy{Attempts: 1, Timeout: time.Second}

// counted are the ids of open calls, a run of neighbours.
type counted struct{ first, next int64 }

func filled(n int) (*Table[int], *counted) {
	table, ids := new(Table[int]), new(counted)
	for i := range n {
		table.Sent(newCall("n2", onceASecond), ids.next)
		write(table, time.Duration(i)*time.Second/time.Duration(n))
		ids.next++
	}
	return table, ids
}

func reopen(table *Table[int], c *Call[int], ids *counted, now time.Duration) {
	*c = Call[int]{Letter: c.Letter, Policy: c.Policy}
	table.Sent(c, ids.next)
	write(table, now)
	ids.first++
	ids.next++
}
