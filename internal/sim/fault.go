package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// MarshalText writes the link as n1>n2.
func (l Link) MarshalText() ([]byte, error) { return []byte(l.From + ">" + l.To), nil }

// UnmarshalText parses n1>n2.
func (l *Link) UnmarshalText(text []byte) error {
	from, to, found := strings.Cut(string(text), ">")
	if !found {
		return fmt.Errorf("link %q: must have the form n1>n2", text)
	}
	l.From, l.To = from, to
	return nil
}

// A FaultKind says what a fault does.
type FaultKind string

const (
	Partition FaultKind = "partition" // its links deliver nothing
	Slow      FaultKind = "slow"      // its links delay messages by Delay
	Flaky     FaultKind = "flaky"     // its links lose and duplicate messages
	Clog      FaultKind = "clog"      // its links hold messages back until it ends
	Pause     FaultKind = "pause"     // its nodes are paused, by the runner
	Kill      FaultKind = "kill"      // its nodes are killed, by the runner
	KillWipe  FaultKind = "kill-wipe" // its nodes are killed and lose their directories

	KillServer       FaultKind = "kill-server"       // a server of the carrier is killed
	PartitionServers FaultKind = "partition-servers" // servers of the carrier are cut off from each other
)

// A Fault disturbs the network or nodes for some time.
type Fault struct {
	Kind      FaultKind     `json:"kind"`
	Shape     string        `json:"shape,omitempty"`   // of a partition: one, halves, majority, ring, one-way; of servers: one, link, all
	Servers   []string      `json:"servers,omitempty"` // the affected servers of the carrier
	Nodes     []string      `json:"nodes,omitempty"`   // the affected nodes; with Servers, the nodes connected to them
	Links     []Link        `json:"links,omitempty"`   // the affected links
	Delay     time.Duration `json:"delay_ns,omitzero"`
	Loss      float64       `json:"loss,omitzero"`
	Duplicate float64       `json:"duplicate,omitzero"`
}

// String returns the kind, the shape and the affected nodes or servers.
func (f *Fault) String() string {
	words := []string{string(f.Kind)}
	if f.Shape != "" {
		words = append(words, f.Shape)
	}
	if f.IsServerFault() {
		return strings.Join(append(words, f.Servers...), " ")
	}
	return strings.Join(append(words, f.Nodes...), " ")
}

// IsServerFault reports whether the fault affects servers of the carrier.
func (f *Fault) IsServerFault() bool { return f.Kind == KillServer || f.Kind == PartitionServers }

// clone returns a deep copy.
func (f *Fault) clone() *Fault {
	copied := *f
	copied.Nodes, copied.Links, copied.Servers = slices.Clone(f.Nodes), slices.Clone(f.Links), slices.Clone(f.Servers)
	return &copied
}

// An ongoing fault has begun and not ended.
type ongoing struct {
	number int
	fault  *Fault
	links  map[pair]bool
}

// A pair is a link, as the numbers of its endpoints.
type pair struct{ src, dest uint32 }

func (n *Network) pairs(links []Link) map[pair]bool {
	set := make(map[pair]bool, len(links))
	for _, l := range links {
		set[pair{n.endpoint(l.From).number, n.endpoint(l.To).number}] = true
	}
	return set
}

// affects reports whether the fault's links include a link, by its names or by
// AnyClient.
func (o *ongoing) affects(src, dest *endpoint) bool {
	return o.links[pair{src.number, dest.number}] ||
		o.links[pair{src.class, dest.number}] ||
		o.links[pair{src.number, dest.class}]
}

// Begin begins a fault and returns its number, for End. Pauses and kills are only
// recorded: the caller pauses and kills the processes.
func (n *Network) Begin(now time.Duration, f Fault) int {
	n.begun++
	o := ongoing{number: n.begun, fault: f.clone()}
	o.links = n.pairs(o.fault.Links)
	n.faults = append(n.faults, o)
	n.journal.event(Event{At: now, What: "begin", Fault: o.number, Begun: o.fault})
	return o.number
}

// End ends a fault. It does nothing if the fault has ended already.
func (n *Network) End(now time.Duration, number int) {
	i := slices.IndexFunc(n.faults, func(o ongoing) bool { return o.number == number })
	if i < 0 {
		return
	}
	over := n.faults[i]
	n.faults = slices.Delete(n.faults, i, i+1)
	if over.fault.Kind == Clog {
		n.unclog(now, &over)
	}
	n.journal.event(Event{At: now, What: "end", Fault: number})
}

// Faults returns the ongoing faults, in the order in which they began.
func (n *Network) Faults() []*Fault {
	var faults []*Fault
	for i := range n.faults {
		faults = append(faults, n.faults[i].fault)
	}
	return faults
}

// faultEffects returns what slow and flaky links add to a link's loss, duplication
// and latency.
func (n *Network) faultEffects(src, dest *endpoint) (loss, duplicate float64, delay time.Duration) {
	for i := range n.faults {
		o := &n.faults[i]
		if (o.fault.Kind == Slow || o.fault.Kind == Flaky) && o.affects(src, dest) {
			loss = max(loss, o.fault.Loss)
			duplicate = max(duplicate, o.fault.Duplicate)
			delay += o.fault.Delay
		}
	}
	return loss, duplicate, delay
}

// arrivalFate returns the fate of a copy that is due: Delivered, or why it cannot
// be delivered.
func (n *Network) arrivalFate(f flight, src, dest *endpoint) Fate {
	switch {
	case dest.epoch != f.epoch:
		return Killed
	case dest.down:
		return Down
	}
	for i := range n.faults {
		if o := &n.faults[i]; o.fault.Kind == Partition && o.affects(src, dest) {
			return Partitioned
		}
	}
	return Delivered
}
