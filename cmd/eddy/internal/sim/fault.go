package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// MarshalText writes n1>n2.
func (l Link) MarshalText() ([]byte, error) { return []byte(l.From + ">" + l.To), nil }

// UnmarshalText reads n1>n2.
func (l *Link) UnmarshalText(text []byte) error {
	from, to, found := strings.Cut(string(text), ">")
	if !found {
		return fmt.Errorf("%q is no link such as n1>n2", text)
	}
	l.From, l.To = from, to
	return nil
}

// A FaultKind is what a fault does.
type FaultKind string

const (
	Partition FaultKind = "partition" // its links deliver nothing
	Slow      FaultKind = "slow"      // its links take Delay longer
	Flaky     FaultKind = "flaky"     // its links lose and duplicate more
	Clog      FaultKind = "clog"      // its links hold what is on them until it ends
	Pause     FaultKind = "pause"     // its nodes stand still; the runner's business
	Kill      FaultKind = "kill"      // its nodes are killed; the runner's business
	KillWipe  FaultKind = "kill-wipe" // likewise, and they lose their directories

	KillServer       FaultKind = "kill-server"       // a server of the network that this one goes over is killed
	PartitionServers FaultKind = "partition-servers" // such servers are cut off from each other
)

// A Fault is something that goes wrong for a while.
type Fault struct {
	Kind      FaultKind     `json:"kind"`
	Shape     string        `json:"shape,omitempty"` // of a partition: one, halves, majority, ring, one-way; of servers: one, link, all
	Servers   []string      `json:"servers,omitempty"`
	Nodes     []string      `json:"nodes,omitempty"` // whom it is about; of servers, who was connected to them
	Links     []Link        `json:"links,omitempty"`
	Delay     time.Duration `json:"delay_ns,omitzero"`
	Loss      float64       `json:"loss,omitzero"`
	Duplicate float64       `json:"duplicate,omitzero"`
}

func (f *Fault) String() string {
	words := []string{string(f.Kind)}
	if f.Shape != "" {
		words = append(words, f.Shape)
	}
	if f.IsOfServers() {
		return strings.Join(append(words, f.Servers...), " ")
	}
	return strings.Join(append(words, f.Nodes...), " ")
}

// IsOfServers reports whether it is about servers, and not about links and nodes.
func (f *Fault) IsOfServers() bool { return f.Kind == KillServer || f.Kind == PartitionServers }

// clone shares nothing with f.
func (f *Fault) clone() *Fault {
	copied := *f
	copied.Nodes, copied.Links, copied.Servers = slices.Clone(f.Nodes), slices.Clone(f.Links), slices.Clone(f.Servers)
	return &copied
}

// An ongoing fault.
type ongoing struct {
	number int
	fault  *Fault
	links  map[pair]bool
}

// pair is a link in numbers.
type pair struct{ src, dest uint32 }

func (n *Network) pairs(links []Link) map[pair]bool {
	set := make(map[pair]bool, len(links))
	for _, l := range links {
		set[pair{n.end(l.From).number, n.end(l.To).number}] = true
	}
	return set
}

// touches says whether the fault is about the link, by name or as a client's.
func (o *ongoing) touches(src, dest *end) bool {
	return o.links[pair{src.number, dest.number}] ||
		o.links[pair{src.class, dest.number}] ||
		o.links[pair{src.number, dest.class}]
}
