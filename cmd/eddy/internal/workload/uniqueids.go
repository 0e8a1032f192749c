package workload

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// uniqueIDs is the workload in which every client asks its node for ids that
// nobody was given before, by any node, in any of its lives.
//
//	{"type":"generate"}
//	{"type":"generate_ok","id":123}
//
// An id is any JSON value. Checked: no two answers have the same id (`unique`),
// also among those that came when the client had given up. Every request is
// answered (`unanswered`), unless something was wrong from when it was sent, or
// in the 2 s before, until its client gave up: a fault, or lost messages. A node
// may ask a service or other nodes for its ids, and these may be out of reach.
// Try it with --nemesis kill: an id made of a counter alone starts again.
type uniqueIDs struct{}

func newUniqueIDs(Env) Workload { return uniqueIDs{} }

func (uniqueIDs) Setup() []Request          { return nil }
func (uniqueIDs) Settled([]history.Op) bool { return true }

func (uniqueIDs) Next(string) Request {
	return Request{F: "generate", Body: []byte(`{"type":"generate"}`), Type: "generate", Want: "generate_ok"}
}

func (w uniqueIDs) Final(string) Request { return w.Next("") }

func (uniqueIDs) Read(_ *Request, body []byte) (jsontext.Value, error) { return need(body, "id") }

func (uniqueIDs) Check(r Record) ([]checker.Problem, []checker.Number) {
	problems, numbers := checker.UniqueIDs(r.History)
	return append(problems, unanswered(r, checker.TroublesOf(r.Journal).Between)...), numbers
}

func (uniqueIDs) Expects(*history.Op) bool { return false }
