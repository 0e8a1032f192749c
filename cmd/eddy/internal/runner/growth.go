package runner

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// A usage is what the processes of a node use.
type usage struct {
	memory    int // bytes
	files     int // open descriptors
	threads   int
	processes int
}

// resources are the parts of a usage that are looked at. least is how much must have been
// added to be worth a note: a node warms up, and its data grows.
var resources = []struct {
	name  string
	of    func(*usage) int
	least int
}{
	{"MiB of memory", func(u *usage) int { return u.memory >> 20 }, 100},
	{"open files", func(u *usage) int { return u.files }, 50},
	{"threads", func(u *usage) int { return u.threads }, 50},
	{"processes", func(u *usage) int { return u.processes }, 20},
}

// A usageSample is the usage of one process, and those that it has started, at one time.
type usageSample struct {
	pid int
	usage
}

// growthSamples is how often the nodes are looked at in the main phase.
const growthSamples = 8

// minGrowthInterval is the shortest time between two samples, since each reads /proc.
const minGrowthInterval = 250 * time.Millisecond

// A growthMonitor looks at what nodes use, where the system tells it.
type growthMonitor struct {
	stop    chan struct{}
	ended   sync.WaitGroup
	samples [][]usageSample // by node
}

// watchGrowth looks at the nodes while the test is in its main phase.
func (r *runner) watchGrowth(inMain bool) {
	switch {
	case inMain && r.growth == nil:
		r.growth = r.newGrowthMonitor()
	case !inMain && r.growth != nil:
		r.noteGrowth(r.growth.end())
		r.growth = nil
	}
}

// newGrowthMonitor begins to look at the nodes.
func (r *runner) newGrowthMonitor() *growthMonitor {
	g := &growthMonitor{stop: make(chan struct{}), samples: make([][]usageSample, len(r.cfg.Nodes))}
	pids := func() (all []int) {
		for i := range r.cfg.Nodes {
			all = append(all, r.cluster.PID(i))
		}
		return all
	}
	interval := max(minGrowthInterval, r.cfg.TimeLimit/growthSamples)
	g.ended.Go(func() {
		ticks := time.NewTicker(interval)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				g.sample(pids())
			case <-g.stop:
				return
			}
		}
	})
	return g
}

// sample adds a sample of each node that runs.
func (g *growthMonitor) sample(pids []int) {
	of := usageOf(pids)
	for i, pid := range pids {
		if u, ok := of[pid]; ok && pid != 0 {
			g.samples[i] = append(g.samples[i], usageSample{pid, u})
		}
	}
}

// end ends the monitor and returns the samples of each node.
func (g *growthMonitor) end() [][]usageSample {
	close(g.stop)
	g.ended.Wait()
	return g.samples
}

// noteGrowth adds a note for each resource that nodes used more and more of.
func (r *runner) noteGrowth(samples [][]usageSample) {
	for _, resource := range resources {
		var growing []string
		most, text := 0, ""
		for i, all := range samples {
			from, to, grew := growth(all, resource.of, resource.least)
			if !grew {
				continue
			}
			growing = append(growing, r.cfg.Nodes[i])
			if to-from > most {
				most, text = to-from, fmt.Sprintf("used more and more: %s had %d %s, and at the end %d", r.cfg.Nodes[i], from, resource.name, to)
			}
		}
		for _, name := range growing {
			r.trial.Note(text, name)
		}
	}
}

// growth returns what the last process of a node used after its first samples and at the
// end, and whether this grew all the time: at least by least, to at least one and a half
// times as much, and at least an eighth of it in each half of the time.
func growth(all []usageSample, of func(*usage) int, least int) (from, to int, grew bool) {
	for i := range slices.Backward(all) {
		if all[i].pid != all[len(all)-1].pid {
			all = all[i+1:]
			break
		}
	}
	all = all[len(all)/4:] // a node warms up
	if len(all) < 4 {
		return 0, 0, false
	}
	from, to = of(&all[0].usage), of(&all[len(all)-1].usage)
	middle := of(&all[len(all)/2].usage)
	added := to - from
	return from, to, added >= least && 2*to >= 3*from && 8*(middle-from) >= added && 8*(to-middle) >= added
}
