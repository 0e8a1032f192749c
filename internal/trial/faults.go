package trial

import (
	"fmt"
	"slices"

	"github.com/eddyrpc/eddy/internal/sim"
)

// CheckNemeses returns an error if a name is not one of sim.Kinds, or if a network
// without servers does not support it.
func CheckNemeses(names []string, overServers bool) error {
	for _, name := range names {
		if sim.NeedsServers(name) && !overServers {
			return fmt.Errorf("%s needs NATS servers: add --network nats", name)
		}
	}
	_, err := sim.Plan(sim.PlanConfig{Kinds: names, Nodes: []string{"n1"}, Servers: []string{"s1", "s2"}})
	return err
}

// An ongoingFault has begun and not ended.
type ongoingFault struct {
	number int // in the network
	fault  sim.Fault
}

// planFaults returns the faults of the main phase.
func (t *Trial) planFaults() ([]sim.Planned, error) {
	if t.cfg.Case != nil {
		return t.cfg.Case.Faults, nil
	}
	c := sim.PlanConfig{
		Seed: t.cfg.Network.Seed, Nodes: t.cfg.Nodes, Kinds: t.cfg.Nemeses,
		Interval: t.cfg.Interval, Until: t.cfg.TimeLimit,
	}
	if t.carrier != nil {
		c.Servers = t.carrier.Servers()
	}
	return sim.Plan(c)
}

// startNemeses sets the timers for all faults of the main phase.
func (t *Trial) startNemeses() (err error) {
	if t.plan, err = t.planFaults(); err != nil {
		return err
	}
	start := t.now
	for _, p := range t.plan {
		t.faultTimers.set(start+p.Begin, func() {
			f := t.beginFault(p.Fault)
			t.faultTimers.set(start+p.End, func() { t.endFault(f) })
		})
	}
	return nil
}

func (t *Trial) beginFault(fault sim.Fault) *ongoingFault {
	t.beginServerFault(&fault)
	f := &ongoingFault{t.net.Begin(t.now, fault), fault}
	t.faults = append(t.faults, f)
	for _, name := range fault.Nodes {
		n := t.byName[name]
		switch fault.Kind {
		case sim.Pause:
			n.pauses++
			t.processes.Pause(n.index)
		case sim.Kill, sim.KillWipe:
			n.kills++
			n.wipe = n.wipe || fault.Kind == sim.KillWipe
			t.kill(n)
		}
	}
	return f
}

func (t *Trial) kill(n *node) {
	if n.state != up && n.state != starting {
		return
	}
	t.net.Killed(n.name, t.now)
	n.state = killed
	t.processes.Kill(n.index)
	t.endOperations(n)
}

// endFault ends a fault. It does nothing if the fault has ended already.
func (t *Trial) endFault(f *ongoingFault) {
	at := slices.Index(t.faults, f)
	if at < 0 {
		return
	}
	t.faults = slices.Delete(t.faults, at, at+1)
	t.net.End(t.now, f.number)
	t.endServerFault(&f.fault)
	for _, name := range f.fault.Nodes {
		n := t.byName[name]
		switch f.fault.Kind {
		case sim.Pause:
			if n.pauses--; n.pauses == 0 {
				t.processes.Resume(n.index)
				n.initDue = max(n.initDue, t.now+t.cfg.initTimeout())
				n.readsFrom = t.now + pauseBacklog
			}
		case sim.Kill, sim.KillWipe:
			if n.kills--; n.kills == 0 && n.state == down {
				t.startNode(n)
			}
		}
	}
}

// endAllFaults ends all faults. No further fault begins.
func (t *Trial) endAllFaults() {
	t.faultTimers.clear()
	for len(t.faults) > 0 {
		t.endFault(t.faults[0])
	}
}
