package workload

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A clientRequest identifies a client's request.
type clientRequest struct {
	client string
	id     int64
}

// missingReplies returns problems for the requests that were delivered to a node and
// to which it sent no reply, although it was not killed and excused returns false for
// the time from the request to the client's timeout. A reply that was late or lost
// counts as a reply.
//
// A node that needs other nodes to reply may send no reply while it cannot reach
// them. So its excuse is any fault shortly before or during the operation.
func missingReplies(r Record, excused func(from, to time.Duration) bool) (problems []checker.Problem) {
	waiting := map[clientRequest]*history.Op{}
	for op := range r.History.All() {
		if op.Outcome == history.Indefinite && op.Code == 0 && !excused(op.From, op.To) {
			waiting[clientRequest{op.Client, op.MsgID}] = op
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	delivered := map[clientRequest]time.Duration{}
	for step := range r.Journal.Steps() {
		m := &step.Record
		switch {
		case step.Event != nil && step.Event.What == "killed":
			for request, op := range waiting {
				if op.Node == step.Event.Node {
					delete(delivered, request)
				}
			}
		case step.Event != nil:
		case step.Sent && m.IsReply():
			delete(delivered, clientRequest{m.Dest, m.InReplyTo})
		case !step.Sent && m.IsRequest() && m.Fate == sim.Delivered:
			if request := (clientRequest{m.Src, m.ID}); waiting[request] != nil && waiting[request].Node == m.Dest {
				delivered[request] = m.Done
			}
		}
	}
	for request, at := range delivered {
		op := waiting[request]
		problems = append(problems, checker.Problem{
			Check: "no-reply", At: at,
			Text: fmt.Sprintf("%s sent no reply to %s's %s (msg_id %d), which was delivered at %.3fs",
				op.Node, request.client, op.F, request.id, at.Seconds()),
			Requests: []checker.Request{{Client: op.Client, Node: op.Node, MsgID: op.MsgID}},
		})
	}
	checker.Sort(problems)
	return limit(problems)
}

// noExcuse is the excuse of nodes that need no other nodes to reply.
func noExcuse(_, _ time.Duration) bool { return false }

// maxProblems is how many problems of one check are kept.
const maxProblems = 10

// limit returns the first problems. The last of them says how many were dropped.
func limit(problems []checker.Problem) []checker.Problem {
	if more := len(problems) - maxProblems; more > 0 {
		problems = problems[:maxProblems]
		problems[maxProblems-1].Text += fmt.Sprintf(" (and %d more)", more)
		problems[maxProblems-1].Count = more + 1
	}
	return problems
}
