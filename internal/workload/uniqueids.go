package workload

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
)

// uniqueIDs is the workload in which clients request ids that no node has returned
// before, in any incarnation.
//
//	{"type":"generate"}
//	{"type":"generate_ok","id":123}
//
// An id is any JSON value. Checked: no two replies have the same id
// (`duplicate-id`), including replies that their clients did not get in time; and
// every request gets a reply (`no-reply`), except during a fault or lost messages and
// until 2 s after them, because a node may need a service or other nodes to make an
// id. Try it with --nemesis kill: a node that uses only a counter returns the same
// ids again after it was killed.
type uniqueIDs struct{}

func newUniqueIDs(Env) Workload { return uniqueIDs{} }

func (uniqueIDs) Setup() []Request          { return nil }
func (uniqueIDs) Settled([]history.Op) bool { return true }

func (uniqueIDs) Next(string) Request {
	return Request{F: "generate", Body: []byte(`{"type":"generate"}`), Type: "generate", Want: "generate_ok"}
}

func (w uniqueIDs) Final(string) Request { return w.Next("") }

func (uniqueIDs) Read(req *Request, body []byte) (jsontext.Value, error) {
	return only(req, body, "id")
}

func (uniqueIDs) Check(r Record) ([]checker.Problem, []checker.Number) {
	problems, numbers := checker.UniqueIDs(r.History)
	return append(problems, missingReplies(r, checker.FaultPeriodsOf(r.Journal).Overlap)...), numbers
}

func (uniqueIDs) ExpectsError(*history.Op) bool { return false }
