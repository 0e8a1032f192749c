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
		wait := c.policy.AttemptTimeout(len(c.ids))
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
	limit := want.policy.MaxAttempts()
	if (step == schedule.Send) != (n < limit) {
		t.Fatalf("after %d of %d attempts: %v", n, limit, step)
	}
	if want.state = "between"; step == schedule.GiveUp {
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
