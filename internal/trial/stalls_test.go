package trial

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// When the loop that runs a trial stands still, lines are late and no message is carried.
// Neither nodes nor clients lose this time.
func TestStoodStill(t *testing.T) {
	d := newDesk(t, "echo", sim.Config{})
	c := d.ask("n1", "echo", `"a"`)
	open := d.byClient[c.name]
	due, init := open.due, d.byName["n1"].initDue
	const before, after = 5 * time.Millisecond, 834 * time.Millisecond
	d.StoodStill(before, after)
	for _, at := range []time.Duration{before, after, after + 50*time.Millisecond} {
		if lag := d.stalls.lag(at); lag < after-before {
			t.Errorf("the lag at %v is %v", at, lag)
		}
	}
	if lag := d.stalls.lag(before - time.Millisecond); lag > MinStall {
		t.Errorf("the lag before was %v", lag)
	}
	if open.due != due+after-before || d.byName["n1"].initDue != init+after-before || d.stood != after-before {
		t.Errorf("due %v later, init %v later, stood still for %v", open.due-due, d.byName["n1"].initDue-init, d.stood)
	}
}

// A test on a machine that stands still too long ends without a verdict.
func TestStoodStillTooLong(t *testing.T) {
	d := newDesk(t, "echo", sim.Config{})
	for at := time.Duration(0); at < maxStood; at += 10 * time.Second {
		d.StoodStill(at, at+10*time.Second)
	}
	if d.ending || d.stopped != "" {
		t.Errorf("stopped after %v: %s", d.stood, d.stopped)
	}
	d.StoodStill(maxStood, maxStood+time.Second)
	if !d.ending || d.stopped != "this machine is too busy: eddy itself stood still for 1m1s" {
		t.Errorf("stopped: %q", d.stopped)
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
	var s stalls
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
