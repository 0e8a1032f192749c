package plan

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/schedule"
)

func TestLeaf(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model Model
		at    []int // ms
		want  string
	}{
		{"never busy", Model{}, []int{0, 0, 5}, "0-0 0-0 5-5 "},
		{"one after the other", Model{Capacity: 100}, []int{0, 0, 5, 100}, "0-10 10-20 20-30 100-110 "},
		{"a short queue", Model{Capacity: 100, Queue: 1}, []int{0, 0, 0, 10, 10}, "0-10 10-20 full 20-30 full "},
		{"an outage, never busy", Model{Outage: Window{10 * ms, 20 * ms}}, []int{9, 10, 29, 30}, "9-9 30-30 30-30 30-30 "},
		{"an outage in the middle of serving", Model{Capacity: 100, Outage: Window{5 * ms, 20 * ms}}, []int{0, 0, 6}, "0-30 30-40 40-50 "},
	} {
		l := newLeaf(&tt.model)
		got := ""
		for _, at := range tt.at {
			s := l.arrive(time.Duration(at)*ms, schedule.Never)
			if s.fate == refused {
				got += "full "
				continue
			}
			got += fmt.Sprintf("%d-%d ", s.begin.Milliseconds(), s.end.Milliseconds())
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The leaf serves one request at a time, in order, and none at or after its deadline.
// A request that expires takes no time. The queue is full exactly if a count of the
// requests that wait says so.
func TestLeafProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Model{Capacity: 100, Queue: rapid.IntRange(0, 5).Draw(t, "queue")}
		if rapid.Bool().Draw(t, "outage") {
			m.Outage = Window{200 * ms, 300 * ms}
		}
		l := newLeaf(m)
		var now, end time.Duration
		var begins []time.Duration
		for range rapid.IntRange(1, 100).Draw(t, "requests") {
			now += time.Duration(rapid.IntRange(0, 20).Draw(t, "gap")) * ms
			deadline := now + time.Duration(rapid.IntRange(0, 200).Draw(t, "left"))*ms
			waiting := 0
			for _, b := range begins {
				if b > now {
					waiting++
				}
			}
			s := l.arrive(now, deadline)
			if full := m.Queue > 0 && waiting >= m.Queue; full != (s.fate == refused) {
				t.Fatalf("%d requests wait, and the fate is %v", waiting, s.fate)
			}
			if s.fate != refused {
				begins = append(begins, s.begin)
			}
			if s.fate != served {
				continue
			}
			if s.begin < now || s.begin < end || s.begin >= deadline || s.end-s.begin < l.service || m.Outage.holds(s.begin) {
				t.Fatalf("at %v, until %v: %+v", now, deadline, s)
			}
			end = s.end
		}
	})
}

// The leaf forgets requests that wait no longer.
func TestLeafForgets(t *testing.T) {
	l := newLeaf(&Model{Capacity: 1000, Queue: 10})
	for i := range 100_000 {
		l.arrive(time.Duration(i)*ms, schedule.Never)
	}
	if cap(l.starts) > 10_000 {
		t.Errorf("space for %d", cap(l.starts))
	}
}

// A very slow leaf serves what it can before the end of time, and no sum of times
// overflows.
func TestLeafAtTheEndOfTime(t *testing.T) {
	l := newLeaf(&Model{Capacity: 1e-12})
	for i := range 20 {
		s := l.arrive(0, schedule.Never)
		if want := map[bool]fate{true: served, false: waiting}[i == 0]; s.fate != want || s.begin < 0 || s.end < 0 {
			t.Errorf("request %d: %+v", i, s)
		}
	}
}
