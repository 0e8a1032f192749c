package observer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/watch"
)

// notPanicked fails the test if a hook panics.
func notPanicked(t *testing.T) func(string, any) {
	return func(where string, p any) { t.Errorf("%s panicked: %v", where, p) }
}

// However many goroutines tell hooks about one call, the hooks run one at a time, in the order
// in which things were kept, and Tell returns when they know.
func TestOrder(t *testing.T) {
	var lock sync.Mutex
	kept, running := 0, 0
	var got []int
	hooks := &watch.Hooks{Sent: func(_ *watch.Call, s watch.Sent) {
		if running++; running != 1 {
			t.Errorf("%d hooks run", running)
		}
		got = append(got, s.Attempt)
		running--
	}}
	c := Begin(t.Context(), hooks, watch.Call{}, notPanicked(t))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				lock.Lock()
				kept++
				mine := kept
				c.Sent(watch.Sent{Attempt: mine})
				lock.Unlock()
				c.Tell()
				c.telling <- struct{}{}
				if !slices.Contains(got, mine) {
					t.Errorf("the hooks do not know of %d", mine)
				}
				<-c.telling
			}
		})
	}
	group.Wait()
	if len(got) != 800 || !slices.IsSorted(got) {
		t.Errorf("%d, sorted %t", len(got), slices.IsSorted(got))
	}
}

func TestHooksThatAreNil(t *testing.T) {
	c := Begin(t.Context(), &watch.Hooks{}, watch.Call{}, notPanicked(t))
	for _, c := range []*Call{nil, c} {
		c.Sent(watch.Sent{})
		c.Failed(watch.Failed{})
		c.Late(watch.Late{})
		c.Decided(2, schedule.BudgetExhausted)
		c.Tell()
		c.End(watch.CallEnd{})
		if c.HasVeto() {
			t.Error("there is no veto")
		}
	}
	r, ctx := BeginRequest(t.Context(), &watch.Hooks{}, watch.Request{}, notPanicked(t))
	if ctx != t.Context() {
		t.Error("the context is another one")
	}
	for _, r := range []*Request{nil, r} {
		r.Replied(nil)
		r.End()
	}
	if (*Request)(nil).Seen() != nil {
		t.Error("a request that nobody watches is seen")
	}
}

// A hook that panics does no harm. What comes after it is told all the same.
func TestPanics(t *testing.T) {
	var panics []string
	panicked := func(where string, p any) { panics = append(panics, fmt.Sprint(where, ": ", p)) }
	ended := false
	c := Begin(t.Context(), &watch.Hooks{
		CallBegins: func(context.Context, *watch.Call) { panic("a") },
		Sent:       func(*watch.Call, watch.Sent) { panic("b") },
		Veto:       func(*watch.Call, int) error { panic("c") },
		CallEnds:   func(*watch.Call, watch.CallEnd) { ended = true },
	}, watch.Call{}, panicked)
	c.Sent(watch.Sent{})
	if err := c.Veto(2); err != nil {
		t.Error(err)
	}
	c.End(watch.CallEnd{})
	if !ended {
		t.Error("CallEnds was not called")
	}
	r, ctx := BeginRequest(t.Context(), &watch.Hooks{
		RequestBegins: func(context.Context, *watch.Request) context.Context { panic("d") },
		RequestEnds:   func(*watch.Request, watch.RequestEnd) { panic("e") },
	}, watch.Request{}, panicked)
	r.End()
	if ctx != t.Context() {
		t.Error("the context is another one")
	}
	want := []string{"the hook CallBegins: a", "the hook Sent: b", "the hook Veto: c", "the hook RequestBegins: d", "the hook RequestEnds: e"}
	if !slices.Equal(panics, want) {
		t.Errorf("%q", panics)
	}
}

// A refusal is told once.
func TestRefused(t *testing.T) {
	var got []string
	c := Begin(t.Context(), &watch.Hooks{Refused: func(_ *watch.Call, r watch.Refused) {
		got = append(got, fmt.Sprint(r.Attempt, " ", r.Why))
	}}, watch.Call{}, notPanicked(t))
	for _, why := range []schedule.Reason{schedule.NoReason, schedule.DeadlinePassed, schedule.AttemptsUsedUp, schedule.BreakerOpen, schedule.BudgetExhausted} {
		c.Decided(2, why)
	}
	c.Tell()
	if fmt.Sprint(got) != "[2 attempt refused by the circuit breaker]" {
		t.Error(got)
	}
}

func TestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for fields, want := range map[string]watch.RequestEnd{
			"":                                   {},
			`"type":"read_ok"`:                   {Replied: true},
			`"type":"error","code":0`:            {Replied: true, Failed: true},
			`"type":"error","code":22,"text":""`: {Replied: true, Failed: true, Code: 22},
		} {
			var got watch.RequestEnd
			hooks := &watch.Hooks{RequestEnds: func(_ *watch.Request, e watch.RequestEnd) { got = e }}
			r, _ := BeginRequest(t.Context(), hooks, watch.Request{}, notPanicked(t))
			time.Sleep(time.Second)
			if fields == "" {
				r.Replied(nil)
			} else {
				r.Replied([]byte(fields))
			}
			r.End()
			want.Took = time.Second
			if got != want {
				t.Errorf("%s: %+v, want %+v", fields, got, want)
			}
		}
	})
}

// Hooks are not asked for a veto when they know that the call has ended. A reply may end it
// just before.
func TestNoVetoAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		hooks := &watch.Hooks{
			Veto:     func(_ *watch.Call, attempt int) error { told = append(told, fmt.Sprint("veto ", attempt)); return nil },
			Failed:   func(*watch.Call, watch.Failed) { time.Sleep(time.Second) },
			CallEnds: func(*watch.Call, watch.CallEnd) { told = append(told, "end") },
		}
		c := Begin(t.Context(), hooks, watch.Call{}, notPanicked(t))
		c.Veto(2)
		c.Failed(watch.Failed{})
		go c.Tell()
		for _, next := range []func(){func() { c.Veto(3) }, func() { c.End(watch.CallEnd{}) }, func() { c.Veto(4) }} {
			synctest.Wait()
			go next()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(told, []string{"veto 2", "end"}) {
			t.Errorf("%q", told)
		}
	})
}
