package workload

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

const uniqueIDsDoc = `Every client asks its node for ids that nobody was given before, by any node, in
any of its lives.

    {"type":"generate"}
    {"type":"generate_ok","id":123}

An id is any JSON value. Checked: no two answers have the same id (` + "`unique`" + `), and every
request is answered (` + "`unanswered`" + `). Try it
with --nemesis kill: an id made of a counter alone starts again.`

// uniqueIDs is the workload of that name.
type uniqueIDs struct{}

func newUniqueIDs(Env) Workload { return uniqueIDs{} }

func (uniqueIDs) Setup() []Request          { return nil }
func (uniqueIDs) Settled([]history.Op) bool { return true }

func (uniqueIDs) Next(string) Request {
	return Request{F: "generate", Body: []byte(`{"type":"generate"}`), Type: "generate", Want: "generate_ok"}
}

func (w uniqueIDs) Final(string) Request { return w.Next("") }

func (uniqueIDs) Read(_ *Request, body []byte) (jsontext.Value, error) { return need(body, "id") }

func (uniqueIDs) Check(r Record) (problems []checker.Problem, numbers []checker.Number) {
	first := make(map[string]int, len(r.Ops))
	for i := range r.Ops {
		op := &r.Ops[i]
		if op.Outcome != history.OK {
			continue
		}
		id := canonical(op.Result)
		if j, given := first[id]; given {
			problems = append(problems, checker.Problem{Check: "unique", Text: fmt.Sprintf("%s gave the id %s, which %s had given at %.3fs",
				op.Node, op.Result, r.Ops[j].Node, r.Ops[j].To.Seconds()), At: op.To})
			continue
		}
		first[id] = i
	}
	problems = append(firstFew(problems), unanswered(r)...)
	return problems, []checker.Number{{Name: "distinct ids", Value: len(first)}}
}
