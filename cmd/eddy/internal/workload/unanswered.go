package workload

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// A clientRequest is known by who sent it and its msg_id.
type clientRequest struct {
	client string
	id     int64
}

// unanswered finds the requests that a node was handed and has never answered,
// though it lived on and nothing excuses it. An answer that came too late, or was
// lost on its way, is an answer.
//
// A node that asks others before it answers may keep silent while these can't be
// reached: better no answer than one that it can't stand by. So it is excused by
// all that was wrong with the network from shortly before it was asked until its
// client gave up.
func unanswered(r Record, excused func(from, to time.Duration) bool) (problems []checker.Problem) {
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
			if request := (clientRequest{m.Src, m.ID}); waiting[request] != nil {
				delivered[request] = m.Done
			}
		}
	}
	for request, at := range delivered {
		op := waiting[request]
		problems = append(problems, checker.Problem{
			Check: "unanswered", At: at,
			Text: fmt.Sprintf("%s never answered %s's %s (msg_id %d), which it was handed at %.3fs",
				op.Node, request.client, op.F, request.id, at.Seconds()),
			Asked: []checker.Asked{{Client: op.Client, Node: op.Node, MsgID: op.MsgID}},
		})
	}
	checker.Sort(problems)
	return firstFew(problems)
}

// nothingExcuses is for nodes that need nobody else to answer.
func nothingExcuses(_, _ time.Duration) bool { return false }

// maxProblems is how many problems of one check are told one by one.
const maxProblems = 10

func firstFew(problems []checker.Problem) []checker.Problem {
	if more := len(problems) - maxProblems; more > 0 {
		problems = problems[:maxProblems]
		problems[maxProblems-1].Text += fmt.Sprintf(" (and %d more like this)", more)
	}
	return problems
}
