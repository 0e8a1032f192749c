package runner

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/internal/sim"
)

// watched returns a desk whose loop is watched in virtual time.
func watched(t *testing.T) *desk {
	d := newDesk(t, "echo", sim.Config{})
	d.start = time.Now()
	d.stalls = &stallMonitor{start: d.start}
	return d
}

// When the loop stands still, lines are late and no message is carried. The monitor,
// which is another goroutine, may have run meanwhile. Neither nodes nor clients lose this
// time.
func TestLoopStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := watched(t)
		c := d.ask("n1", "echo", `"a"`)
		open := d.byClient[c.name]
		due, init := open.due, d.byName["n1"].initDue
		d.cfg.Trace = func(Traffic) { time.Sleep(829 * time.Millisecond) }
		time.Sleep(5 * time.Millisecond)
		before := d.look()
		d.answer(c, `{"type":"echo_ok","echo":"a"}`)
		after := d.look()
		if after-before != 829*time.Millisecond {
			t.Fatalf("stood still from %v to %v", before, after)
		}
		for _, at := range []time.Duration{before, after, after + 50*time.Millisecond} {
			if lag := d.stalls.lag(at); lag < 829*time.Millisecond {
				t.Errorf("the lag at %v is %v", at, lag)
			}
		}
		if lag := d.stalls.lag(before - time.Millisecond); lag > minStall {
			t.Errorf("the lag before was %v", lag)
		}
		if open.due != due+829*time.Millisecond || d.byName["n1"].initDue != init+829*time.Millisecond || d.stood != 829*time.Millisecond {
			t.Errorf("due %v later, init %v later, stood still for %v", open.due-due, d.byName["n1"].initDue-init, d.stood)
		}
	})
}

// To sleep is no stall. To wake late is one, from the first event on or from when the
// timer expired.
func TestLoopWakesLate(t *testing.T) {
	for _, test := range []struct {
		name                string
		sleep, event, slept time.Duration // event is 0 if there is none
		want                time.Duration
	}{
		{"in time", time.Second, 0, time.Second, 0},
		{"early, for an event", time.Second, 200 * time.Millisecond, 200 * time.Millisecond, 0},
		{"late", time.Second, 0, 1400 * time.Millisecond, 400 * time.Millisecond},
		{"late, for an event", time.Second, 200 * time.Millisecond, 700 * time.Millisecond, 500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := watched(t)
			d.look()
			d.sleep = test.sleep
			time.Sleep(test.slept)
			d.events = nil
			if test.event > 0 {
				d.events = []cluster.Event{{At: d.start.Add(test.event)}}
			}
			d.wake()
			now := d.look()
			if d.stood != test.want || d.stalls.lag(now) < test.want {
				t.Errorf("%s: stood still for %v, the lag is %v", test.name, d.stood, d.stalls.lag(now))
			}
		})
	}
}

// After a pause a node needs time to read what was sent to it meanwhile.
func TestPausedNodeReadsLater(t *testing.T) {
	d := newDesk(t, "echo", sim.Config{})
	n := d.byName["n1"]
	if !d.mustRead(n) {
		t.Error("before the pause")
	}
	f := d.beginFault(sim.Fault{Kind: sim.Pause, Nodes: []string{"n1"}})
	d.now += time.Minute
	if d.mustRead(n) {
		t.Error("in the pause")
	}
	d.endFault(f)
	if d.mustRead(n) {
		t.Error("right after the pause")
	}
	d.now += pauseBacklog
	if !d.mustRead(n) {
		t.Error("long after the pause")
	}
}

// Stalls that overlap count once.
func TestStoodBetween(t *testing.T) {
	const ms = time.Millisecond
	s := &stallMonitor{}
	s.add(100*ms, 300*ms)
	s.add(310*ms, 330*ms)
	s.add(150*ms, 450*ms)
	s.add(1000*ms, 1200*ms)
	for _, test := range []struct{ from, to, want time.Duration }{
		{0, 2000 * ms, 550 * ms}, {0, 100 * ms, 0}, {200 * ms, 400 * ms, 200 * ms}, {500 * ms, 900 * ms, 0}, {1100 * ms, 1150 * ms, 50 * ms},
	} {
		if got := s.between(test.from, test.to); got != test.want {
			t.Errorf("from %v to %v: %v, want %v", test.from, test.to, got, test.want)
		}
	}
}
