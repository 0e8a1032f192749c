package trial

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/eddyrpc/eddy/internal/sim"
)

// A Case is what happens in a test, as lists from which single things can be removed
// while the rest stays as it was. Everything else is in the test's Config: the seed, for
// example, which decides what is asked in a turn and how long each message takes.
//
// A trial draws its case, unless Config.Case gives it. The case that a trial has drawn
// makes deterministic nodes do the same again.
//
// The JSON of a case:
//
//	{"version":1,"workload":"lin-kv","nodes":["n1","n2"],"time_limit_ns":10000000000,
//	 "faults":[{"kind":"kill","nodes":["n1"],"begin_ns":1200000000,"end_ns":2500000000}],
//	 "fates":["lost 1f0a9c3e55d20b47"],
//	 "asks":[{"at_ns":1000000,"client":0,"node":"n1","turn":1}]}
//
// Empty lists are left out. The fields of faults are those in the journal.
type Case struct {
	Version   int           `json:"version"`            // CaseVersion; Case returns it, and a replay requires it
	Workload  string        `json:"workload,omitempty"` // of the test; a replay requires it, unless it is empty
	Smallest  bool          `json:"smallest,omitzero"`  // it is what a search has left of a larger case
	Nodes     []string      `json:"nodes"`
	TimeLimit time.Duration `json:"time_limit_ns"`

	// Faults are the planned faults. Their times count from the beginning of the main
	// phase.
	Faults []sim.Planned `json:"faults,omitempty"`

	// Fates are the random losses and duplications. A message without one is neither
	// lost nor duplicated, except by faults.
	Fates []sim.Chance `json:"fates,omitempty"`

	// Asks are the requests of the main phase, in the order in which they were sent.
	Asks []Ask `json:"asks,omitempty"`
}

// CaseVersion is the version of the form of cases, and of what a replay makes of them.
const CaseVersion = 1

// An Ask is one request of a client in the main phase.
type Ask struct {
	At     time.Duration `json:"at_ns"`  // since the beginning of the main phase
	Client int           `json:"client"` // the number of the client, from 0
	Node   string        `json:"node"`   // the client's node
	Turn   int64         `json:"turn"`   // decides what is asked: see workload.Turn
}

// caseOptions encode times as nanoseconds.
var caseOptions = json.JoinOptions(jsonv1.FormatDurationAsNano(true), json.Deterministic(true))

// MarshalJSONTo writes the case as JSON.
func (c *Case) MarshalJSONTo(out *jsontext.Encoder) error {
	type fields Case
	return json.MarshalEncode(out, (*fields)(c), caseOptions)
}

// UnmarshalJSONFrom reads a case that MarshalJSONTo has written.
func (c *Case) UnmarshalJSONFrom(in *jsontext.Decoder) error {
	type fields Case
	return json.UnmarshalDecode(in, (*fields)(c), caseOptions)
}

// Apply returns the configuration of a test that replays the case: it has the case, the
// nodes of the case and its time limit, and is otherwise like cfg.
func (c *Case) Apply(cfg *Config) *Config {
	replay := *cfg
	replay.Case, replay.Nodes, replay.TimeLimit = c, c.Nodes, c.TimeLimit
	return &replay
}

// Check returns an error if a case cannot be replayed with a configuration. overServers says
// whether a carrier with servers carries the messages.
func (c *Case) Check(cfg *Config, overServers bool) error {
	switch {
	case c.Version != CaseVersion:
		return fmt.Errorf("the case has version %d; this program replays version %d", c.Version, CaseVersion)
	case c.Workload != "" && c.Workload != cfg.Spec.Name:
		return fmt.Errorf("the case is of workload %s, and not of %s", c.Workload, cfg.Spec.Name)
	case !slices.Equal(c.Nodes, cfg.Nodes) || c.TimeLimit != cfg.TimeLimit:
		return errors.New("the nodes and the time limit of the test are not those of its case")
	}
	isNode := func(name string) bool { return slices.Contains(c.Nodes, name) }
	for _, a := range c.Asks {
		if !isNode(a.Node) || a.Client < 0 || a.Client >= cfg.Concurrency {
			return fmt.Errorf("the case has a request of client %d to %s; there are %d clients, and the nodes %q", a.Client, a.Node, cfg.Concurrency, c.Nodes)
		}
	}
	for i := range c.Faults {
		f := &c.Faults[i]
		if f.IsServerFault() && !overServers {
			return fmt.Errorf("the fault %v needs NATS servers", f)
		}
		if at := slices.IndexFunc(f.Nodes, func(name string) bool { return !isNode(name) }); at >= 0 && !f.IsServerFault() {
			return fmt.Errorf("the fault %v is of %s, which is not a node of the case", f, f.Nodes[at])
		}
	}
	return nil
}

// Case returns what has happened so far. In a replay this may be less than what was
// given: a request that could not be sent before the end of the main phase has not
// happened, nor has the loss of a message that was not sent.
func (t *Trial) Case() *Case {
	c := &Case{
		Version: CaseVersion, Workload: t.cfg.Spec.Name, Nodes: slices.Clone(t.cfg.Nodes), TimeLimit: t.cfg.TimeLimit,
		Faults: slices.Clone(t.plan), Fates: slices.Clone(t.net.Chances()),
	}
	for _, a := range t.asks {
		c.Asks = append(c.Asks, Ask{At: a.at, Client: int(a.client), Node: t.nodes[a.node].name, Turn: a.turn})
	}
	return c
}

// An askRow is an Ask as a trial keeps it: without a pointer, so that many of them cost
// the garbage collector nothing.
type askRow struct {
	at           time.Duration
	turn         int64
	client, node int32
}

// noteAsk notes that a client asks in the main phase.
func (t *Trial) noteAsk(c *client) {
	t.asks = append(t.asks, askRow{t.now - t.mainBegan, t.turn.Number, int32(c.number), int32(c.node.index)})
}
