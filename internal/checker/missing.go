package checker

import (
	"strings"

	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/spread"
)

// missing says that the problem that was added last is an element that is missing at a node.
func (f *findings) missing(element int64, node string) {
	f.last().Way = &spread.Way{Element: element, Node: node}
}

// FollowElements explains the problems that are missing elements: which messages carried the
// element towards the node, and what became of them. r says how clients ask for elements.
func FollowElements(problems []Problem, j *sim.Journal, r spread.Request, nodes []string) {
	var lost []*Problem
	var wants []spread.Want
	for i := range problems {
		if p := &problems[i]; p.Way != nil {
			lost = append(lost, p)
			wants = append(wants, spread.Want{Element: p.Way.Element, Node: p.Way.Node, At: p.At})
		}
	}
	if len(lost) == 0 {
		return
	}
	for i, way := range spread.New(j, r).Ways(wants, nodes) {
		p := lost[i]
		p.Way = way
		p.Text += "\n" + strings.Join(way.Lines(), "\n")
		p.Involved = append(p.Involved, way.Messages()...)
	}
}
