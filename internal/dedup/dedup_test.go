package dedup

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A fact is what a model without bounds keeps of a call.
type fact struct {
	served  *Call[int] // not nil while the call is served
	waiting []int      // the requests that wait for its reply
	effect  bool       // it may have had its effect
	reply   string     // "" if there is none to keep
	latest  time.Time  // its latest request or reply
}

// A model keeps all calls. It checks what a Table returns for each request.
type model struct {
	t       *rapid.T
	table   Table[int]
	limits  Limits
	now     time.Time
	facts   map[ID]*fact
	callers map[CallerKey]time.Time // when the latest request or reply of each was
	highest map[CallerKey]uint64    // the highest number of its calls that had a reply
	request int
}

// A call is New only once within the window. A reply that the table gives is the reply to
// this call. A call is Stale only if a call of the same caller with at least this number has
// had its reply, and the table is Full only while callers of the window take their half of it.
func TestNoCallIsNewTwiceWithinTheWindow(t *testing.T) {
	states := map[State]int{}
	for range 5 { // of 100 each
		rapid.Check(t, func(t *rapid.T) {
			m := &model{
				t: t,
				limits: Limits{
					MaxReplies: rapid.IntRange(1, 12).Draw(t, "replies"),
					MaxBytes:   rapid.IntRange(1000, 30_000).Draw(t, "bytes"),
					Window:     time.Duration(rapid.IntRange(1, 200).Draw(t, "window")) * time.Second,
				},
				now:     time.Now(),
				facts:   map[ID]*fact{},
				callers: map[CallerKey]time.Time{},
				highest: map[CallerKey]uint64{},
			}
			t.Repeat(map[string]func(*rapid.T){
				"request": func(t *rapid.T) { states[m.begin(t)]++ },
				"end":     m.end,
				"wait": func(t *rapid.T) {
					m.now = m.now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "seconds")) * time.Second)
				},
				"": m.check,
			})
		})
	}
	for _, state := range []State{New, Served, Replied, Stale, Full} {
		if states[state] < 20 {
			t.Errorf("state %d came %d times: %v", state, states[state], states)
		}
	}
}

func (m *model) begin(t *rapid.T) State {
	id := ID{CallerKey: CallerKey{Src: rapid.SampledFrom([]string{"n1", "n1", "n1", "n2", strings.Repeat("n", 1000)}).Draw(t, "src")}}
	id.Number = uint64(rapid.IntRange(0, 4).Draw(t, "number"))
	if rapid.IntRange(0, 9).Draw(t, "by msg_id") == 0 {
		id.Body = uint64(rapid.IntRange(0, 1).Draw(t, "body"))
	} else {
		id.Incarnation = fmt.Sprint("i", rapid.SampledFrom([]int{1, 1, 1, 2, 2, 3, 4, 5, 6, 7}).Draw(t, "incarnation"))
	}
	f := m.facts[id]
	if f == nil {
		f = &fact{}
		m.facts[id] = f
	}
	recent, known := m.callers[id.CallerKey]
	m.request++
	state, first, reply := m.table.Begin(id, m.request, m.now, m.limits)
	inWindow := m.now.Sub(f.latest) < m.limits.Window
	switch state {
	case New:
		if id.Incarnation != "" && (f.served != nil || f.effect && inWindow) {
			t.Fatalf("%v is New a second time", id)
		}
		*f = fact{served: first}
	case Served:
		if f.served == nil {
			t.Fatalf("%v is not served", id)
		}
		f.waiting = append(f.waiting, m.request)
	case Replied:
		if f.served != nil || string(reply) != f.reply {
			t.Fatalf("%v has the reply %q, the table says %q", id, f.reply, reply)
		}
	case Stale:
		if highest, replied := m.highest[id.CallerKey]; !replied || id.Number > highest {
			t.Fatalf("%v is Stale, and no later call of its caller has ended", id)
		}
	case Full:
		if known && m.now.Sub(recent) < m.limits.Window {
			t.Fatalf("%v is refused, and its caller had a request or reply in the window", id)
		}
		size := id.size()
		for key, at := range m.callers {
			if key.Incarnation != "" && (m.now.Sub(at) < m.limits.Window || m.serves(key)) {
				size += key.size()
			}
		}
		if size <= m.limits.MaxBytes/2 {
			t.Fatalf("%v is refused, though %d bytes of callers have room in %d", id, size, m.limits.MaxBytes/2)
		}
		return state
	}
	f.latest, m.callers[id.CallerKey] = m.now, m.now
	return state
}

