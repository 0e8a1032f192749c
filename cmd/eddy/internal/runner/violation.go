package runner

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
)

// A Violation is something that no node may do, whatever the workload, and that no
// fault explains.
type Violation struct {
	Node        string        `json:"node"`
	Kind        string        `json:"kind"` // see ViolationKinds
	Text        string        `json:"text"`
	Incarnation int           `json:"incarnation"`     // of the node, from 1
	Line        int64         `json:"line,omitzero"`   // the number of the line in its stdout, from 1
	Bytes       int64         `json:"bytes,omitzero"`  // the length of the line or of the body
	Quote       string        `json:"quote,omitempty"` // the beginning of the line or of the body
	At          time.Duration `json:"at_ns"`
	Count       int           `json:"count"` // how many violations of this kind the node has
}

// ViolationKinds are the kinds of violations. Meaning says what the node did.
var ViolationKinds = []struct{ Kind, Meaning string }{
	{"exit", "its process ended by itself"},
	{"no-init", "it sent no init_ok within 10 s plus 0.2 s for every node of the test"},
	{"not-json", "it wrote a line that is not JSON"},
	{"not-message", "it wrote a line that is JSON but not a message"},
	{"long-line", "it wrote a line that is longer than 16 MiB"},
	{"wrong-src", "it sent a message whose src is not its own name"},
	{"unknown-dest", "it sent a message whose dest does not exist"},
	{"unrequested-reply", "it replied to a request that was never delivered to it, or to an earlier process of it"},
	{"extra-reply", "it sent more replies to a request than copies of it were delivered"},
	{"reused-id", "it used a msg_id twice in one incarnation; a reply may have the msg_id of its request"},
	{"unsolicited", "it sent a message to a client that is not a reply"},
	{"wrong-body", "it sent a reply with a type or with fields that the request does not allow"},
	{"no-final-reply", "it sent no reply in the final phase, after all faults"},
	{"unread-input", "it did not read its input"},
	{"after-stop", "it wrote output more than 1 s after SIGTERM"},
}

// maxPerNode is how many violations of one kind are kept for a node.
const maxPerNode = 3

// violations collects violations. It keeps the first of each kind and node and
// counts the others.
type violations struct {
	all   []*Violation
	count map[string]int
}

func (v *violations) add(violation Violation) {
	if v.count == nil {
		v.count = map[string]int{}
	}
	violation.Text = quote.Lines(violation.Text)
	key := violation.Node + " " + violation.Kind
	v.count[key]++
	if v.count[key] <= maxPerNode {
		v.all = append(v.all, &violation)
	}
	for _, kept := range v.all {
		if kept.Node == violation.Node && kept.Kind == violation.Kind {
			kept.Count = v.count[key]
		}
	}
}

// lineViolation adds a violation by a line.
func (r *runner) lineViolation(n *node, e *cluster.Event, kind, format string, args ...any) {
	r.violations.add(Violation{
		Node: n.name, Kind: kind, Text: fmt.Sprintf(format, args...), Incarnation: e.Incarnation,
		Line: e.Line.Number, Bytes: e.Line.Size, Quote: quote.Excerpt(e.Line.Text), At: r.now,
	})
}

// nodeViolation adds a violation that is not about a line.
func (r *runner) nodeViolation(n *node, kind, format string, args ...any) {
	r.violations.add(Violation{Node: n.name, Kind: kind, Text: fmt.Sprintf(format, args...), Incarnation: n.incarnation.number, At: r.now})
}
