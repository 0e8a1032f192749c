package report

import (
	"slices"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
)

// reasons converts problems. If a problem has no message, but operations, the message
// that shows it is the last reply of the first operation.
func reasons(problems []checker.Problem, j *sim.Journal) []Reason {
	all := []Reason{}
	found := exchanges(problems, j)
	for _, p := range problems {
		r := Reason{
			Check: p.Check, Text: quote.Lines(p.Text), Seconds: p.At.Seconds(), Unknown: p.Unknown, Protocol: p.Protocol,
			Count: max(p.Count, 1), Message: p.Record - 1, Involved: []int{},
		}
		r.Involved = append(r.Involved, p.Involved...)
		for i, request := range p.Requests {
			messages := found[request]
			r.Involved = append(r.Involved, messages...)
			if i == 0 && len(messages) > 0 && r.Message < 0 {
				r.Message = messages[len(messages)-1]
			}
		}
		slices.Sort(r.Involved)
		r.Involved = slices.Compact(r.Involved)
		all = append(all, r)
	}
	return all
}

// A clientID is the msg_id of a client's request. The node that was asked may have
// passed the request on, and another may have replied.
type clientID struct {
	client string
	id     int64
}

// exchanges returns the messages of the problems' requests: the request and its
// replies, in the order of sending.
func exchanges(problems []checker.Problem, j *sim.Journal) map[checker.Request][]int {
	wanted, found := map[clientID][]int{}, map[checker.Request][]int{}
	for _, p := range problems {
		for _, request := range p.Requests {
			found[request] = nil
			wanted[clientID{request.Client, request.MsgID}] = nil
		}
	}
	if len(found) == 0 {
		return found
	}
	for m := range j.All() {
		id := clientID{m.Src, m.ID}
		if m.IsReply() {
			id = clientID{m.Dest, m.InReplyTo}
		}
		if messages, ok := wanted[id]; ok {
			wanted[id] = append(messages, m.Index)
		}
	}
	for request := range found {
		found[request] = wanted[clientID{request.Client, request.MsgID}]
	}
	return found
}
