// Package workload is what a test asks of nodes and what it makes of their
// answers: one file per workload.
package workload

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/message"
)

// A Request is one operation that a client asks a node for.
type Request struct {
	F     string         // what it is called in the history
	Value jsontext.Value // what is asked, in the history; may be nil
	Node  string         // whom to ask; "" is the client's own node
	Body  []byte         // what to send, without ids
	Type  string         // the body's type
	Want  string         // the type of a good reply
	Key   int64          // the workload's own
}

// Env is what a workload knows of its test.
type Env struct {
	Nodes    []string
	Topology map[string][]string
	Rand     *rand.Rand

	// CallTimeout and CallAttempts are what a relay promises.
	CallTimeout  time.Duration
	CallAttempts int
	CallBackoff  time.Duration

	// IgnoreLate says that a relay takes no reply to an attempt whose time is
	// over.
	IgnoreLate bool

	// Flooded says that clients ask as fast as they can.
	Flooded bool
}

// A Workload is one workload in one test. Its methods are for one goroutine.
type Workload interface {
	// Setup is asked, and must be answered, before all else.
	Setup() []Request
	// Next is the next request of a worker, who is bound to a node.
	Next(node string) Request
	// Read reads a good reply. An error says what is wrong with its shape.
	Read(req *Request, body []byte) (jsontext.Value, error)
	// Final is asked of every node when all is calm.
	Final(node string) Request
	// Settled reports whether the answers to Final are as they shall be. As
	// long as they are not they are asked again, for a while.
	Settled(ops []history.Op) bool
	// Expects reports whether an operation's error is an answer that a good node
	// may give when nothing is wrong.
	Expects(op *history.Op) bool
	// Check judges what happened. Its numbers are shown with the verdict.
	Check(Record) ([]checker.Problem, []checker.Number)
}

// A Record is all that happened in a test.
type Record struct {
	History *history.History
	Journal *sim.Journal
	End     time.Duration // when the nodes were told to end

	// Lag is how late we may have read a line that we read at a time, since the
	// machine was busy. nil is never.
	Lag func(at time.Duration) time.Duration
}

// A Spec is a workload that can be chosen. docs/workloads.md is made of the doc
// comments of the types whose names are theirs without the hyphen.
type Spec struct {
	Name string
	New  func(Env) Workload

	// Alone says that a node can answer without others, so that no fault of the
	// network's is a reason not to.
	Alone bool

	// Lingers says that what nodes still tell each other when all clients have
	// their answers matters to what is checked, so that it is waited for before
	// the final phase.
	Lingers bool
}

// Specs are all workloads.
var Specs = []Spec{
	{Name: "echo", New: newEcho, Alone: true},
	{Name: "unique-ids", New: newUniqueIDs},
	{Name: "broadcast", New: newBroadcast, Lingers: true},
	{Name: "lin-kv", New: newLinKV},
	{Name: "relay", New: newRelay, Lingers: true},
}

// Find returns the workload of a name. Its error names those that there are.
func Find(name string) (Spec, error) {
	names := []string{}
	for _, s := range Specs {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Spec{}, fmt.Errorf("there is no workload %q; there are %s", name, strings.Join(names, ", "))
}

// Member is one member of an object, as it stands there, or nil.
func Member(object []byte, name string) jsontext.Value { return message.Member(object, name) }

// need is Member for one that must be there.
func need(body []byte, name string) (jsontext.Value, error) {
	v := Member(body, name)
	if v == nil {
		return nil, fmt.Errorf("has no %q", name)
	}
	return v, nil
}
