package workload

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
)

// echo is the workload in which clients send a text, and nodes reply with the same
// text.
//
//	{"type":"echo","echo":"Please echo 17"}
//	{"type":"echo_ok","echo":"Please echo 17"}
//
// Some texts have letters of other alphabets or escapes, and a few are longer than
// 64 KiB.
//
// Checked: the echo of an echo_ok equals that of its request (`wrong-echo`), and
// every request that was delivered to a node gets a reply, unless the node was killed
// (`no-reply`).
type echo struct {
	env Env
	n   int64 // the highest number of a text
}

func newEcho(env Env) Workload { return &echo{env: env} }

func (*echo) Setup() []Request          { return nil }
func (*echo) Settled([]history.Op) bool { return true }

func (w *echo) Next(string) Request { return w.request(w.env.number(w.n)) }

func (w *echo) request(n int64) Request {
	w.n = max(w.n, n)
	body := strconv.AppendInt([]byte(`{"type":"echo","echo":"Please echo `), n, 10)
	body = append(body, unusual(n)...)
	body = append(body, `"}`...)
	return Request{F: "echo", Value: body[len(`{"type":"echo","echo":`) : len(body)-1], Body: body, Type: "echo", Want: "echo_ok"}
}

func (w *echo) Final(string) Request { return w.request(w.n + 1) }

func (*echo) Read(req *Request, body []byte) (jsontext.Value, error) {
	return only(req, body, "echo")
}

func (*echo) Check(r Record) ([]checker.Problem, []checker.Number) {
	problems, numbers := checker.Echo(r.History)
	return append(problems, missingReplies(r, noExcuse)...), numbers
}

func (*echo) ExpectsError(*history.Op) bool { return false }
