package workload

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
)

// relay is the workload in which every client asks its node to call another
// node and to hand on the reply, with retries: reliable RPC, put to the test.
//
//	{"type":"relay","target":"n2","payload":{"type":"echo","echo":"relay 17"}}
//	{"type":"relay_ok","attempts":1,"result":{"type":"echo_ok","echo":"relay 17","in_reply_to":3,"msg_id":1}}
//
// A node sends the payload to the target with a fresh msg_id, waits for
// --call-timeout (500 ms), sends it again with another, and gives up after
// --call-attempts (3) with an error, whose code must not say that nothing happened
// unless every attempt was answered so. Before it sends again it may pause for
// --call-backoff (0 s). Any reply is a result, also one that comes
// after its attempt's timeout, unless with --call-late ignore. It must also
// answer echo.
//
// The test plays two nodes of its own, with the names after the real ones. One
// is slow: its replies come half a timeout to two and a half timeouts after the
// attempt, every other one twice. One is mute. And it forges replies: with the
// id of a live attempt from a node that was not asked, and from the one that
// was asked with an id that was never sent.
type relay struct {
	env        Env
	slow, mute string
	n          int64
}

func newRelay(env Env) Workload {
	w := &relay{env: env}
	names := following(env.Nodes, 2)
	w.slow, w.mute = names[0], names[1]
	return w
}

// following makes names for more nodes: n4 and n5 after n1, n2, n3.
func following(nodes []string, count int) (names []string) {
	highest := 0
	for _, name := range nodes {
		if number, err := strconv.Atoi(name[1:]); err == nil && name[0] == 'n' {
			highest = max(highest, number)
		}
	}
	for i := range count {
		names = append(names, "n"+strconv.Itoa(highest+1+i))
	}
	return names
}

func (*relay) Setup() []Request { return nil }

// Played nodes are asked often at the beginning, so that a short test meets
// them, and then seldom, so that a long one is not spent on waiting.
const (
	oftenUntil = 128
	often      = 16
	seldom     = 512
)

func (w *relay) Next(node string) Request {
	w.n++
	every := int64(seldom)
	if w.n <= oftenUntil {
		every = often
	}
	switch {
	case w.n%every == 3:
		return w.request(w.slow)
	case w.n%(2*every) == 9:
		return w.request(w.mute)
	}
	return w.request(w.other(node, w.n))
}

// other is a real node other than this one, if there is one.
func (w *relay) other(node string, n int64) string {
	nodes := w.env.Nodes
	at := int(n % int64(len(nodes)))
	if nodes[at] == node {
		at = (at + 1) % len(nodes)
	}
	return nodes[at]
}

func (w *relay) request(target string) Request {
	body := fmt.Appendf(nil, `{"type":"relay","target":%q,"payload":{"type":"echo","echo":"relay %d"}}`, target, w.n)
	value := fmt.Appendf(nil, `{"target":%q,"echo":"relay %d"}`, target, w.n)
	return Request{F: "relay", Value: value, Body: body, Type: "relay", Want: "relay_ok", Key: w.n}
}

func (w *relay) Final(node string) Request {
	w.n++
	return w.request(w.other(node, w.n))
}

func (*relay) Settled([]history.Op) bool { return true }

func (*relay) Read(_ *Request, body []byte) (jsontext.Value, error) {
	attempts, err := need(body, "attempts")
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(string(attempts)); err != nil || n < 1 {
		return nil, fmt.Errorf("its attempts are %s, not an integer from 1", attempts)
	}
	result, err := need(body, "result")
	if err != nil {
		return nil, err
	}
	if result.Kind() != '{' {
		return nil, fmt.Errorf("its result is no object")
	}
	return fmt.Appendf(nil, `{"attempts":%s,"result":%s}`, attempts, result), nil
}

// Expects errors of calls to the nodes that the test plays.
func (w *relay) Expects(op *history.Op) bool {
	target := string(Member(op.Value, "target"))
	return target == strconv.Quote(w.slow) || target == strconv.Quote(w.mute)
}

// Check judges from the journal alone.
func (w *relay) Check(r Record) ([]checker.Problem, []checker.Number) {
	problems, numbers := checker.Relay(r.Journal, checker.RelayConfig{
		Nodes: w.env.Nodes, Timeout: w.env.CallTimeout, Attempts: w.env.CallAttempts, IgnoreLate: w.env.IgnoreLate,
		Backoff: w.env.CallBackoff, Flooded: w.env.Flooded,
		End: r.End, Lag: r.Lag,
	})
	played := fmt.Sprintf("%s slow, %s mute", w.slow, w.mute)
	return problems, append(numbers, checker.Number{Name: "played", Value: played})
}

// Plays are the nodes that the test plays: one slow, one mute.
func (w *relay) Plays() []string { return []string{w.slow, w.mute} }

// Received answers for the slow node.
func (w *relay) Received(m *message.Message) []Send {
	if m.Dest != w.slow || !m.IsRequest() || m.Type != "echo" {
		return nil
	}
	token := payloadNumber(m.Body)
	halves := []time.Duration{1, 3, 4, 5}[token/often%4]
	timeout := w.env.CallTimeout
	reply := Send{
		After:   halves*timeout/2 - timeout/10,
		Message: w.reply(m, m.Dest, m.ID, fmt.Sprintf("relay %d", token)),
	}
	if token/often%2 == 0 {
		return []Send{reply}
	}
	again := reply
	again.After += timeout / 20
	return []Send{reply, again}
}

// Saw forges replies to some of the attempts.
func (w *relay) Saw(m *message.Message) []Send {
	if !m.IsRequest() || m.Type != "echo" {
		return nil
	}
	token := payloadNumber(m.Body)
	if token <= 0 {
		return nil
	}
	played := m.Dest == w.slow || m.Dest == w.mute
	switch {
	case token%8 == 1 || played && token/often%2 == 0:
		return []Send{{Message: w.reply(m, w.stranger(m), m.ID, "forged by a stranger")}}
	case token%8 == 5 || played:
		return []Send{{Message: w.reply(m, m.Dest, m.ID+neverSent, "forged with an id never sent")}}
	}
	return nil
}

// neverSent is how far a forged id is beyond the one that was sent: further than
// a node counts in a test.
const neverSent = 1 << 40

// stranger is a node that has nothing to do with a message.
func (w *relay) stranger(m *message.Message) string {
	for _, name := range w.env.Nodes {
		if name != m.Src && name != m.Dest {
			return name
		}
	}
	if m.Dest == w.mute {
		return w.slow
	}
	return w.mute
}

func (w *relay) reply(to *message.Message, src string, inReplyTo int64, echo string) message.Message {
	body := fmt.Appendf(nil, `{"type":"echo_ok","echo":%q,"in_reply_to":%d,"msg_id":%d}`, echo, inReplyTo, inReplyTo)
	return message.Message{Src: src, Dest: to.Src, Body: body, Type: "echo_ok", ID: inReplyTo, InReplyTo: inReplyTo}
}

// payloadNumber is the number in a payload of ours, or 0.
func payloadNumber(body []byte) int64 {
	_, rest, ok := bytes.Cut(body, []byte(`"relay `))
	if !ok {
		return 0
	}
	digits, _, _ := bytes.Cut(rest, []byte(`"`))
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
