package calls

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

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
