package workload

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/spread"
)

// broadcast is the workload in which clients broadcast integers and read the
// integers that a node knows. In the end all nodes must know all integers. First
// every node gets its neighbours (--topology). It may send messages to other nodes,
// too.
//
//	{"type":"topology","topology":{"n1":["n2","n3"],"n2":["n1"],"n3":["n1"]}}
//	{"type":"topology_ok"}
//	{"type":"broadcast","message":17}
//	{"type":"broadcast_ok"}
//	{"type":"read"}
//	{"type":"read_ok","messages":[3,17]}
//
// The messages of a read_ok may be null, which means an empty list. The integers are less
// than 2^25 and do not come in their order. A client sends about one broadcast in sixteen
// again, as one does that got no reply, perhaps to another node. The node must know the
// integer once.
//
// After all faults, clients read every node until it returns all elements that were
// acknowledged or that any read returned, for at most 10 s. An element that a client
// has read must not disappear, even if its broadcast was never acknowledged.
//
// A broadcast that gets no reply, or an indefinite error, may or may not have taken
// effect. One that gets a definite error must not have. A late acknowledgement counts from
// when it was written. Every request must get a reply (`no-reply`), except during a fault
// and until 2 s after it.
//
// The report shows how long it took until elements were known everywhere (`stable
// latency`), and the number of stale elements. It shows what that cost: the messages between
// nodes for each operation and each broadcast, by type and by link. A message either brought a
// value to a node that lacked it, or only values that the node had: for the first time over
// this link (there are several ways between two nodes), or again (a retry). Or it was lost,
// or it carried no value (such as an acknowledgement). At best a broadcast needs a message to
// each other node. For the value that took longest, the report shows how long each node kept
// it and how long it travelled. At best this takes the diameter of the topology times the
// latency of a message.
type broadcast struct {
	env   Env
	count int64          // the number of the latest operation
	asked map[int64]bool // the elements that were broadcast
	known map[int64]bool
}

func newBroadcast(env Env) Workload {
	return &broadcast{env: env, asked: map[int64]bool{}, known: map[int64]bool{}}
}

// Setup sends every node the topology.
func (w *broadcast) Setup() []Request {
	topology, err := json.Marshal(w.env.Topology, json.Deterministic(true))
	if err != nil {
		panic(err) // strings can always be encoded
	}
	body := fmt.Appendf(nil, `{"type":"topology","topology":%s}`, topology)
	var requests []Request
	for _, node := range w.env.Nodes {
		requests = append(requests, Request{F: "topology", Node: node, Body: body, Type: "topology", Want: "topology_ok"})
	}
	return requests
}

// broadcastAgain is how rarely a client tries to broadcast an element again.
const broadcastAgain = 16

// Next returns four broadcasts and then a read.
func (w *broadcast) Next(node string) Request {
	w.count = w.env.number(w.count)
	if w.count%5 == 0 {
		return w.Final(node)
	}
	number := w.count - 1 - w.count/5
	v := element(number)
	if earlier := number - 1 - w.env.Rand.Int64N(recentElements); w.env.Rand.IntN(broadcastAgain) == 0 && earlier >= 0 {
		if again := element(earlier); w.asked[again] {
			v = again
		}
	}
	w.asked[v] = true
	return Request{
		F: "broadcast", Value: strconv.AppendInt(nil, v, 10), Key: v,
		Body: fmt.Appendf(nil, `{"type":"broadcast","message":%d}`, v),
		Type: "broadcast", Want: "broadcast_ok",
	}
}

// element returns the i-th element. Elements are not in their order, so that a node
// cannot do with the highest one that it knows, and every eighth one does not fit into
// 24 bits.
func element(i int64) int64 {
	if i%8 == 7 {
		return 1<<24 + i
	}
	return scrambled(i)
}

// scrambled permutes each 64 numbers from 0 on.
func scrambled(i int64) int64 { return i&^63 | i*37&63 }

func (*broadcast) Final(string) Request {
	return Request{F: "read", Body: []byte(`{"type":"read"}`), Type: "read", Want: "read_ok"}
}

func (w *broadcast) Read(req *Request, body []byte) (jsontext.Value, error) {
	if req.F == "broadcast" {
		w.known[req.Key] = true
	}
	if req.F != "read" {
		return nil, closed(req, body)
	}
	messages, err := only(req, body, "messages")
	if err != nil {
		return nil, err
	}
	if messages.Kind() == 'n' {
		messages = jsontext.Value("[]") // what a Go program writes for a nil slice
	}
	values, err := elements(messages)
	if err != nil {
		return nil, fmt.Errorf("its messages are not an array of integers")
	}
	for _, v := range values {
		if w.asked[v] {
			w.known[v] = true
		}
	}
	return messages, nil
}

// elements parses an array of integers.
func elements(messages jsontext.Value) (values []int64, err error) {
	if err = json.Unmarshal(messages, &values); err == nil {
		return values, nil
	}
	var items []jsontext.Value
	if json.Unmarshal(messages, &items) != nil {
		return nil, err
	}
	values = values[:0]
	for _, item := range items {
		n, ok := canonical.Int(item) // 1.0, too
		if !ok {
			return nil, err
		}
		values = append(values, n)
	}
	return values, nil
}

// Settled reports whether every node knows all elements that are known.
func (w *broadcast) Settled(ops []history.Op) bool {
	for i := range ops {
		values, err := elements(ops[i].Result)
		if err != nil {
			return false
		}
		slices.Sort(values)
		for v := range w.known {
			if _, known := slices.BinarySearch(values, v); !known {
				return false
			}
		}
	}
	return true
}

func (w *broadcast) Check(r Record) ([]checker.Problem, []checker.Number) {
	problems, numbers := checker.Broadcast(r.History, w.env.Nodes)
	checker.FollowElements(problems, r.Journal, broadcastRequest, w.env.Nodes)
	if !r.NoNumbers {
		numbers = append(numbers, w.traffic(r)...)
	}
	return append(problems, missingReplies(r, checker.FaultPeriodsOf(r.Journal).Overlap)...), numbers
}

// broadcastRequest says where clients write elements.
var broadcastRequest = spread.Request{Type: "broadcast", Member: "message"}

// traffic returns how many messages nodes sent each other, what for, and how long the slowest
// value took.
func (w *broadcast) traffic(r Record) []checker.Number {
	operations := 0
	for op := range r.History.All() {
		if op.F != "topology" && !op.Again {
			operations++
		}
	}
	traffic, slowest := spread.New(r.Journal, broadcastRequest).Traffic(w.env.Nodes, w.env.Topology)
	numbers := []checker.Number{
		{Name: "messages per operation", Value: float64(traffic.Messages) / float64(max(1, operations))},
		{Name: "messages per broadcast", Value: traffic},
		{Name: "messages by type", Value: traffic.Types()},
		{Name: "messages by link", Value: traffic.Links()},
	}
	if slowest != nil {
		numbers = append(numbers, checker.Number{Name: "slowest value", Value: slowest})
	}
	return numbers
}

func (*broadcast) ExpectsError(*history.Op) bool { return false }
