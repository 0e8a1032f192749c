package runner

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
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

// noteEnd adds a note if a node did not end with status 0 at the end of the test.
func (r *runner) noteEnd(n *node, e *cluster.Event) {
	var note string
	switch {
	case e.Exit.Forced == "SIGKILL":
		note = fmt.Sprintf("was killed because it had not ended %v after SIGTERM", termGrace)
	case e.Exit.Forced != "" || e.Exit.State.Success():
		return
	default:
		note = fmt.Sprintf("ended with %v after the end of the input", e.Exit)
	}
	if lines := r.cluster.ErrorLines(n.index); len(lines) > 0 {
		note += "; on stderr: " + quote.Printable(lines[len(lines)-1])
	}
	r.notes.add(note, n.name)
}

// noteLogs adds notes about nodes whose log is not complete.
func (r *runner) noteLogs() {
	for _, n := range r.nodes {
		if missing, err := r.cluster.MissingLog(n.index); missing > 0 {
			r.notes.add(fmt.Sprintf("wrote %d bytes to stderr that are missing in its log: %v", missing, err), n.name)
		}
	}
}

// noteRate adds a note if clients could not reach the rate.
func (r *runner) noteRate() {
	wanted := r.cfg.Rate * r.cfg.TimeLimit.Seconds()
	// The times between requests are random: allow for this.
	if r.cfg.Rate <= 0 || r.noClient == 0 && r.noNode == 0 || float64(r.sent) >= 0.9*wanted-2*math.Sqrt(wanted) {
		return
	}
	why := fmt.Sprintf("all %d clients (--concurrency) were waiting for replies", r.cfg.Concurrency)
	if r.noNode > r.noClient {
		why = "no node was running"
	}
	r.notes.add(fmt.Sprintf("--rate %g was not reached: the rate was %.0f/s, because %s", r.cfg.Rate, float64(r.sent)/r.cfg.TimeLimit.Seconds(), why), "")
}
