// Package workload defines what clients request from nodes in a test, and how the
// replies are checked. Each workload has its own file.
package workload

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/txn"
	"github.com/eddyrpc/eddy/retry"
)

// A Request is the request of one operation.
type Request struct {
	F     string         // the operation's F in the history
	Value jsontext.Value // the operation's Value in the history; may be nil
	Node  string         // the receiver; "" means the client's node
	Body  []byte         // the body without ids
	Type  string         // the body's type
	Want  string         // the type of a successful reply
	Key   int64          // for the workload's own use

	keys   []int64   // of a poll or a list of workload kafka, sorted
	reader logReader // gets its result
}

// An Env describes the test of a workload.
type Env struct {
	Nodes    []string
	Topology map[string][]string

	// Turn, unless nil, is set before each Next, and so is the state of Rand: what a
	// client asks depends on its own number and on how often it has asked, and not on
	// the order in which other clients got their replies. So two tests with the same
	// seed ask the same.
	Turn *Turn
	Rand *rand.Rand

	// CallTimeout, CallAttempts and CallBackoff are the configuration of relays.
	CallTimeout  time.Duration
	CallAttempts int
	CallBackoff  time.Duration

	// CallPolicy, unless nil, says more about relays: how long each attempt waits, and when a
	// call may end.
	CallPolicy *retry.Policy

	// IgnoreLate reports that relays ignore replies that arrive after their
	// attempt's timeout.
	IgnoreLate bool

	Txn TxnConfig

	// Flooded reports that clients send requests as fast as they can.
	Flooded bool
}

// A TxnConfig is the configuration of workloads of transactions. Workload kafka has the
// same keys.
type TxnConfig struct {
	Models          []txn.Model // that the transactions must fit
	KeyCount        int         // how many keys are in use at a time
	MaxLength       int         // how many operations a transaction has at most
	MaxWritesPerKey int         // after how many writes a key is replaced
}

// A Turn says for which request Next is called.
type Turn struct {
	Number int64 // of the request: from 1 on, each once, about in their order
	Client int   // the number of the client, from 0
}

// number returns the number of the request for which Next is called, if the latest one
// had the number last.
func (e *Env) number(last int64) int64 {
	if e.Turn == nil {
		return last + 1
	}
	return e.Turn.Number
}

// A Workload is a workload in one test. Its methods must be called from one
// goroutine.
type Workload interface {
	// Setup returns requests that must succeed before all others are sent.
	Setup() []Request
	// Next returns the next request of a client, whose own node is given.
	Next(node string) Request
	// Read returns the result in the body of a successful reply. The error says
	// what is wrong with the body.
	Read(req *Request, body []byte) (jsontext.Value, error)
	// Final returns a request of the final phase for a node.
	Final(node string) Request
	// Settled reports whether the results of Final are complete. While they are
	// not, the final requests are repeated for some time.
	Settled(ops []history.Op) bool
	// ExpectsError reports whether a correct node may reply with an operation's
	// error when there is no fault.
	ExpectsError(op *history.Op) bool
	// Check checks what happened. Its numbers are shown with the verdict.
	Check(Record) ([]checker.Problem, []checker.Number)
}

// A ManyFinal is a workload that has several final requests for a node.
type ManyFinal interface {
	// Finals returns requests of the final phase for a node. It is used instead of
	// Final.
	Finals(node string) []Request
	// Progressed reports whether the results that were given to Settled last had
	// some that were missing. Then the final requests are repeated for longer.
	Progressed() bool
}

// A Listener is a workload that is told how the operations that Next returned have ended
// for their clients.
type Listener interface {
	Ended(req *Request, outcome history.Outcome)
}

// An ErrorReader is a workload in which some errors are results, as good as those of
// operations that end ok: the node has served the request.
type ErrorReader interface {
	IsResult(op *history.Op) bool
}

