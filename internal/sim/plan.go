package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Shapes of a partition.
const (
	One      = "one"      // one node is cut off from all others
	Halves   = "halves"   // the smallest majority and the rest are cut off from each other
	Majority = "majority" // each node reaches a majority; the majorities differ and overlap, as in a ring
	Ring     = "ring"     // each node reaches only its two neighbours
	OneWay   = "one-way"  // one node receives nothing from the others, or they receive nothing from it
	Clients  = "clients"  // one node is cut off from all clients
)

var shapes = []string{One, Halves, Majority, Ring, OneWay}

// Kinds are the kinds of faults that a plan can contain. Doc says what each does.
var Kinds = []struct{ Name, Doc string }{
	{"partition", "cuts links, in a shape chosen by the seed: one, halves, majority, ring, one-way"},
	{"partition-one", "cuts one node off from all others"},
	{"partition-halves", "splits the nodes into the smallest majority and the rest"},
	{"partition-majority", "lets each node reach a majority, a different one for each node"},
	{"partition-ring", "lets each node reach only its two neighbours"},
	{"partition-one-way", "cuts all links to one node, or all links from it"},
	{"partition-clients", "cuts one node off from all clients"},
	{"pause", "pauses processes (SIGSTOP) and resumes them (SIGCONT)"},
	{"kill", "kills processes (SIGKILL) and starts them again in the same directory"},
	{"kill-wipe", "kills processes and starts them again in an empty directory"},
	{"slow", "adds latency to the links of a node"},
	{"flaky", "makes the links of a node lose and duplicate messages"},
	{"clog", "holds back the messages on one link, then delivers them in the order of sending"},
	{"kill-server", "kills a NATS server (SIGKILL) and starts it again"},
	{"partition-servers", "cuts NATS servers off from each other: one from the others, two, or all; clients stay connected to their server"},
}

// NeedsServers reports whether faults of a kind affect servers of the carrier.
func NeedsServers(kind string) bool { f := Fault{Kind: FaultKind(kind)}; return f.IsServerFault() }

// A PlanConfig says which faults are planned.
type PlanConfig struct {
	Seed     uint64
	Nodes    []string
	Servers  []string      // of the carrier
	Kinds    []string      // names of Kinds; they are planned independently, so faults of different kinds overlap
	Interval time.Duration // the mean duration of a fault, and the mean time from its end to the next one of its kind
	Until    time.Duration // all faults end by then
}

// A Planned fault has a time.
type Planned struct {
	Fault
	Begin time.Duration `json:"begin_ns"`
	End   time.Duration `json:"end_ns"`
}

// String returns the time and the fault.
func (p *Planned) String() string {
	return fmt.Sprintf("%v..%v %v", p.Begin.Round(time.Millisecond), p.End.Round(time.Millisecond), &p.Fault)
}

// Plan returns the faults in the order in which they begin. The same configuration
// gives the same plan. The faults of one kind do not depend on the other kinds,
// with one exception: only one fault at a time pauses or kills a process, and the
// fault that begins later omits that process. If Until is too short for two
// intervals, the intervals are shortened, so that every kind occurs. A partition
// needs two nodes.
//
// Plan returns an error if a kind does not exist, or needs servers and there are
// fewer than two.
func Plan(c PlanConfig) ([]Planned, error) {
	var all []Planned
	for i, kind := range c.Kinds {
		if !slices.ContainsFunc(Kinds, func(k struct{ Name, Doc string }) bool { return k.Name == kind }) {
			return nil, fmt.Errorf("fault %q: must be one of %s", kind, KindNames())
		}
		if NeedsServers(kind) && len(c.Servers) < 2 {
			return nil, fmt.Errorf("%s needs servers", kind)
		}
		if slices.Contains(c.Kinds[:i], kind) || len(c.Nodes) == 0 {
			continue
		}
		h := xxhash.Sum64String(kind)
		// The seed is mixed because PCG's first numbers are similar for similar seeds.
		p := planner{c, rand.New(rand.NewPCG(mix(c.Seed, h), h))}
		all = append(all, p.times(kind)...)
	}
	slices.SortStableFunc(all, func(a, b Planned) int { return cmp.Compare(a.Begin, b.Begin) })
	return omitBusyNodes(all), nil
}

