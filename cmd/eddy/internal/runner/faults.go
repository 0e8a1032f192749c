package runner

import (
	"fmt"
	"slices"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/internal/sim"
)

// CheckNemeses returns an error if a name is not one of sim.Kinds, or if this
// operating system, or a network without servers, does not support it.
func CheckNemeses(names []string, overServers bool) error {
	for _, name := range names {
		switch {
		case name == string(sim.Pause) && !cluster.CanPause:
			return fmt.Errorf("pause is not supported on this operating system")
		case sim.NeedsServers(name) && !overServers:
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

// startNemeses sets the timers for all faults of the main phase.
func (r *runner) startNemeses() error {
	c := sim.PlanConfig{
		Seed: r.cfg.Network.Seed, Nodes: r.cfg.Nodes, Kinds: r.cfg.Nemeses,
		Interval: r.cfg.Interval, Until: r.cfg.TimeLimit,
	}
	if r.carrier != nil {
		c.Servers = r.carrier.Servers()
	}
	plan, err := sim.Plan(c)
	if err != nil {
		return err
	}
	start := r.now
	for _, p := range plan {
		r.faultTimers.set(start+p.Begin, func() {
			f := r.beginFault(p.Fault)
			r.faultTimers.set(start+p.End, func() { r.endFault(f) })
		})
	}
	return nil
}

func (r *runner) beginFault(fault sim.Fault) *ongoingFault {
	r.beginServerFault(&fault)
	f := &ongoingFault{r.net.Begin(r.now, fault), fault}
	r.faults = append(r.faults, f)
	for _, name := range fault.Nodes {
		n := r.byName[name]
		switch fault.Kind {
		case sim.Pause:
			n.pauses++
			r.cluster.Pause(n.index) // an error means that there is no process to pause
		case sim.Kill, sim.KillWipe:
			n.kills++
			n.wipe = n.wipe || fault.Kind == sim.KillWipe
			r.kill(n)
		}
	}
	return f
}

func (r *runner) kill(n *node) {
	if n.state != up && n.state != starting {
		return
	}
	r.net.Killed(n.name, r.now)
	n.state = killed
	r.cluster.Kill(n.index)
	r.endOperations(n)
}

// endFault ends a fault. It does nothing if the fault has ended already.
func (r *runner) endFault(f *ongoingFault) {
	at := slices.Index(r.faults, f)
	if at < 0 {
		return
	}
	r.faults = slices.Delete(r.faults, at, at+1)
	r.net.End(r.now, f.number)
	r.endServerFault(&f.fault)
	for _, name := range f.fault.Nodes {
		n := r.byName[name]
		switch f.fault.Kind {
		case sim.Pause:
			if n.pauses--; n.pauses == 0 {
				r.cluster.Resume(n.index)
				n.initDue = max(n.initDue, r.now+r.cfg.initTimeout())
				n.readsFrom = r.now + pauseBacklog
			}
		case sim.Kill, sim.KillWipe:
			if n.kills--; n.kills == 0 && n.state == down {
				r.startNode(n)
			}
		}
	}
}

// endAllFaults ends all faults. No further fault begins.
func (r *runner) endAllFaults() {
	r.faultTimers.clear()
	for len(r.faults) > 0 {
		r.endFault(r.faults[0])
	}
}
