package runner

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
)

// Notes are what a reader of the report should know, and what no verdict hangs
// on, each with the nodes it is about, if it is about some.
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

// namedNodes is how many nodes a note names.
const namedNodes = 5

// texts are the notes, with the nodes before each.
func (n *notes) texts() (all []string) {
	for _, note := range n.list {
		who := n.nodes[note]
		slices.SortFunc(who, func(a, b string) int {
			return cmp.Or(len(a)-len(b), cmp.Compare(a, b))
		})
		text := strings.Join(who[:min(len(who), namedNodes)], ", ")
		if more := len(who) - namedNodes; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		all = append(all, strings.TrimSpace(text+" "+note))
	}
	return all
}

// noteEnd tells how a node ended that was told to.
func (r *runner) noteEnd(n *node, e *cluster.Event) {
	var note string
	switch {
	case e.Exit.Forced == "SIGKILL":
		note = fmt.Sprintf("had to be killed, %v after SIGTERM", termGrace)
	case e.Exit.Forced != "" || e.Exit.State.Success():
		return
	default:
		note = fmt.Sprintf("ended with %v when the input had ended", e.Exit)
	}
	if tail := r.cluster.StderrTail(n.index); len(tail) > 0 {
		note += "; the last of its stderr: " + quote.Printable(tail[len(tail)-1])
	}
	r.notes.add(note, n.name)
}

// noteRate tells if clients could not ask as often as they should.
func (r *runner) noteRate() {
	wanted := r.cfg.Rate * r.cfg.TimeLimit.Seconds()
	// The times between requests are random: leave that room.
	if r.cfg.Rate <= 0 || r.waited == 0 && r.nobody == 0 || float64(r.asked) >= 0.9*wanted-2*math.Sqrt(wanted) {
		return
	}
	why := fmt.Sprintf("all %d clients were waiting for answers (--concurrency)", r.cfg.Concurrency)
	if r.nobody > r.waited {
		why = "nobody was up to be asked"
	}
	r.notes.add(fmt.Sprintf("--rate %g was not reached, it was %.0f/s: %s", r.cfg.Rate, float64(r.asked)/r.cfg.TimeLimit.Seconds(), why), "")
}
