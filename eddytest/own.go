package eddytest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/trial"
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
	// are over. It is sent again while a node replies with an error, for up to 10 s. A node
	// that does not reply, or that has no handler for it, fails the test. nil means that there
	// is no such request.
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

// An ownMistake is a mistake in a Workload, with which the test cannot go on.
type ownMistake struct{ text string }

func (m *ownMistake) Error() string { return m.text }

// call calls a method of the workload. If the method panics, so does call, with an
// *ownMistake that has the stack.
func call[T any](method string, f func() T) T {
	defer func() {
		if v := recover(); v != nil {
			panic(&ownMistake{fmt.Sprintf("%s of the workload panicked: %v\n%s", method, v, debug.Stack())})
		}
	}()
	return f()
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
		New:     func(env workload.Env) workload.Workload { return &own{env, call("the function Own", make)} },
		LeastOK: func(int) float64 { return 0.25 },
	}
}

func (w *own) Setup() []workload.Request { return nil }

// Next implements [workload.Workload].
func (w *own) Next(string) workload.Request {
	return ownRequest("Next", call("Next", func() any { return w.workload.Next(w.env.Rand) }))
}

// Finals implements [workload.ManyFinal].
func (w *own) Finals(string) []workload.Request {
	if body := call("Final", w.workload.Final); body != nil {
		return []workload.Request{ownRequest("Final", body)}
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

// ownRequest returns the request with a body that a method has returned. It panics with an
// *ownMistake if the body is no JSON object with a type.
func ownRequest(method string, body any) workload.Request {
	if body == nil {
		panic(&ownMistake{method + " of the workload returned nil, which is no body of a request"})
	}
	text, err := textOf(body)
	if err != nil {
		panic(&ownMistake{fmt.Sprintf("%s of the workload returned %#v, which is no body of a request: %v", method, body, err)})
	}
	m, err := message.New("", "", text)
	if err != nil {
		panic(&ownMistake{fmt.Sprintf("%s of the workload returned %s, which is no body of a request: %v", method, text, err)})
	}
	return workload.Request{F: m.Type, Value: text, Body: text, Type: m.Type, Want: m.Type + "_ok"}
}

// Read implements [workload.Workload].
func (w *own) Read(req *workload.Request, body []byte) (jsontext.Value, error) {
	if reader, ok := w.workload.(ReplyReader); ok {
		if err := call("Read", func() error { return reader.Read(req.Body, body) }); err != nil {
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
	problem := func(check, text string) {
		problems = append(problems, checker.Problem{Check: check, Text: text, At: r.End})
	}
	wrong, mistake := w.check(ops)
	if mistake != nil {
		problem("own-panic", mistake.Error())
	}
	for _, text := range wrong {
		problem(ownName, cmp.Or(strings.TrimSpace(text), "Check of the workload returned an empty text"))
	}
	for _, op := range withoutFinal(ops) {
		problem("own-final", fmt.Sprintf("%s has not served the final request: %v", op.Node, op))
	}
	return problems, nil
}

// check calls Check of the workload.
func (w *own) check(ops []Op) (wrong []string, mistake error) {
	err := trial.Guard(func() error {
		wrong = call("Check", func() []string { return w.workload.Check(ops) })
		return nil
	})
	var crash *trial.Crash
	if errors.As(err, &crash) {
		return nil, crash.Panic.(*ownMistake)
	}
	return wrong, nil
}

// withoutFinal returns the last final request of each node that got no reply to it, or an error
// with an indefinite code, or has no handler for it. What other errors mean is for Check to say.
func withoutFinal(ops []Op) (unserved []Op) {
	last := map[string]Op{}
	for _, op := range ops {
		if before, exists := last[op.Node]; op.Final && !(exists && before.Outcome == OK) {
			last[op.Node] = op
		}
	}
	for _, node := range slices.Sorted(maps.Keys(last)) {
		op := last[node]
		if op.Outcome == Indefinite || op.Outcome == Failed && op.Code == int(eddy.NotSupported) {
			unserved = append(unserved, op)
		}
	}
	return unserved
}

var outcomes = map[history.Outcome]Outcome{history.OK: OK, history.Fail: Failed, history.Indefinite: Indefinite, history.Open: Indefinite}
