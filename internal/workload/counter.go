package workload

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
)

// gCounter is the workload in which clients add integers from 0 to 4 to a counter that
// only grows, and read it. In the end all nodes must return the sum.
//
//	{"type":"add","delta":4}
//	{"type":"add_ok"}
//	{"type":"read"}
//	{"type":"read_ok","value":21}
//
// A third of the requests are adds. The value is an integer (`wrong-body`).
//
// An add that was acknowledged has taken effect once. An add that gets no reply, or an
// indefinite error, may or may not have taken effect. One that gets a definite error must
// not have. If the network delivers the request of an add twice (--link), the add may
// take effect twice.
//
// After all faults, clients read every node until all nodes return the same value, and it
// is the sum of the acknowledged adds and of any of those that may have taken effect, for
// at most 10 s. Then they read once more. Reads before that may return old values, but
// each must be the sum of adds that had begun by then, and a value must not be smaller
// than one that the same incarnation of the node has returned before. A node that asks
// other nodes for the value has to remember the largest one.
//
// Every request must get a reply (`no-reply`), except during a fault and until 2 s after
// it.
type gCounter struct{ counter }

// pnCounter is the workload in which clients add integers from -5 to 4 to a counter, and
// read it. In the end all nodes must return the sum.
//
//	{"type":"add","delta":-3}
//	{"type":"add_ok"}
//	{"type":"read"}
//	{"type":"read_ok","value":-21}
//
// Half of the requests are adds. Everything else is as with g-counter, except that values
// may become smaller.
type pnCounter struct{ counter }

// Integers that clients add are from least to most.
const (
	leastDelta = -5
	mostDelta  = 4
)

// A counter is what the workloads of counters share.
type counter struct {
	env   Env
	grows bool // clients add no negative integers

	deltas  []int64        // of all adds, by Request.Key
	acked   map[int64]bool // by Request.Key
	sum     int64          // of the acknowledged adds
	unacked map[int64]int  // by their deltas, how many adds are not acknowledged
	settled jsontext.Value // the value that all nodes returned in a round of final reads; nil if none was possible and the same
}

func newGCounter(env Env) Workload  { return &gCounter{newCounter(env, true)} }
func newPNCounter(env Env) Workload { return &pnCounter{newCounter(env, false)} }

func newCounter(env Env, grows bool) counter {
	return counter{env: env, grows: grows, acked: map[int64]bool{}, unacked: map[int64]int{}}
}

func (*counter) Setup() []Request { return nil }

// Next returns an add or a read at random. Maelstrom's generator for g-counter leaves the
// negative ones of the adds for pn-counter out, so a third of its requests are adds.
func (w *counter) Next(string) Request {
	if w.grows && w.env.Rand.IntN(3) == 0 {
		return w.add(w.env.Rand.Int64N(mostDelta + 1))
	}
	if !w.grows && w.env.Rand.IntN(2) == 0 {
		return w.add(leastDelta + w.env.Rand.Int64N(mostDelta-leastDelta+1))
	}
	return readRequest()
}

func (w *counter) add(delta int64) Request {
	w.deltas = append(w.deltas, delta)
	w.unacked[delta]++
	return Request{
		F: "add", Value: strconv.AppendInt(nil, delta, 10), Key: int64(len(w.deltas) - 1),
		Body: fmt.Appendf(nil, `{"type":"add","delta":%d}`, delta),
		Type: "add", Want: "add_ok",
	}
}

func (*counter) Final(string) Request { return readRequest() }

func (w *counter) Read(req *Request, body []byte) (jsontext.Value, error) {
	if req.F == "add" {
		if delta := w.deltas[req.Key]; !w.acked[req.Key] {
			w.acked[req.Key] = true
			w.sum += delta
			w.unacked[delta]--
		}
		return nil, closed(req, body)
	}
	value, err := only(req, body, "value")
	if err != nil {
		return nil, err
	}
	if _, err := strconv.ParseInt(string(value), 10, 64); err != nil {
		return nil, fmt.Errorf("its value must be an integer of 64 bits")
	}
	return value, nil
}

// Settled reports whether all nodes returned the same possible value in two successive
// rounds of reads. It also returns true if a value is impossible although the round
// before was possible, because no delay explains this.
func (w *counter) Settled(ops []history.Op) bool {
	possible := checker.NewSums(w.sum)
	for delta, count := range w.unacked {
		possible.Add(delta, count)
	}
	explained, same := true, true
	for i := range ops {
		value, err := strconv.ParseInt(string(ops[i].Result), 10, 64)
		if ops[i].Outcome != history.OK || err != nil {
			return false
		}
		explained = explained && possible.Has(value)
		same = same && string(ops[i].Result) == string(ops[0].Result)
	}
	switch {
	case !explained:
		return w.settled != nil
	case !same:
		return false
	case len(ops) == 0 || string(w.settled) == string(ops[0].Result):
		return true
	}
	w.settled = ops[0].Result
	return false
}

func (w *counter) Check(r Record) ([]checker.Problem, []checker.Number) {
	problems, numbers := checker.Counter(r.History, checker.CounterConfig{
		Nodes: w.env.Nodes, Grows: w.grows, Kills: checker.KillsOf(r.Journal), Copies: duplicatedAdds(r.Journal),
	})
	return append(problems, missingReplies(r, checker.FaultPeriodsOf(r.Journal).Overlap)...), numbers
}

// duplicatedAdds returns how many duplicates of each client's add were delivered.
func duplicatedAdds(j *sim.Journal) map[checker.Request]int {
	copies := map[checker.Request]int{}
	for m := range j.All() {
		if m.IsDuplicate() && m.Type == "add" && m.IsRequest() && sim.IsClient(m.Src) && m.Fate == sim.Delivered {
			copies[checker.Request{Client: m.Src, Node: m.Dest, MsgID: m.ID}]++
		}
	}
	return copies
}

func (*counter) ExpectsError(*history.Op) bool { return false }
