package talk

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
	"github.com/eddyrpc/eddy/internal/message"
)

// init sends init. A piped session goes on when it is answered: what comes
// before that, a node may refuse.
func (s *session) init() {
	body := jsontext.Value(`{"type":"init"}`)
	body = message.With(body, "node_id", message.Quote(s.cfg.Node))
	ids := []byte{'['}
	for i, name := range s.cfg.Nodes {
		if i > 0 {
			ids = append(ids, ',')
		}
		ids = append(ids, message.Quote(name)...)
	}
	body = message.With(body, "node_ids", append(ids, ']'))
	s.sendBody(initClient, s.cfg.Node, s.withID(initClient, body))
	if !s.console.interactive() {
		s.takeWait(0)
	}
}

// withID gives a body the client's next msg_id unless it has one.
func (s *session) withID(client string, body jsontext.Value) jsontext.Value {
	if message.Member(body, "msg_id") != nil {
		return body
	}
	return message.WithID(body, s.account.nextID(client))
}

// sendBody sends a message. The body goes out as it is.
func (s *session) sendBody(src, dest string, body jsontext.Value) {
	s.send(string(message.Append(nil, src, dest, body)))
}

// send sends a line, shows it, and keeps account of what it asks or answers.
func (s *session) send(line string) {
	if err := s.node.Send([]byte(line)); err != nil {
		s.screen.complain("%s cannot be told: %v", shorthand.ShowName(s.cfg.Node), err)
		return
	}
	m, err := readMessage([]byte(line))
	if err != nil {
		s.screen.sent(s.cfg.Node, line)
		return
	}
	s.screen.message(m, toNode)
	s.account.sent(m)
}

// show shows what the node wrote, and keeps account of what it asks or answers.
func (s *session) show(w written) {
	if w.stream == cluster.Stderr {
		s.screen.stderr(s.cfg.Node, w.line)
		return
	}
	if w.line.Truncated() {
		s.screen.rubbish(s.cfg.Node, w.line, fmt.Sprintf("over the limit of %d bytes", len(w.line.Text)))
		return
	}
	m, err := readMessage(w.line.Text)
	if err != nil {
		s.screen.rubbish(s.cfg.Node, w.line, err.Error())
		return
	}
	var notes []string
	if m.Src != s.cfg.Node {
		notes = append(notes, "its src is not "+shorthand.ShowName(s.cfg.Node))
	}
	if !m.IsReply() {
		s.screen.message(m, question, notes...)
		if m.IsRequest() {
			s.account.asks(m)
			s.hint(m)
		}
		return
	}
	if r := (request{m.Dest, m.InReplyTo}); !s.account.answered(r) {
		notes = append(notes, fmt.Sprintf("%s has no request #%d open", shorthand.ShowName(r.client), r.id))
	}
	s.screen.message(m, reply, notes...)
}

// hint tells a person, once, how to answer a request of the node.
func (s *session) hint(m shownMessage) {
	if s.console.interactive() && !s.hinted {
		s.hinted = true
		s.screen.remark("you may answer for %s: answer read_ok value=3, or answer error 22 text", shorthand.ShowName(m.Dest))
	}
}

// answer answers a request of the node for whoever was asked. A piped session
// waits for the request, as a person would, and after a while says so. Either way
// echo comes first.
func (s *session) answer(command shorthand.Command, echo func()) {
	found := func() bool { return s.account.find(command.To) != nil }
	node := shorthand.ShowName(s.cfg.Node)
	what := "request that is unanswered"
	if command.To >= 0 {
		what = fmt.Sprintf("request #%d", command.To)
	}
	missing := node + " has sent no " + what
	reply := func() {
		echo()
		a := s.account.find(command.To)
		body := command.Body
		if message.Member(body, "in_reply_to") == nil {
			body = message.With(body, "in_reply_to", message.Int(a.id))
		}
		s.sendBody(a.dest, a.src, body)
	}
	switch {
	case found():
		reply()
	case s.console.interactive():
		s.screen.complain("%s", missing)
	default:
		last := wait{until: found, then: reply, expired: func() { echo(); s.screen.complain("%s within %v", missing, patience) }}
		s.wait(silence, wait{until: found, then: reply, expired: func() {
			s.screen.remark("%s; answer waits for one, for %v at most", missing, patience)
			s.wait(patience-silence, last)
		}})
	}
}