// A Record is everything that happened in a test.
type Record struct {
	History *history.History
	Journal *sim.Journal
	End     time.Duration // when the nodes were told to end

	// NoNumbers says that nobody will read the numbers, so that Check need not return those
	// that take long.
	NoNumbers bool

	// Lag returns how much earlier a line may have been written than it was read
	// at a time, because this program was delayed. nil means never.
	Lag func(at time.Duration) time.Duration

	// Stood returns how long this program stood still between two times, and carried
	// no message. nil means never.
	Stood func(from, to time.Duration) time.Duration
}

// A Spec describes a workload. docs/workloads.md is generated from the doc comment of
// the type with its name, without the hyphen.
type Spec struct {
	Name string
	New  func(Env) Workload

	// Independent reports that a node needs no other node to reply, so that no
	// fault of the network excuses an error.
	Independent bool

	// AwaitsMessages reports that messages between nodes can change the results
	// after all clients have their replies. Then the test waits for these messages
	// before the final phase.
	AwaitsMessages bool

	// Strict reports that the workload is about messages between nodes, so that
	// these are judged as strictly as those to clients.
	Strict bool

	// Rate and Concurrency are used unless the command line says otherwise. They are
	// so large that a test of 10 s finds a bug in one of 500 operations.
	Rate        float64 // operations per second
	Concurrency string  // the number of clients, as in --concurrency

	// LeastOK is the share of the operations in the main phase that must end ok.
	// Otherwise too little was tested.
	LeastOK func(nodes int) float64
}

// Clients returns the number of clients that Concurrency means with a number of nodes.
func (s *Spec) Clients(nodes int) int {
	number, perNode := strings.CutSuffix(s.Concurrency, "n")
	n, err := strconv.Atoi(number)
	if err != nil {
		panic(err) // Specs are constant
	}
	if perNode {
		n *= nodes
	}
	return n
}

func quarter(int) float64 { return 0.25 }

// halfOfOneNode is for nodes that may refuse everything while they are not the leader:
// half of the requests to one node.
func halfOfOneNode(nodes int) float64 { return min(0.25, 0.5/float64(nodes)) }

// Specs are the specs of all workloads.
var Specs = []Spec{
	{Name: "echo", New: newEcho, Independent: true, Rate: 500, Concurrency: "4n", LeastOK: quarter},
	{Name: "unique-ids", New: newUniqueIDs, Rate: 500, Concurrency: "4n", LeastOK: quarter},
	{Name: "broadcast", New: newBroadcast, AwaitsMessages: true, Rate: 250, Concurrency: "4n", LeastOK: quarter},
	{Name: "g-set", New: newGSet, AwaitsMessages: true, Rate: 250, Concurrency: "4n", LeastOK: quarter},
	{Name: "g-counter", New: newGCounter, AwaitsMessages: true, Rate: 250, Concurrency: "4n", LeastOK: quarter},
	{Name: "pn-counter", New: newPNCounter, AwaitsMessages: true, Rate: 250, Concurrency: "4n", LeastOK: quarter},
	{Name: "lin-kv", New: newLinKV, Rate: 500, Concurrency: "4n", LeastOK: halfOfOneNode},
	{Name: "kafka", New: newKafka, AwaitsMessages: true, Rate: 250, Concurrency: "4n", LeastOK: quarter},
	{Name: "txn-list-append", New: newTxnListAppend, AwaitsMessages: true, Rate: 100, Concurrency: "2n", LeastOK: halfOfOneNode},
	{Name: "txn-rw-register", New: newTxnRWRegister, AwaitsMessages: true, Rate: 100, Concurrency: "2n", LeastOK: halfOfOneNode},
	{Name: "relay", New: newRelay, AwaitsMessages: true, Strict: true, Rate: 250, Concurrency: "4n", LeastOK: quarter},
}

// Find returns the workload of a name. The error lists the names of all workloads.
func Find(name string) (Spec, error) {
	names := []string{}
	for _, s := range Specs {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Spec{}, fmt.Errorf("workload %q: must be one of %s", name, strings.Join(names, ", "))
}

// Member returns the raw value of an object's member, or nil.
func Member(object []byte, name string) jsontext.Value { return message.Member(object, name) }

// missing returns the error for a body without a member.
func missing(name string) error { return fmt.Errorf("the body has no %q", name) }
