package workload

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// echo is the workload in which every client asks its node to say again what it
// says.
//
//	{"type":"echo","echo":"Please echo 17"}
//	{"type":"echo_ok","echo":"Please echo 17"}
//
// Checked: an echo_ok has the request's own echo (`echo`); every request that a
// node was handed is answered, unless the node was killed (`unanswered`).
type echo struct{ n int64 }

func newEcho(Env) Workload { return &echo{} }

func (*echo) Setup() []Request          { return nil }
func (*echo) Settled([]history.Op) bool { return true }

func (w *echo) Next(string) Request {
	w.n++
	body := strconv.AppendInt([]byte(`{"type":"echo","echo":"Please echo `), w.n, 10)
	body = append(body, `"}`...)
	return Request{F: "echo", Value: body[len(`{"type":"echo","echo":`) : len(body)-1], Body: body, Type: "echo", Want: "echo_ok"}
}

func (w *echo) Final(string) Request { return w.Next("") }

func (*echo) Read(req *Request, body []byte) (jsontext.Value, error) { return need(body, "echo") }

func (*echo) Check(r Record) ([]checker.Problem, []checker.Number) {
	problems, numbers := checker.Echo(r.History)
	return append(problems, unanswered(r, nothingExcuses)...), numbers
}

func (*echo) Expects(*history.Op) bool { return false }
