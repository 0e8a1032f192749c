package runner

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
)

// A Sickness is something that no node may do, whatever the workload, and that
// no fault of ours explains.
type Sickness struct {
	Node  string        `json:"node"`
	Kind  string        `json:"kind"` // see Sicknesses
	Text  string        `json:"text"`
	Life  int           `json:"life"`            // which of the node's processes, from 1
	Line  int64         `json:"line,omitzero"`   // the number of the line of its stdout
	Bytes int64         `json:"bytes,omitzero"`  // its length, or that of the body
	Quote string        `json:"quote,omitempty"` // its first bytes
	At    time.Duration `json:"at_ns"`
	Count int           `json:"count"` // how often this node had it
}

// Sicknesses are all kinds, with what they mean.
var Sicknesses = []struct{ Kind, Meaning string }{
	{"exit", "the node's process ended although nobody ended it"},
	{"no-init", "no init_ok within 10 s, and 0.2 s more for every node of the test"},
	{"not-json", "a line of its stdout is not JSON"},
	{"not-message", "a line is JSON but no message"},
	{"long-line", "a line is over the limit of 16 MiB"},
	{"wrong-src", "a message names somebody else as its sender"},
	{"unknown-dest", "a message is for nobody in this test"},
	{"unrequested-reply", "a reply to a request that the node was never given"},
	{"extra-reply", "more replies to a request than copies of it were delivered"},
	{"reused-id", "a msg_id that this process had used before; a reply may have that of its request"},
	{"unsolicited", "a message to a client that is no reply"},
	{"wrong-body", "a reply of a type, or with fields, that its request does not allow"},
	{"no-final-reply", "no answer in the final phase, when nothing is wrong any more"},
	{"unread-input", "the node does not read its input"},
	{"after-stop", "output more than 1 s after SIGTERM"},
}

// keptPerNode is how many sicknesses of one kind are kept of a node.
const keptPerNode = 3

// A ward gathers sicknesses. Of each kind and node it keeps the first few.
type ward struct {
	all   []*Sickness
	count map[string]int
}

func (w *ward) add(s Sickness) {
	if w.count == nil {
		w.count = map[string]int{}
	}
	s.Text = quote.Lines(s.Text)
	key := s.Node + " " + s.Kind
	w.count[key]++
	if w.count[key] <= keptPerNode {
		w.all = append(w.all, &s)
	}
	for _, have := range w.all {
		if have.Node == s.Node && have.Kind == s.Kind {
			have.Count = w.count[key]
		}
	}
}

// ofLine reports what is wrong with a line.
func (r *runner) ofLine(n *node, e *cluster.Event, kind, format string, args ...any) {
	r.ward.add(Sickness{
		Node: n.name, Kind: kind, Text: fmt.Sprintf(format, args...),
		Life: e.Incarnation, Line: e.Line.Number, Bytes: e.Line.Size, Quote: quote.Excerpt(e.Line.Text), At: r.now,
	})
}

// ofNode reports what is wrong with a node as a whole.
func (r *runner) ofNode(n *node, kind, format string, args ...any) {
	r.ward.add(Sickness{Node: n.name, Kind: kind, Text: fmt.Sprintf(format, args...), Life: n.life.number, At: r.now})
}
