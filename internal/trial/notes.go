package trial

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/eddyrpc/eddy/internal/quote"
)

// notes are facts that readers of the report should know and that do not change the
// verdict. A note may be about some nodes.
type notes struct {
	list  []string
	nodes map[string][]string
}

func (n *notes) add(note, node string) {
	if n.nodes == nil {
		n.nodes = map[string][]string{}
	}
	if n.nodes[note] == nil {
		n.list = append(n.list, note)
	}
	n.nodes[note] = append(n.nodes[note], node)
}

// maxNamedNodes is how many nodes a note names.
const maxNamedNodes = 5

// texts returns the notes, each after the names of its nodes.
func (n *notes) texts() (all []string) {
	for _, note := range n.list {
		names := n.nodes[note]
		slices.SortFunc(names, func(a, b string) int {
			return cmp.Or(len(a)-len(b), cmp.Compare(a, b))
		})
		text := strings.Join(names[:min(len(names), maxNamedNodes)], ", ")
		if more := len(names) - maxNamedNodes; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		all = append(all, strings.TrimSpace(text+" "+note))
	}
	return all
}

// Note adds a note about a node, or about the whole test if node is "".
func (t *Trial) Note(note, node string) { t.notes.add(note, node) }

// noteEnd adds a note if a node did not end with status 0 at the end of the test.
func (t *Trial) noteEnd(n *node, exit *Exit) {
	var note string
	switch {
	case exit.Forced == "SIGKILL":
		note = fmt.Sprintf("was killed because it had not ended %v after SIGTERM", TermGrace)
	case exit.Forced != "" || exit.OK:
		return
	default:
		note = fmt.Sprintf("ended with %s after the end of the input", exit.State)
	}
	if lines := exit.Stderr; len(lines) > 0 {
		note += "; on stderr: " + quote.Printable(lines[len(lines)-1])
	}
	t.notes.add(note, n.name)
}

// noteFurther adds a note about a node that writes envelopes with further fields. They are
// not passed on. One of them is named.
func (t *Trial) noteFurther(n *node, field string) {
	if n.further {
		return
	}
	n.further = true
	if t.further == "" {
		t.further = quote.Excerpt(field)
	}
	t.notes.add("wrote messages with other fields than src, dest and body in the envelope, such as "+t.further+
		"; they are ignored here, but Maelstrom refuses such a message", n.name)
}

// noteRate adds a note if clients could not reach the rate.
func (t *Trial) noteRate() {
	wanted := t.cfg.Rate * t.cfg.TimeLimit.Seconds()
	// The times between requests are random: allow for this.
	if t.cfg.Rate <= 0 || t.replay != nil || t.noClient == 0 && t.noNode == 0 || float64(t.sent) >= 0.9*wanted-2*math.Sqrt(wanted) {
		return
	}
	why := fmt.Sprintf("all %d clients (--concurrency) were waiting for replies", t.cfg.Concurrency)
	if t.noNode > t.noClient {
		why = "no node was running"
	}
	t.notes.add(fmt.Sprintf("--rate %g was not reached: the rate was %.0f/s, because %s", t.cfg.Rate, float64(t.sent)/t.cfg.TimeLimit.Seconds(), why), "")
}
