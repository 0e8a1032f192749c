package talk

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
	"github.com/eddyrpc/eddy/internal/message"
)

// init sends init. A piped session waits for the reply, because a node may refuse
// messages that arrive before it.
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

// withID adds the client's next msg_id to a body that has no msg_id.
func (s *session) withID(client string, body jsontext.Value) jsontext.Value {
	if message.Member(body, "msg_id") != nil {
		return body
	}
	return message.WithID(body, s.requests.nextID(client))
}

// sendBody sends a message. The body is sent as it is.
func (s *session) sendBody(src, dest string, body jsontext.Value) {
	s.send(string(message.Append(nil, src, dest, body)))
}

// send sends a line to the node and shows it.
func (s *session) send(line string) {
	if err := s.node.Send([]byte(line)); err != nil {
		s.screen.warn("could not send to %s: %v", shorthand.ShowName(s.cfg.Node), err)
		return
	}
	m, err := readMessage([]byte(line))
	if err != nil {
		s.screen.sent(s.cfg.Node, line)
		return
	}
	s.screen.message(&m, toNode)
	s.requests.sent(&m)
}

// show shows a line of the node.
func (s *session) show(w written) {
	if w.stream == cluster.Stderr {
		s.screen.stderr(s.cfg.Node, w.line)
		return
	}
	if w.line.Truncated() {
		s.screen.invalid(s.cfg.Node, w.line, fmt.Sprintf("longer than the limit of %d bytes", len(w.line.Text)))
		return
	}
	m, err := readMessage(w.line.Text)
	if err != nil {
		s.screen.invalid(s.cfg.Node, w.line, err.Error())
		return
	}
	var warnings []string
	if m.Src != s.cfg.Node {
		warnings = append(warnings, "its src is not "+shorthand.ShowName(s.cfg.Node))
	}
	if !m.IsReply() {
		s.screen.message(&m, nodeRequests, warnings...)
		if m.IsRequest() {
			s.requests.received(&m.Message)
			s.hint(&m)
		}
		return
	}
	if r := (requestKey{m.Dest, m.InReplyTo}); !s.requests.settle(r) {
		warnings = append(warnings, fmt.Sprintf("%s has no open request #%d", shorthand.ShowName(r.client), r.id))
	}
	s.screen.message(&m, replies, warnings...)
}

// hint tells a person, once, how to reply to a request of the node.
func (s *session) hint(m *shownMessage) {
	if s.console.interactive() && !s.hinted {
		s.hinted = true
		s.screen.remark("you may reply as %s: reply read_ok value=3, or reply error 22 text", shorthand.ShowName(m.Dest))
	}
}

// reply replies to a request of the node in the name of the request's dest. A piped
// session waits for the request, and says so if it waits long. echo repeats the typed
// line before the reply.
func (s *session) reply(command shorthand.Command, echo func()) {
	found := func() bool { return s.requests.find(command.To) != nil }
	node := shorthand.ShowName(s.cfg.Node)
	what := "request without a reply"
	if command.To >= 0 {
		what = fmt.Sprintf("request #%d", command.To)
	}
	missing := node + " has sent no " + what
	reply := func() {
		echo()
		r := s.requests.find(command.To)
		body := command.Body
		if message.Member(body, "in_reply_to") == nil {
			body = message.With(body, "in_reply_to", message.Int(r.id))
		}
		s.sendBody(r.dest, r.src, body)
	}
	switch {
	case found():
		reply()
	case s.console.interactive():
		s.screen.warn("%s", missing)
	default:
		last := wait{until: found, then: reply, expired: func() { echo(); s.screen.warn("%s within %v", missing, maxWait) }}
		s.wait(quietWait, wait{until: found, then: reply, expired: func() {
			s.screen.remark("%s; waiting for it, at most %v", missing, maxWait)
			s.wait(maxWait-quietWait, last)
		}})
	}
}
