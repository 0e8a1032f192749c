package eddytest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/workload"
)

// A Workload is a workload of one's own, for [Test.Own]: it says what clients request, and
// checks what they got. Its methods are called from one goroutine. It is made anew for each
// seed.
type Workload interface {
	// Next returns the body of the next request of a client: a JSON object with a type, as
	// text or as a Go value. A draw from random is the same in each run of a seed.
	Next(random *rand.Rand) any

	// Final returns the body of the request that each node gets at the end, when all faults
	// are over. It is sent again while a node replies with an error, for up to 10 s. nil
	// means that there is none.
	Final() any

	// Check returns what is wrong with the operations, which are in the order in which they
	// began: a line for each contradiction, and nil if there is none.
	Check(ops []Op) (wrong []string)
}

// A ReplyReader is a [Workload] that also looks at each reply by itself.
type ReplyReader interface {
	// Read returns what is wrong with the body of a reply to a request, or nil. Replies with
	// an error code are not read.
	Read(request, reply eddy.Raw) error
}

// An Outcome is how an operation ended.
type Outcome int

const (
	// OK is the outcome of an operation with a reply of the type of its request and "_ok".
	OK Outcome = iota
	// Failed is the outcome of an operation that surely had no effect: the reply is an error
	// with a definite code.
	Failed
	// Indefinite is the outcome of an operation that may have had an effect, also later:
	// there was no reply, or an error with an indefinite code.
	Indefinite
)

// An Op is an operation: one request of a client, and its outcome.
type Op struct {
	Client  string
	Node    string
	Request eddy.Raw // the body, without msg_id
	Outcome Outcome
	Reply   eddy.Raw // the body of the reply if the outcome is OK
	Code    int      // of an error reply
	Error   string   // why the outcome is not OK

	// From and To are when the operation began and ended, since the beginning of the test.
	From, To time.Duration
	// Final reports that the request is that of Workload.Final.
	Final bool
}

// String returns a line such as
//
//	c3 at n1, 120ms to 135ms: {"type":"read"} -> {"type":"read_ok","value":7}
func (o Op) String() string {
	end := string(o.Reply)
	if o.Outcome != OK {
		end = o.Error
	}
	return fmt.Sprintf("%s at %s, %v to %v: %s -> %s", o.Client, o.Node, o.From, o.To, o.Request, end)
}

// own is a Workload as a trial uses it.
type own struct {
	env      workload.Env
	workload Workload
}

// ownName is the name of all workloads of one's own.
const ownName = "own"

// ownSpec returns the spec of a workload of one's own.
func ownSpec(make func() Workload) workload.Spec {
	return workload.Spec{
		Name: ownName, Rate: 100, Concurrency: "4n", AwaitsMessages: true,
		New:     func(env workload.Env) workload.Workload { return &own{env, make()} },
		LeastOK: func(int) float64 { return 0.25 },
	}
}

func (w *own) Setup() []workload.Request    { return nil }
func (w *own) Next(string) workload.Request { return ownRequest(w.workload.Next(w.env.Rand)) }

// Finals implements [workload.ManyFinal].
func (w *own) Finals(string) []workload.Request {
	if body := w.workload.Final(); body != nil {
		return []workload.Request{ownRequest(body)}
	}
	return nil
}

// Final implements [workload.Workload]. Finals is used instead.
func (w *own) Final(string) workload.Request { return workload.Request{} }

// Progressed implements [workload.ManyFinal].
func (w *own) Progressed() bool { return false }

// Settled implements [workload.Workload].
func (w *own) Settled(ops []history.Op) bool {
	for i := range ops {
		if ops[i].Outcome != history.OK {
			return false
		}
	}
	return true
}

// ExpectsError implements [workload.Workload]. What an error means is for Check to say.
func (w *own) ExpectsError(*history.Op) bool { return true }

// ownRequest returns the request with a body. It panics if the body is no JSON object with a
// type: this is a mistake in the test.
func ownRequest(body any) workload.Request {
	text, err := textOf(body)
	if err != nil {
		panic(fmt.Sprintf("eddytest: the body of a request: %v", err))
	}
	m, err := message.New("", "", text)
	if err != nil {
		panic(fmt.Sprintf("eddytest: the body of a request is %s: %v", text, err))
	}
	return workload.Request{F: m.Type, Value: text, Body: text, Type: m.Type, Want: m.Type + "_ok"}
}

// Read implements [workload.Workload].
func (w *own) Read(req *workload.Request, body []byte) (jsontext.Value, error) {
	if reader, ok := w.workload.(ReplyReader); ok {
		if err := reader.Read(req.Body, body); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// Check implements [workload.Workload].
func (w *own) Check(r workload.Record) (problems []checker.Problem, numbers []checker.Number) {
	var ops []Op
	for op := range r.History.All() {
		if op.Again { // a further reply to the same request
			continue
		}
		ops = append(ops, Op{
			Client: op.Client, Node: op.Node, Request: eddy.Raw(op.Value), Outcome: outcomes[op.Outcome],
			Reply: eddy.Raw(op.Result), Code: int(op.Code), Error: op.Error, From: op.From, To: op.To, Final: op.Final,
		})
	}
	for _, text := range w.workload.Check(ops) {
		problems = append(problems, checker.Problem{Check: ownName, Text: strings.TrimSpace(text), At: r.End})
	}
	return problems, nil
}

var outcomes = map[history.Outcome]Outcome{history.OK: OK, history.Fail: Failed, history.Indefinite: Indefinite, history.Open: Indefinite}
