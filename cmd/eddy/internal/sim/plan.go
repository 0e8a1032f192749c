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
	One      = "one"      // one node alone
	Halves   = "halves"   // a bare majority and the rest
	Majority = "majority" // each node sees a majority, no two the same: a ring of overlapping ones
	Ring     = "ring"     // each node sees its two neighbours alone
	OneWay   = "one-way"  // one node is heard by nobody, or hears nobody
	Clients  = "clients"  // one node and all clients
)

var shapes = []string{One, Halves, Majority, Ring, OneWay}

// Kinds are what a plan can be made of, with what each does.
var Kinds = []struct{ Name, Doc string }{
	{"partition", "cuts links, in a shape chosen by the seed: one, halves, majority, ring, one-way"},
	{"partition-one", "cuts one node off from all others"},
	{"partition-halves", "splits the nodes into a bare majority and the rest"},
	{"partition-majority", "lets each node see a majority, but no two the same one"},
	{"partition-ring", "lets each node see its two neighbours alone"},
	{"partition-one-way", "lets one node hear nobody, or be heard by nobody"},
	{"partition-clients", "cuts one node off from all clients"},
	{"pause", "holds processes still (SIGSTOP) and lets them go on (SIGCONT)"},
	{"kill", "kills processes (SIGKILL) and starts them again in the same directory"},
	{"kill-wipe", "kills processes and starts them again in an empty directory"},
	{"slow", "makes the links of a node take longer"},
	{"flaky", "makes the links of a node lose and duplicate messages"},
	{"clog", "holds what is on one link, one way, and then lets it go in order of sending"},
	{"kill-server", "kills a NATS server (SIGKILL) and starts it again"},
	{"partition-servers", "cuts NATS servers off from each other: one from the others, two, or all; who is connected to one stays so"},
}

// NeedsServers reports whether a kind is about the servers of PlanConfig.
func NeedsServers(kind string) bool { f := Fault{Kind: FaultKind(kind)}; return f.IsOfServers() }

// A PlanConfig says what goes wrong and when.
type PlanConfig struct {
	Seed     uint64
	Nodes    []string
	Servers  []string      // of the network beneath, if there is one
	Kinds    []string      // names of Kinds; each goes its own way, so that several faults are on at once
	Interval time.Duration // between a fault's beginning and its end, and from there to the next, on average
	Until    time.Duration // all faults have ended by then
}

// A Planned fault and its time.
type Planned struct {
	Fault
	Begin, End time.Duration
}

func (p *Planned) String() string {
	return fmt.Sprintf("%v..%v %v", p.Begin.Round(time.Millisecond), p.End.Round(time.Millisecond), &p.Fault)
}

// Plan is what goes wrong, in the order in which it begins. The same
// configuration makes the same plan, and what one kind does depends on no other
// kind, but that a process is held or killed by one fault at a time: the one
// that begins later leaves it out. Where the time is too short for two
// intervals the intervals shrink, so that every kind has a turn. A partition
// needs two nodes.
//
// The error names a kind that there is not, or that needs servers.
func Plan(c PlanConfig) ([]Planned, error) {
	var all []Planned
	for i, kind := range c.Kinds {
		if !slices.ContainsFunc(Kinds, func(k struct{ Name, Doc string }) bool { return k.Name == kind }) {
			return nil, fmt.Errorf("there is no fault %q; there are %s", kind, kindNames())
		}
		if NeedsServers(kind) && len(c.Servers) < 2 {
			return nil, fmt.Errorf("%s needs servers", kind)
		}
		if slices.Contains(c.Kinds[:i], kind) || len(c.Nodes) == 0 {
			continue
		}
		h := xxhash.Sum64String(kind)
		p := planner{c, rand.New(rand.NewPCG(mix(c.Seed, h), h))} // mixed: neighbouring seeds begin alike
		all = append(all, p.times(kind)...)
	}
	slices.SortStableFunc(all, func(a, b Planned) int { return cmp.Compare(a.Begin, b.Begin) })
	return disentangle(all), nil
}

func kindNames() string {
	var names []string
	for _, k := range Kinds {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

type planner struct {
	PlanConfig
	rand *rand.Rand
}

// times lays faults of one kind one after another.
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
			all = append(all, Planned{f, now, end})
		}
		now = end + p.wait(interval)
	}
}

// wait is from three quarters of an interval to five quarters. Two of the
// longest fit into the whole time.
func (p *planner) wait(interval time.Duration) time.Duration {
	return interval*3/4 + time.Duration(p.rand.Float64()*float64(interval/2))
}

func (p *planner) fault(kind string) (Fault, bool) {
	if NeedsServers(kind) {
		return p.ofServers(FaultKind(kind)), true
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
		f.Nodes = p.some()
	case Slow:
		f.Nodes = p.some()
		f.Links = around(f.Nodes, p.Nodes)
		f.Delay = time.Duration(100+p.rand.IntN(900)) * time.Millisecond
	case Clog:
		if len(p.Nodes) < 2 {
			return f, false
		}
		f.Nodes = p.shuffled()[:2]
		f.Links = []Link{{f.Nodes[0], f.Nodes[1]}}
	case Flaky:
		f.Nodes = p.some()
		f.Links = around(f.Nodes, p.Nodes)
		f.Loss = 0.2 + 0.6*p.rand.Float64()
		f.Duplicate = 0.3 * p.rand.Float64()
	}
	return f, true
}

// Shapes of a partition of servers, beside One.
const (
	LinkShape = "link" // two servers don't see each other; a third sees both
	All       = "all"  // no server sees another
)

var serverShapes = []string{One, LinkShape, All}

// ofServers is about one server, or about two or all if these are cut off from each
// other.
func (p *planner) ofServers(kind FaultKind) Fault {
	f, n := Fault{Kind: kind}, 1
	if kind == PartitionServers {
		f.Shape = serverShapes[p.rand.IntN(len(serverShapes))]
		n = map[string]int{One: 1, LinkShape: 2, All: len(p.Servers)}[f.Shape]
	}
	f.Servers = p.choose(n, p.Servers)
	return f
}

// some is one node, or a minority, or all of them, in their order.
func (p *planner) some() []string {
	n := 1
	switch p.rand.IntN(4) {
	case 0:
		n = max(1, (len(p.Nodes)-1)/2)
	case 1:
		n = len(p.Nodes)
	}
	return p.choose(n, p.Nodes)
}

// choose is so many of all, in their order.
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
			f.Links = []Link{{s[0], s[1]}, {s[1], s[2]}, {s[2], s[0]}} // each hears one other
		}
	case Ring:
		f.Nodes = s
		f.Links = beyond(s, 1)
	}
	if len(f.Links) == 0 && len(p.Nodes) > 1 {
		return p.partition(One) // a ring so small that all see each other
	}
	return f, len(f.Links) > 0
}

// around is every link between some of the nodes and any other, both ways.
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

func between(some, others []string) (links []Link) {
	for _, a := range some {
		for _, b := range others {
			links = append(links, Link{a, b}, Link{b, a})
		}
	}
	return links
}

// beyond is every link of a ring between nodes more than so many steps apart.
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

// disentangle leaves out what would pause or kill a process that another fault
// has in its hands.
func disentangle(all []Planned) []Planned {
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
