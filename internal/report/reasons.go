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
			Count: max(p.Count, 1), Message: p.Record - 1, Involved: []int{}, Cycle: p.Cycle, Register: p.Register, Way: p.Way,
		}
		for _, o := range operations(&p) {
			if messages := found[o.Request()]; len(messages) > 0 {
				o.Message = messages[0]
			}
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
		for _, request := range requests(&p) {
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

// requests returns the requests of a problem and of its explanation.
func requests(p *checker.Problem) []checker.Request {
	all := slices.Clone(p.Requests)
	for _, o := range operations(p) {
		all = append(all, o.Request())
	}
	return all
}

// operations returns the operations of a problem's explanation.
func operations(p *checker.Problem) (all []*checker.Operation) {
	if p.Cycle != nil {
		all = append(all, p.Cycle.Operations()...)
	}
	if p.Register != nil {
		all = append(all, p.Register.Operations()...)
	}
	return all
}
