package trial

import (
	"cmp"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/quote"
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
	Message     int           `json:"message"` // the index in the journal of the message that shows it; -1 if there is none
	Count       int           `json:"count"`   // how many violations of this kind the node has
}

// ViolationKinds are the kinds of violations. Meaning says what the node did.
// Protocol reports that this is about messages only: the answers that clients got may
// all be right.
var ViolationKinds = []struct {
	Kind, Meaning string
	Protocol      bool
}{
	{"exit", "its process ended by itself", false},
	{"no-init", "it sent no init_ok within 10 s plus 0.2 s for every node of the test", false},
	{"not-json", "it wrote a line that is not JSON", true},
	{"not-message", "it wrote a line that is JSON but not a message", true},
	{"long-line", "it wrote a line that is longer than 16 MiB", true},
	{"wrong-src", "it sent a message whose src is not its own name", true},
	{"unknown-dest", "it sent a message whose dest does not exist", true},
	{"unrequested-reply", "it replied to a request that was never delivered; between nodes only with workload relay", true},
	{"extra-reply", "it sent more replies to a request than copies of it were delivered; between nodes only with workload relay", true},
	{"reused-id", "only with workload relay: it used a msg_id twice in one incarnation; a reply may have the msg_id of its request", true},
	{"unsolicited", "it sent a message to a client that is not a reply", true},
	{"wrong-body", "it sent a reply with a type or with fields that the request does not allow", false},
	{"no-final-reply", "it sent no reply in the final phase, after all faults", false},
	{"unread-input", "it did not read its input", false},
	{"after-stop", "it wrote output more than 1 s after SIGTERM", true},
}

// isProtocol reports whether a kind of violation is about messages only.
func isProtocol(kind string) bool {
	for _, k := range ViolationKinds {
		if k.Kind == kind {
			return k.Protocol
		}
	}
	return true // a kind of warning
}

// maxPerNode is how many violations of one kind are kept for a node.
const maxPerNode = 3

// violations collects violations, or warnings. It keeps the first of each kind and
// node and counts the others.
type violations struct {
	all  []*Violation
	of   map[nodeKind][]*Violation // what is kept of them
	most int                       // how many are kept of a node and a kind; 0 means maxPerNode
}

type nodeKind struct{ node, kind string }

// count counts a violation. It reports whether it must be kept, with keep.
func (v *violations) count(node, kind string) bool {
	kept := v.of[nodeKind{node, kind}]
	for _, k := range kept {
		k.Count++
	}
	return len(kept) < cmp.Or(v.most, maxPerNode)
}

// keep keeps a violation that was counted.
func (v *violations) keep(violation *Violation) {
	violation.Text = quote.Lines(violation.Text)
	key := nodeKind{violation.Node, violation.Kind}
	violation.Count = 1
	if kept := v.of[key]; len(kept) > 0 {
		violation.Count = kept[0].Count
	}
	if v.of == nil {
		v.of = map[nodeKind][]*Violation{}
	}
	v.of[key] = append(v.of[key], violation)
	v.all = append(v.all, violation)
}

// lineViolation adds a violation by a line.
func (t *Trial) lineViolation(n *node, line *Line, kind, format string, args ...any) {
	if t.violations.count(n.name, kind) {
		t.addLine(&t.violations, n, line, kind, fmt.Sprintf(format, args...))
	}
}

// addLine keeps what was counted, as one by a line.
func (t *Trial) addLine(to *violations, n *node, line *Line, kind, text string) {
	v := &Violation{
		Node: n.name, Kind: kind, Text: text, Incarnation: line.Incarnation,
		Line: line.Number, Bytes: line.Size, Quote: quote.Excerpt(line.Text), At: t.now, Message: -1,
	}
	to.keep(v)
	t.ofLine = append(t.ofLine, v)
}

// haveMessage gives the violations of the line that was read last their message.
func (t *Trial) haveMessage(record int) {
	for _, v := range t.ofLine {
		v.Message = record
	}
	t.ofLine = t.ofLine[:0]
}

// nodeViolation adds a violation that is not about a line.
func (t *Trial) nodeViolation(n *node, kind, format string, args ...any) {
	if t.violations.count(n.name, kind) {
		t.violations.keep(&Violation{Node: n.name, Kind: kind, Text: fmt.Sprintf(format, args...),
			Incarnation: n.incarnation.number, At: t.now, Message: -1})
	}
}
