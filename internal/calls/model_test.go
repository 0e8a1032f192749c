package calls

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// A modelled call is what a simple table keeps of a call.
type modelled struct {
	call     *Call[int]
	dest     string
	policy   retry.Policy
	ids      []int64
	timedOut []bool
	written  []time.Duration // -1 before
	state    string          // unsent, flushing, waiting, or between attempts
	deadline time.Duration
}

func (m *modelled) String() string { return fmt.Sprintf("%v %s", m.ids, m.state) }

type model struct {
	table Table[int]
	now   time.Duration
	id    int64
	open  []*modelled
	over  []*modelled
}

func (m *model) remove(c *modelled) {
	m.open = slices.DeleteFunc(m.open, func(other *modelled) bool { return other == c })
	m.over = append(m.over, c)
}

// next returns the waiting call that times out first, nil if there is none.
func (m *model) next() *modelled {
	waiting := slices.DeleteFunc(slices.Clone(m.open), func(c *modelled) bool { return c.state != "waiting" })
	if len(waiting) == 0 {
		return nil
	}
	return slices.MinFunc(waiting, func(a, b *modelled) int {
		return cmp.Or(cmp.Compare(a.deadline, b.deadline), cmp.Compare(a.ids[len(a.ids)-1], b.ids[len(b.ids)-1]))
	})
}

func (m *model) send(t *rapid.T, c *modelled) {
	// Other messages take ids from the same counter.
	m.id += rapid.SampledFrom([]int64{1, 1, 1, 2, 60, 127, 1000}).Draw(t, "ids between")
	c.ids, c.timedOut, c.written = append(c.ids, m.id), append(c.timedOut, false), append(c.written, -1)
	c.state = "unsent"
	m.table.Sent(c.call, m.id)
}

func pick(t *rapid.T, from []*modelled) *modelled {
	if len(from) == 0 {
		t.Skip("there is no call")
	}
	return from[rapid.IntRange(0, len(from)-1).Draw(t, "call")]
}

var someTimeouts = []time.Duration{
	0, 1, granularity - 1, granularity, granularity + 1, ms, 16 * ms, 100 * ms, time.Second, time.Minute,
	time.Hour, 24 * time.Hour, 100 * 24 * time.Hour, math.MaxInt64,
}

// TestTableAgainstModel does the same random operations on a table and on a slice of calls.
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
			Timeout:  rapid.SampledFrom(someTimeouts).Draw(t, "timeout"),
			Late:     rapid.SampledFrom([]retry.Late{retry.Accept, retry.Ignore}).Draw(t, "late"),
		},
	}
	c.call = newCall(&m.table, c.dest, &c.policy)
	m.open = append(m.open, c)
	m.send(t, c)
}

func (m *model) again(t *rapid.T) {
	c := pick(t, m.open)
	if c.state != "between attempts" {
		t.Skip("it is not between attempts")
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
		wait := c.policy.AttemptTimeout(len(c.ids))
		c.state, c.written[len(c.ids)-1] = "waiting", m.now
		if c.deadline = m.now + wait; c.deadline < 0 {
			c.deadline = math.MaxInt64 // for ever
		}
	}
}

func (m *model) settle(t *rapid.T) {
	c := pick(t, m.open)
	n := rapid.IntRange(0, len(c.ids)-1).Draw(t, "attempt")
	got, d := m.table.Reply(Reply{ID: c.ids[n], Src: c.dest, At: m.now})
	settles := !c.timedOut[n] || c.policy.Late != retry.Ignore
	if got != c.call || (d.Action == schedule.Settle) != settles {
		t.Fatalf("a reply to %d settles %v, %v; want %v, %v", c.ids[n], got, d, c, settles)
	}
	if settles {
		if !c.call.Outcomes(m.now)[n].Answered {
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
	if got, d := m.table.Reply(Reply{ID: id, Src: src}); got != nil || d.Action != schedule.Wait {
		t.Fatalf("a reply from %q to %d settles %v, %v", src, id, got, d)
	}
}

func (m *model) afterTheEnd(t *rapid.T) {
	c := pick(t, m.over)
	for _, id := range c.ids {
		if got, d := m.table.Reply(Reply{ID: id, Src: c.dest}); got != nil || d.Action != schedule.Wait {
			t.Fatalf("a reply to %d, whose call is over, settles %v, %v", id, got, d)
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
		rapid.SampledFrom(someTimeouts[:len(someTimeouts)-1]),
		rapid.Map(rapid.Int64Range(0, int64(time.Second)), func(n int64) time.Duration { return time.Duration(n) }),
	).Draw(t, "time")
}

// ask calls Due once. It returns the call that is due first, and none early.
func (m *model) ask(t *rapid.T) {
	want := m.next()
	if want != nil && want.deadline > m.now {
		want = nil
	}
	got, d := m.table.Due(m.now, true)
	switch {
	case want == nil && got == nil:
		return
	case want == nil || got != want.call:
		t.Fatalf("at %v %v is due, want %v", m.now, got, want)
	}
	n := len(want.ids)
	want.timedOut[n-1] = true
	limit := want.policy.MaxAttempts()
	if (d.Action == schedule.Send) != (n < limit) {
		t.Fatalf("after %d of %d attempts: %v", n, limit, d)
	}
	if want.state = "between attempts"; d.Action == schedule.GiveUp {
		m.remove(want)
	}
}

// untilNext lets time pass until Next, which must not be late.
func (m *model) untilNext(t *rapid.T) {
	at, ok := m.table.Next(true)
	want := m.next()
	if want != nil && want.deadline == math.MaxInt64 {
		want = nil // it never times out
	}
	if ok != (want != nil) {
		t.Fatalf("next at %v, %v, but %v waits", at, ok, want)
	}
	if !ok {
		return
	}
	if late := at - max(want.deadline, m.now); late >= granularity {
		t.Fatalf("next at %v, but the timeout of %v is at %v", at, want, want.deadline)
	}
	m.now = max(m.now, at)
	m.ask(t)
}

// check compares everything that a user of the table sees.
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
		outcomes := c.call.Outcomes(m.now)
		for n, id := range c.ids {
			if o := outcomes[n]; o.ID != id || o.TimedOut != c.timedOut[n] {
				t.Fatalf("%v: attempt %d is %+v, want timed out %v", c, n+1, o, c.timedOut[n])
			}
		}
	}
}

// finish ends all calls, each in some way, and checks that nothing is left.
func (m *model) finish(t *rapid.T) {
	for len(m.open) > 0 {
		c := m.open[len(m.open)-1]
		if len(m.open)%2 == 0 && !c.timedOut[len(c.ids)-1] {
			m.table.Reply(Reply{ID: c.ids[len(c.ids)-1], Src: c.dest, At: m.now})
		} else {
			m.table.Remove(c.call)
		}
		m.remove(c)
	}
	m.check(t)
	empty(t, &m.table)
	for _, c := range m.over {
		if c.call.next != nil || c.call.prev != nil || c.call.where != nowhere {
			t.Fatalf("%v is in a queue", c)
		}
	}
}
