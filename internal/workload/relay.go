package workload

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
)

// relay is the workload in which clients ask their node to call another node, with
// retries, and to return its reply. This tests reliable RPC.
//
//	{"type":"relay","target":"n2","payload":{"type":"echo","echo":"relay 17"}}
//	{"type":"relay_ok","attempts":1,"result":{"type":"echo_ok","echo":"relay 17","in_reply_to":3,"msg_id":1}}
//
// The node sends the payload to the target with a new msg_id and waits for
// --call-timeout (500 ms). After a timeout it sends the payload again with another
// msg_id, up to --call-attempts (3) in all. Between attempts it may pause for
// --call-backoff (0 s). A reply to any attempt is the result, even if it arrives
// after its attempt's timeout, unless --call-late is ignore. After the last timeout
// the node replies with an error. The code of this error may be definite only if
// every attempt got an error reply with a definite code. --policy tells the test another
// policy of the relays, whose attempts may have different timeouts. A node must also reply to
// echo. Some payloads have letters of other alphabets or escapes, and a few are longer
// than 64 KiB.
//
// The test simulates two further nodes, which are named after the real ones. One is
// slow: its replies arrive half a timeout to two and a half timeouts after the
// attempt, and every other one twice. One never replies. The test also forges
// replies: replies from another node than the target to the msg_id of an attempt,
// and replies from the target to a msg_id that was never sent.
type relay struct {
	env                Env
	slow, unresponsive string
	n                  int64
}

func newRelay(env Env) Workload {
	w := &relay{env: env}
	names := nextNames(env.Nodes, 2)
	w.slow, w.unresponsive = names[0], names[1]
	return w
}

