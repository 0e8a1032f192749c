package workload

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// broadcast is the workload in which clients give nodes numbers, which all
// nodes shall know in the end, and ask nodes what they know. Every node is told
// its neighbours first (--topology), and may talk to others as well.
//
//	{"type":"topology","topology":{"n1":["n2","n3"],"n2":["n1"],"n3":["n1"]}}
//	{"type":"topology_ok"}
//	{"type":"broadcast","message":17}
//	{"type":"broadcast_ok"}
//	{"type":"read"}
//	{"type":"read_ok","messages":[3,17]}
//
// When all faults are over every node is read until it knows all that was
// acknowledged and all that any read has shown, for 10 s at most: what somebody
// has seen must not vanish, even if its broadcast was never acknowledged.
//
// A broadcast that is not answered while something is wrong, or within 2 s after
// it, may or may not have taken effect; so may one that is answered with an
// error. In calm every request is answered (`unanswered`).
//
// The report tells how long elements took to be known everywhere (`stable`
// latencies), and how many reads were stale.
type broadcast struct {
	env   Env
	asked int64 // operations
	last  int64 // the last value
	known map[int64]bool
}

func newBroadcast(env Env) Workload { return &broadcast{env: env, known: map[int64]bool{}} }

// Setup tells every node its neighbours.
func (w *broadcast) Setup() []Request {
	topology, err := json.Marshal(w.env.Topology, json.Deterministic(true))
	if err != nil {
		panic(err) // it is made of strings
	}
	body := fmt.Appendf(nil, `{"type":"topology","topology":%s}`, topology)
	var requests []Request
	for _, node := range w.env.Nodes {
		requests = append(requests, Request{F: "topology", Node: node, Body: body, Type: "topology", Want: "topology_ok"})
	}
	return requests
}

// Next is a broadcast or a read, by turns.
func (w *broadcast) Next(node string) Request {
	w.asked++
	if w.asked%2 == 0 {
		return w.Final(node)
	}
	w.last++
	return Request{
		F: "broadcast", Value: strconv.AppendInt(nil, w.last, 10), Key: w.last,
		Body: fmt.Appendf(nil, `{"type":"broadcast","message":%d}`, w.last),
		Type: "broadcast", Want: "broadcast_ok",
	}
}

func (*broadcast) Final(string) Request {
	return Request{F: "read", Body: []byte(`{"type":"read"}`), Type: "read", Want: "read_ok"}
}

func (w *broadcast) Read(req *Request, body []byte) (jsontext.Value, error) {
	if req.F == "broadcast" {
		w.known[req.Key] = true
	}
	if req.F != "read" {
		return nil, nil
	}
	messages, err := need(body, "messages")
	if err != nil {
		return nil, err
	}
	values, err := elements(messages)
	if err != nil {
		return nil, fmt.Errorf("its messages are no array of integers")
	}
	for _, v := range values {
		if 0 < v && v <= w.last {
			w.known[v] = true
		}
	}
	return messages, nil
}

func elements(messages jsontext.Value) (values []int64, err error) {
	return values, json.Unmarshal(messages, &values)
}

// Settled reports whether every node knows all that is known.
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
	return append(problems, unanswered(r, checker.TroublesOf(r.Journal).Between)...), numbers
}

func (*broadcast) Expects(*history.Op) bool { return false }
