package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// CheckNemeses is an error if a name is none of sim.Kinds, or one that this
// system, or a network without servers, can't do.
func CheckNemeses(names []string, overServers bool) error {
	for _, name := range names {
		switch {
		case name == string(sim.Pause) && !cluster.CanPause:
			return fmt.Errorf("the nemesis pause needs signals that this system doesn't have")
		case sim.NeedsServers(name) && !overServers:
			return fmt.Errorf("%s needs NATS servers, which come with --network nats", name)
		}
	}
	_, err := sim.Plan(sim.PlanConfig{Kinds: names, Nodes: []string{"n1"}, Servers: []string{"s1", "s2"}})
	return err
}

// NemesisNames are the names of all nemeses.
func NemesisNames() string {
	var names []string
	for _, kind := range sim.Kinds {
		names = append(names, kind.Name)
	}
	return strings.Join(names, ", ")
}

// An affliction is a fault that goes on.
type affliction struct {
	number int // the network's
	fault  sim.Fault
}

// beginNemeses sets the alarms for all that goes wrong in the main phase.
func (r *runner) beginNemeses() error {
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
		r.alarms.set(start+p.Begin, func() {
			a := r.afflict(p.Fault)
			r.alarms.set(start+p.End, func() { r.relieve(a) })
		})
	}
	return nil
}

// afflict begins a fault.
func (r *runner) afflict(f sim.Fault) *affliction {
	r.beginOfServers(&f)
	a := &affliction{r.net.Begin(r.now, f), f}
	r.afflictions = append(r.afflictions, a)
	for _, name := range f.Nodes {
		n := r.byName[name]
		switch f.Kind {
		case sim.Pause:
			n.paused++
			r.cluster.Pause(n.index) // an error means that there is no process, which is still enough
		case sim.Kill, sim.KillWipe:
			n.held++
			n.wipe = n.wipe || f.Kind == sim.KillWipe
			r.kill(n)
		}
	}
	return a
}

func (r *runner) kill(n *node) {
	if n.state != up && n.state != starting {
		return
	}
	r.net.Killed(n.name, r.now)
	n.state = dying
	r.cluster.Kill(n.index)
	r.abandon(n)
}

// relieve ends a fault, once.
func (r *runner) relieve(a *affliction) {
	at := slices.Index(r.afflictions, a)
	if at < 0 {
		return
	}
	r.afflictions = slices.Delete(r.afflictions, at, at+1)
	r.net.End(r.now, a.number)
	r.endOfServers(&a.fault)
	for _, name := range a.fault.Nodes {
		n := r.byName[name]
		switch a.fault.Kind {
		case sim.Pause:
			if n.paused--; n.paused == 0 {
				r.cluster.Resume(n.index)
				n.initDue = max(n.initDue, r.now+r.cfg.initTimeout())
			}
		case sim.Kill, sim.KillWipe:
			if n.held--; n.held == 0 && n.state == down {
				r.begin(n)
			}
		}
	}
}

// heal ends all faults; none begins any more.
func (r *runner) heal() {
	r.alarms.clear()
	for len(r.afflictions) > 0 {
		r.relieve(r.afflictions[0])
	}
}