// nextNames returns names for further nodes: n4 and n5 after n1, n2, n3.
func nextNames(nodes []string, count int) (names []string) {
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

// Calls to the simulated nodes are frequent at the beginning, so that they occur in
// a short test, and then rare, so that a long test does not mostly wait. The numbers
// are requests.
const (
	frequentUntil = 128
	frequent      = 16
	rare          = 512
)

func (w *relay) Next(node string) Request {
	n := w.env.number(w.n)
	every := int64(rare)
	if n <= frequentUntil {
		every = frequent
	}
	switch {
	case n%every == 3:
		return w.request(n, w.slow)
	case n%(2*every) == 9:
		return w.request(n, w.unresponsive)
	}
	return w.request(n, w.other(node, n))
}

// other returns a real node other than the given one, if there is one.
func (w *relay) other(node string, n int64) string {
	nodes := w.env.Nodes
	at := int(n % int64(len(nodes)))
	if nodes[at] == node {
		at = (at + 1) % len(nodes)
	}
	return nodes[at]
}

func (w *relay) request(n int64, target string) Request {
	w.n = max(w.n, n)
	body := fmt.Appendf(nil, `{"type":"relay","target":%s,"payload":{"type":"echo","echo":"relay %d%s"}}`, message.Quote(target), n, unusual(n))
	value := fmt.Appendf(nil, `{"target":%s,"echo":"relay %d"}`, message.Quote(target), n)
	return Request{F: "relay", Value: value, Body: body, Type: "relay", Want: "relay_ok", Key: n}
}

func (w *relay) Final(node string) Request { return w.request(w.n+1, w.other(node, w.n+1)) }

func (*relay) Settled([]history.Op) bool { return true }

func (*relay) Read(req *Request, body []byte) (jsontext.Value, error) {
	values, err := members(req, body, "attempts", "result")
	attempts, result := values[0], values[1]
	if attempts == nil {
		return nil, missing("attempts")
	}
	if n, ok := canonical.Int(attempts); !ok || n < 1 {
		return nil, fmt.Errorf("its attempts must be an integer from 1, not %s", attempts)
	}
	if result == nil {
		return nil, missing("result")
	}
	if result.Kind() != '{' {
		return nil, fmt.Errorf("its result must be an object")
	}
	return fmt.Appendf(nil, `{"attempts":%s,"result":%s}`, attempts, result), err
}

// ExpectsError reports whether the call was to a simulated node.
func (w *relay) ExpectsError(op *history.Op) bool {
	target := string(Member(op.Value, "target"))
	return target == string(message.Quote(w.slow)) || target == string(message.Quote(w.unresponsive))
}

// Check checks the journal only.
func (w *relay) Check(r Record) ([]checker.Problem, []checker.Number) {
	c := checker.RelayConfig{
		Nodes: w.env.Nodes, Timeout: w.env.CallTimeout, Attempts: w.env.CallAttempts, IgnoreLate: w.env.IgnoreLate,
		Backoff: w.env.CallBackoff, Flooded: w.env.Flooded,
		End: r.End, Lag: r.Lag, Stood: r.Stood,
	}
	if w.env.CallPolicy != nil {
		c.Policy = relayPolicy(w.env.CallPolicy)
	}
	problems, numbers := checker.Relay(r.Journal, c)
	simulated := fmt.Sprintf("%s slow, %s unresponsive", w.slow, w.unresponsive)
	return problems, append(numbers, checker.Number{Name: "simulated nodes", Value: simulated})
}

// SimulatedNodes returns the slow and the unresponsive node.
func (w *relay) SimulatedNodes() []string { return []string{w.slow, w.unresponsive} }

// Received returns the replies of the slow node.
func (w *relay) Received(m *message.Message) []Send {
	echo := Member(m.Body, "echo")
	if m.Dest != w.slow || !m.IsRequest() || m.Type != "echo" || echo == nil {
		return nil
	}
	n := payloadNumber(m.Body)
	halves := []time.Duration{1, 3, 4, 5}[n/frequent%4]
	timeout := w.env.CallTimeout
	reply := Send{
		After:   halves*timeout/2 - timeout/10,
		Message: w.reply(m, m.Dest, m.ID, echo),
	}
	if n/frequent%2 == 0 {
		return []Send{reply}
	}
	again := reply
	again.After += timeout / 20
	return []Send{reply, again}
}

// Observed returns forged replies to some of the attempts.
func (w *relay) Observed(m *message.Message) []Send {
	if !m.IsRequest() || m.Type != "echo" {
		return nil
	}
	n := payloadNumber(m.Body)
	if n <= 0 {
		return nil
	}
	simulated := m.Dest == w.slow || m.Dest == w.unresponsive
	switch {
	case n%8 == 1 || simulated && n/frequent%2 == 0:
		return []Send{{Message: w.reply(m, w.uninvolved(m), m.ID, message.Quote("forged by another node"))}}
	case n%8 == 5 || simulated:
		return []Send{{Message: w.reply(m, m.Dest, m.ID^neverSent, message.Quote("forged with a msg_id that was never sent"))}}
	}
	return nil
}

// neverSent is a bit of an id. If it is flipped, the result is an id that no node
// has sent.
const neverSent = 1 << 40

// uninvolved returns a node that is neither the src nor the dest of a message.
func (w *relay) uninvolved(m *message.Message) string {
	for _, name := range w.env.Nodes {
		if name != m.Src && name != m.Dest {
			return name
		}
	}
	if m.Dest == w.unresponsive {
		return w.slow
	}
	return w.unresponsive
}

func (w *relay) reply(to *message.Message, src string, inReplyTo int64, echo jsontext.Value) message.Message {
	body := fmt.Appendf(nil, `{"type":"echo_ok","echo":%s,"in_reply_to":%d,"msg_id":%d}`, echo, inReplyTo, inReplyTo)
	return message.Message{Src: src, Dest: to.Src, Body: body, Type: "echo_ok", ID: inReplyTo, InReplyTo: inReplyTo}
}

// payloadNumber returns the number in a payload, or 0.
func payloadNumber(body []byte) int64 {
	_, rest, ok := bytes.Cut(body, []byte(`"relay `))
	if !ok {
		return 0
	}
	end := bytes.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	n, err := strconv.ParseInt(string(rest[:max(0, end)]), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