func (m *model) serves(key CallerKey) bool {
	for id, f := range m.facts {
		if id.CallerKey == key && f.served != nil {
			return true
		}
	}
	return false
}

// end ends one of the calls that are served.
func (m *model) end(t *rapid.T) {
	var served []ID
	for id, f := range m.facts {
		if f.served != nil {
			served = append(served, id)
		}
	}
	if len(served) == 0 {
		return
	}
	slices.SortFunc(served, func(a, b ID) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	id := rapid.SampledFrom(served).Draw(t, "call")
	f := m.facts[id]
	var waiting []int
	switch rapid.SampledFrom([]string{"reply", "reply", "reply", "undone", "unknown"}).Draw(t, "end") {
	case "reply":
		f.reply, f.effect = fmt.Sprintf("%v %s", id, strings.Repeat("x", rapid.IntRange(0, 2000).Draw(t, "size"))), true
		waiting = m.table.Reply(f.served, []byte(f.reply), m.now, m.limits)
	case "undone":
		waiting = m.table.Forget(f.served, true, m.now, m.limits)
	case "unknown":
		f.effect = true
		waiting = m.table.Forget(f.served, false, m.now, m.limits)
	}
	if !slices.Equal(waiting, f.waiting) {
		t.Fatalf("%v: the requests %v wait, want %v", id, waiting, f.waiting)
	}
	if f.effect {
		m.highest[id.CallerKey] = max(m.highest[id.CallerKey], id.Number)
	}
	f.served, f.waiting, f.latest = nil, nil, m.now
	m.callers[id.CallerKey] = m.now
}

// check compares what the table counts with what it holds, and both with its limits.
func (m *model) check(t *rapid.T) {
	served, replies, bytes, recent := 0, 0, 0, 0
	for key, c := range m.table.callers {
		bytes += key.size()
		if c.place != nil {
			recent += key.size()
		} else if len(c.calls) == 0 && c.served == 0 {
			t.Fatalf("%v is kept without a call", key)
		}
		for _, k := range c.calls {
			if k.place != nil {
				replies++
				bytes += callSize + len(k.reply)
			}
		}
		served += c.served
	}
	bytes += served * callSize
	if r, b := m.table.Size(); r != replies || b != bytes || recent != m.table.ofRecent {
		t.Fatalf("%d replies in %d bytes with %d of callers, the table counts %d, %d, %d", replies, bytes, recent, r, b, m.table.ofRecent)
	}
	if replies > m.limits.MaxReplies || recent > m.limits.MaxBytes/2 || replies > 0 && bytes > m.limits.MaxBytes {
		t.Fatalf("%d replies in %d bytes with %d of callers exceed %+v", replies, bytes, recent, m.limits)
	}
}

// A request does not wait for its own reply.
func TestRequestThatComesAgain(t *testing.T) {
	limits := Limits{}.WithDefaults()
	for _, incarnation := range []string{"i", ""} {
		id := ID{CallerKey: CallerKey{"n1", incarnation}, Number: 1}
		var table Table[int]
		_, first, _ := table.Begin(id, 1, time.Now(), limits)
		for w, want := range []State{Served, Serving, Served, Served} {
			if state, _, _ := table.Begin(id, w, time.Now(), limits); state != want {
				t.Errorf("request %d: state %d, want %d", w, state, want)
			}
		}
		if waiting := table.Reply(first, nil, time.Now(), limits); !slices.Equal(waiting, []int{0, 2, 3}) {
			t.Errorf("the requests %v wait", waiting)
		}
	}
}

// A full table takes not much more memory than its limit.
func TestLimitIsOfRealMemory(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	limits := Limits{MaxReplies: 1 << 30, MaxBytes: 16 << 20, Window: time.Minute}
	for name, perCaller := range map[string]int{"one call each": 1, "many calls each": 1000} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			var table Table[int]
			now := time.Now()
			for i := range 200_000 {
				key := CallerKey{Src: fmt.Sprint("n", i/perCaller), Incarnation: "0123456789abcdef"}
				state, first, _ := table.Begin(ID{CallerKey: key, Number: uint64(i)}, 0, now, limits)
				if state == New {
					table.Reply(first, make([]byte, 40), now, limits)
				}
			}
			if used := heap() - before; used > uint64(limits.MaxBytes)*5/4 {
				t.Errorf("%d bytes with a limit of %d", used, limits.MaxBytes)
			}
			runtime.KeepAlive(&table)
		})
	}
}
