package export

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/sim"
)

// forger is the host that sends what the test sends in the name of a node: the node is not
// the cause of such a message.
const forger = "eddy-test"

// A clock is a vector clock: how many events of each host had happened before, or were, this
// one.
type clock map[string]int

// ShiViz writes the test as a log for ShiViz: for each event two lines, its host with its
// vector clock, and what happened. An event is that a message was sent or delivered, or that
// a node was started or killed. A message that was lost has one event, which says so.
func ShiViz(w io.Writer, t *Test) error {
	s := &shiviz{out: bufio.NewWriter(w), clocks: map[string]clock{}, sent: map[int]clock{}}
	copied := map[int]bool{} // messages with duplicates
	for m := range t.Journal.All() {
		if m.IsDuplicate() {
			copied[m.Of] = true
		}
	}
	for step := range t.Journal.Steps() {
		switch m := &step.Record; {
		case step.Event != nil:
			if e := step.Event; e.Node != "" {
				s.event(e.Node, nil, fmt.Sprintf("%s at %v", e.What, e.At))
			}
		case step.Sent:
			host := m.Src
			if m.Forged {
				host = forger
			}
			fate := ""
			if m.Fate != sim.Delivered {
				fate = ": " + m.Fate.String()
			}
			at := s.event(host, nil, fmt.Sprintf("send to %s at %v: %s%s", hostName(m.Dest), m.Sent, line(m.Body), fate))
			if m.Fate == sim.Delivered || copied[m.Index] {
				s.sent[m.Index] = at
			}
		case m.Fate == sim.Delivered:
			cause := m.Index
			if m.IsDuplicate() {
				cause = m.Of
			}
			s.event(m.Dest, s.sent[cause], fmt.Sprintf("receive from %s at %v: %s", hostName(m.Src), m.Done, line(m.Body)))
			if !copied[cause] {
				delete(s.sent, cause)
			}
		}
	}
	if s.err != nil {
		return s.err
	}
	return s.out.Flush()
}

type shiviz struct {
	out    *bufio.Writer
	clocks map[string]clock // by host
	sent   map[int]clock    // by message that may still be delivered: when it was sent
	err    error
}

// event writes an event of a host, which the event with clock cause precedes, and returns
// its clock.
func (s *shiviz) event(node string, cause clock, what string) clock {
	host := hostName(node)
	next := clock{}
	for _, before := range []clock{s.clocks[host], cause} {
		for name, n := range before {
			next[name] = max(next[name], n)
		}
	}
	next[host]++
	s.clocks[host] = next
	text, err := json.Marshal(next, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
	if err == nil {
		_, err = fmt.Fprintf(s.out, "%s %s\n%s\n", host, text, what)
	}
	if s.err == nil {
		s.err = err
	}
	return next
}

// hostName returns a node's name without blanks and control characters, which ShiViz does
// not accept in a name.
func hostName(node string) string {
	if node != "" && !strings.ContainsFunc(node, func(r rune) bool { return r <= ' ' || r == '{' || r > '~' }) {
		return node
	}
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '{' {
			return '_'
		}
		return r
	}, strconv.QuoteToASCII(node))
}

// maxLine is how many bytes of a body an event shows.
const maxLine = 200

// line returns a body as a short line.
func line(body []byte) string {
	text := string(body)
	if len(text) > maxLine {
		text = text[:maxLine] + "..."
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
}