// KindNames returns the names of all kinds, separated by commas.
func KindNames() string {
	var names []string
	for _, k := range Kinds {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

// A planner makes the faults of one kind.
type planner struct {
	PlanConfig
	rand *rand.Rand
}

// times plans the faults of one kind, one after another.
func (p *planner) times(kind string) (all []Planned) {
	interval := min(p.Interval, p.Until*2/5)
	if interval <= 0 {
		return nil
	}
	for now := p.wait(interval); ; {
		end := now + p.wait(interval)
		if end > p.Until {
			return all
		}
		if f, ok := p.fault(kind); ok {
			all = append(all, Planned{Fault: f, Begin: now, End: end})
		}
		now = end + p.wait(interval)
	}
}

// wait returns a random time between 3/4 and 5/4 of an interval. Twice the longest
// time fits into Until, since times limits the interval to 2/5 of it.
func (p *planner) wait(interval time.Duration) time.Duration {
	return interval*3/4 + time.Duration(p.rand.Float64()*float64(interval/2))
}

// fault returns a random fault of a kind. It returns false if there are too few
// nodes.
func (p *planner) fault(kind string) (Fault, bool) {
	if NeedsServers(kind) {
		return p.serverFault(FaultKind(kind)), true
	}
	shape, isPartition := "", kind == "partition"
	if isPartition {
		shape = shapes[p.rand.IntN(len(shapes))]
	} else if shape, isPartition = strings.CutPrefix(kind, "partition-"); !isPartition {
		shape = ""
	}
	if isPartition {
		return p.partition(shape)
	}
	f := Fault{Kind: FaultKind(kind)}
	switch f.Kind {
	case Pause, Kill, KillWipe:
		f.Nodes = p.someNodes()
	case Slow:
		f.Nodes = p.someNodes()
		f.Links = around(f.Nodes, p.Nodes)
		f.Delay = time.Duration(100+p.rand.IntN(900)) * time.Millisecond
	case Clog:
		if len(p.Nodes) < 2 {
			return f, false
		}
		f.Nodes = p.shuffled()[:2]
		f.Links = []Link{{f.Nodes[0], f.Nodes[1]}}
	case Flaky:
		f.Nodes = p.someNodes()
		f.Links = around(f.Nodes, p.Nodes)
		f.Loss = 0.2 + 0.6*p.rand.Float64()
		f.Duplicate = 0.3 * p.rand.Float64()
	}
	return f, true
}

// Further shapes of a partition of servers.
const (
	LinkShape = "link" // two servers do not reach each other; both reach the third
	All       = "all"  // no server reaches another
)

var serverShapes = []string{One, LinkShape, All}

// serverFault returns a random fault of servers.
func (p *planner) serverFault(kind FaultKind) Fault {
	f, n := Fault{Kind: kind}, 1
	if kind == PartitionServers {
		f.Shape = serverShapes[p.rand.IntN(len(serverShapes))]
		n = map[string]int{One: 1, LinkShape: 2, All: len(p.Servers)}[f.Shape]
	}
	f.Servers = p.choose(n, p.Servers)
	return f
}

// someNodes returns one node, or a minority, or all nodes, in their order.
func (p *planner) someNodes() []string {
	n := 1
	switch p.rand.IntN(4) {
	case 0:
		n = max(1, (len(p.Nodes)-1)/2)
	case 1:
		n = len(p.Nodes)
	}
	return p.choose(n, p.Nodes)
}

// choose returns n random elements of all, in their order.
func (p *planner) choose(n int, all []string) (some []string) {
	chosen := p.rand.Perm(len(all))[:n]
	slices.Sort(chosen)
	for _, i := range chosen {
		some = append(some, all[i])
	}
	return some
}

func (p *planner) shuffled() []string {
	s := slices.Clone(p.Nodes)
	p.rand.Shuffle(len(s), func(i, k int) { s[i], s[k] = s[k], s[i] })
	return s
}

// partition returns a random partition of a shape. It returns false if there are
// too few nodes.
func (p *planner) partition(shape string) (Fault, bool) {
	f := Fault{Kind: Partition, Shape: shape}
	s := p.shuffled()
	switch shape {
	case Clients:
		f.Nodes = s[:1]
		f.Links = []Link{{AnyClient, s[0]}, {s[0], AnyClient}}
	case One:
		f.Nodes = s[:1]
		f.Links = around(s[:1], p.Nodes)
	case Halves:
		f.Nodes = s[:len(s)/2]
		f.Links = between(f.Nodes, s[len(s)/2:])
	case OneWay:
		f.Nodes = s[:1]
		toward := p.rand.IntN(2) == 0
		for _, l := range around(s[:1], p.Nodes) {
			if (l.To == s[0]) == toward {
				f.Links = append(f.Links, l)
			}
		}
	case Majority:
		f.Nodes = s
		f.Links = beyond(s, (len(s)/2+1)/2)
		if len(s) == 3 {
			f.Links = []Link{{s[0], s[1]}, {s[1], s[2]}, {s[2], s[0]}} // each receives from one other
		}
	case Ring:
		f.Nodes = s
		f.Links = beyond(s, 1)
	}
	if len(f.Links) == 0 && len(p.Nodes) > 1 {
		return p.partition(One) // in a ring this small, all nodes reach each other
	}
	return f, len(f.Links) > 0
}

// around returns all links between some of the nodes and any other node, in both
// directions.
func around(some, all []string) (links []Link) {
	for i, a := range all {
		for _, b := range all[i+1:] {
			if slices.Contains(some, a) || slices.Contains(some, b) {
				links = append(links, Link{a, b}, Link{b, a})
			}
		}
	}
	return links
}

// between returns all links between two groups of nodes, in both directions.
func between(some, others []string) (links []Link) {
	for _, a := range some {
		for _, b := range others {
			links = append(links, Link{a, b}, Link{b, a})
		}
	}
	return links
}

// beyond returns all links between nodes whose distance in a ring is larger than
// steps.
func beyond(ring []string, steps int) (links []Link) {
	for i, a := range ring {
		for k, b := range ring {
			apart := (k - i + len(ring)) % len(ring)
			if min(apart, len(ring)-apart) > steps {
				links = append(links, Link{a, b})
			}
		}
	}
	return links
}

// omitBusyNodes removes from each pause and kill the nodes that an earlier one
// still pauses or keeps down.
func omitBusyNodes(all []Planned) []Planned {
	free := map[string]time.Duration{}
	kept := all[:0]
	for _, p := range all {
		switch p.Kind {
		case Pause, Kill, KillWipe:
			p.Nodes = slices.DeleteFunc(p.Nodes, func(node string) bool { return p.Begin <= free[node] && free[node] > 0 })
			if len(p.Nodes) == 0 {
				continue
			}
			for _, node := range p.Nodes {
				free[node] = p.End
			}
		}
		kept = append(kept, p)
	}
	return kept
}
