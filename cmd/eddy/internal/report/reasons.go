package report

import (
	"slices"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// reasons converts problems. If a problem has no message, but operations, the message
// that shows it is the last reply of the first operation.
func reasons(problems []checker.Problem, j *sim.Journal) []Reason {
	all := []Reason{}
	found := exchanges(problems, j)
	for _, p := range problems {
		r := Reason{Check: p.Check, Text: quote.Lines(p.Text), Seconds: p.At.Seconds(), Unknown: p.Unknown, Message: p.Record - 1, Involved: []int{}}
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

// exchanges returns the messages of the problems' requests: the request and its
// replies, in the order of sending.
func exchanges(problems []checker.Problem, j *sim.Journal) map[checker.Request][]int {
	found := map[checker.Request][]int{}
	for _, p := range problems {
		for _, request := range p.Requests {
			found[request] = nil
		}
	}
	if len(found) == 0 {
		return found
	}
	for m := range j.All() {
		request := checker.Request{Client: m.Src, Node: m.Dest, MsgID: m.ID}
		if m.IsReply() {
			request = checker.Request{Client: m.Dest, Node: m.Src, MsgID: m.InReplyTo}
		}
		if messages, wanted := found[request]; wanted {
			found[request] = append(messages, m.Index)
		}
	}
	return found
}
