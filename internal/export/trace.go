// Package export writes what happened in a test in the formats of other tools: as
// OpenTelemetry's OTLP JSON, as Chrome trace JSON, and as a log for ShiViz.
package export

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/grouping"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A Test is what happened in a test.
type Test struct {
	Name    string        // of the test, such as relay/20261123T124802.378
	Started time.Time     // the origin of all times
	Timeout time.Duration // of each attempt of a node's call; 0 if this is not known
	Journal *sim.Journal
	History *history.History
}

// A kind says what a span is about.
type kind uint8

const (
	callKind    kind = iota // a call, with all its attempts
	attemptKind             // a request that was sent
	serverKind              // a request at the node that it was delivered to
	oneWayKind              // a one-way message, until it was delivered or lost
	faultKind               // a fault
)

// faultTrack is the name under which the faults of a test are shown.
const faultTrack = "faults"

// A span is something that took time. Spans refer to each other by their index.
type span struct {
	kind       kind
	parent     int // -1 if there is none
	root       int // the span without a parent that it belongs to
	name       string
	node       string // where it took place
	dest       string // of a call, an attempt or a one-way message
	start, end time.Duration
	failed     string // why it failed, "" if it did not
	code       string // the code of the error reply that it ended with, "" if there was none
	id         int64  // the msg_id of an attempt, or of the request of a server; message.None otherwise
	call       uint32 // of an attempt: the number of its call
	number     int    // of an attempt in its call, from 1
	events     []event
}

// An event is something that happened during a span.
type event struct {
	at   time.Duration
	name string
}

// A link is a request on its way: from an attempt to a server.
type link struct{ from, to int }

// A trace is what happened in a test, as spans.
type trace struct {
	spans []span
	links []link
}

// order returns the indices of the spans in the order in which they start.
func (t *trace) order() []int {
	order := make([]int, len(t.spans))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(t.spans[a].start, t.spans[b].start) })
	return order
}

// A key identifies a request.
type key struct {
	src, dest string
	id        int64
}

// A builder makes the spans of a test.
type builder struct {
	trace
	test   *Test
	groups *grouping.Grouping
	end    time.Duration // of the test

	calls    map[uint32]int   // by the number of a call: its span
	attempts map[uint32][]int // by the number of a call: the spans of its attempts, in their order
	latest   map[key]int      // by request: its attempt
	serving  map[key][]int    // by request: the servers that have not replied, in their order
	served   map[servedKey]int
	faults   map[int]int // by number: the span of a fault
}

// A servedKey identifies the latest request of a call that was delivered to a node.
type servedKey struct {
	call uint32
	node string
}

// newTrace returns the spans of a test. Messages do not contain to which call they belong;
// package grouping finds it.
//
// A call begins with its first attempt and ends with the first reply that is delivered. An
// attempt ends with its reply, after its timeout if this is known, or else when the next
// attempt of its call is sent, and at the latest with its call. A late reply is an event of
// the call.
func newTrace(t *Test) *trace {
	b := &builder{
		test: t, groups: grouping.Find(t.Journal, t.Timeout),
		calls: map[uint32]int{}, attempts: map[uint32][]int{}, latest: map[key]int{},
		serving: map[key][]int{}, served: map[servedKey]int{}, faults: map[int]int{},
	}
	for step := range t.Journal.Steps() {
		b.end = max(b.end, b.step(&step))
	}
	b.finish()
	b.operations()
	return &b.trace
}

// open is the end of a span that has not ended.
const open time.Duration = -1

// noReply is why an attempt, a call or a server has failed that ended without a reply.
const noReply = "no reply"

// settled is why an attempt ended that still waited when a reply to another one came.
const settled = "another attempt was answered"

// step adds a step of the test and returns when it was.
func (b *builder) step(step *sim.Step) time.Duration {
	m := &step.Record
	switch {
	case step.Event != nil:
		b.event(step.Event)
		return step.Event.At
	case step.Sent:
		b.sent(m)
		return m.Sent
	}
	b.done(m)
	return m.Done
}

func (b *builder) add(s span) int {
	s.root = len(b.spans)
	if s.parent >= 0 {
		s.root = b.spans[s.parent].root
	}
	b.spans = append(b.spans, s)
	return len(b.spans) - 1
}

// sent adds a message that was sent.
func (b *builder) sent(m *sim.Record) {
	switch {
	case m.IsReply():
		b.replied(m)
	case m.IsRequest():
		b.request(m)
	default:
		parent := -1
		if call := b.groups.Of[m.Index]; call != 0 {
			parent = b.at(call, m.Src)
		}
		s := span{kind: oneWayKind, parent: parent, name: m.Type, node: m.Src, dest: m.Dest, start: m.Sent, end: open, id: message.None}
		if m.Fate != sim.InFlight {
			s.end = m.Done
		}
		if m.Fate != sim.Delivered {
			s.failed = m.Fate.String()
		}
		b.add(s)
	}
}

// at returns the span of what a node does for a call: the server of the call's request there,
// or else the call.
func (b *builder) at(call uint32, node string) int {
	if server, known := b.served[servedKey{call, node}]; known {
		return server
	}
	if span, known := b.calls[call]; known {
		return span
	}
	return -1
}

// request adds an attempt, and its call if it is the first.
func (b *builder) request(m *sim.Record) {
	number := b.groups.Of[m.Index]
	call, known := b.calls[number]
	if !known {
		parent := -1
		if p := b.groups.Calls[number].Parent; p != 0 {
			parent = b.at(p, m.Src)
		}
		call = b.add(span{kind: callKind, parent: parent, name: m.Type, node: m.Src, dest: m.Dest, start: m.Sent, end: open, id: message.None})
		b.calls[number] = call
	}
	attempt := b.add(span{
		kind: attemptKind, parent: call, name: m.Type, node: m.Src, dest: m.Dest,
		start: m.Sent, end: open, id: m.ID, call: number, number: len(b.attempts[number]) + 1,
	})
	b.attempts[number] = append(b.attempts[number], attempt)
	k := key{m.Src, m.Dest, m.ID}
	b.latest[k] = attempt
	delete(b.serving, k) // requests of an earlier incarnation had the same id
}

// replied ends the server of a request.
func (b *builder) replied(m *sim.Record) {
	k := key{m.Dest, m.Src, m.InReplyTo}
	if servers := b.serving[k]; len(servers) > 0 {
		s := &b.spans[servers[0]]
		s.end = m.Sent
		s.failed, s.code = failure(m)
		b.serving[k] = servers[1:]
	}
}

// failure returns what an error reply says, and its code.
func failure(m *sim.Record) (text, code string) {
	if m.Type != "error" {
		return "", ""
	}
	code = string(message.Member(m.Body, "code"))
	return message.Unquote(message.Member(m.Body, "text")), code
}

// done adds that a message was delivered or lost.
func (b *builder) done(m *sim.Record) {
	switch {
	case m.IsRequest() && m.Fate == sim.Delivered:
		b.deliveredRequest(m)
	case m.IsReply() && m.Fate == sim.Delivered:
		b.deliveredReply(m)
	case m.IsRequest():
		if attempt, known := b.latest[key{m.Src, m.Dest, m.ID}]; known {
			b.note(attempt, m.Done, "request "+m.Fate.String())
		}
	case m.IsReply():
		if attempt, known := b.latest[key{m.Dest, m.Src, m.InReplyTo}]; known {
			b.note(attempt, m.Done, "reply "+m.Fate.String())
		}
	}
}

func (b *builder) note(span int, at time.Duration, name string) {
	b.spans[span].events = append(b.spans[span].events, event{at, name})
}

// deliveredRequest adds the server of a request.
func (b *builder) deliveredRequest(m *sim.Record) {
	k := key{m.Src, m.Dest, m.ID}
	attempt, known := b.latest[k]
	if !known {
		return
	}
	server := b.add(span{kind: serverKind, parent: attempt, name: m.Type, node: m.Dest, start: m.Done, end: open, failed: noReply, id: m.ID})
	b.serving[k] = append(b.serving[k], server)
	b.served[servedKey{b.groups.Of[m.Index], m.Dest}] = server
	b.links = append(b.links, link{attempt, server})
}

// deliveredReply ends the attempt and the call that a reply is for.
func (b *builder) deliveredReply(m *sim.Record) {
	attempt, known := b.latest[key{m.Dest, m.Src, m.InReplyTo}]
	if !known {
		return
	}
	call := b.spans[attempt].parent
	if b.spans[call].end != open {
		b.note(attempt, m.Done, "reply after the end of the call")
		return
	}
	if until := b.waits(attempt); b.spans[attempt].end == open && m.Done <= until {
		b.close(attempt, m)
	} else {
		b.note(call, m.Done, "late reply")
	}
	b.close(call, m)
}

func (b *builder) close(span int, m *sim.Record) {
	s := &b.spans[span]
	s.end = m.Done
	s.failed, s.code = failure(m)
}

// waits returns until when an attempt waits for its reply, as far as this is known now.
func (b *builder) waits(attempt int) time.Duration {
	s := &b.spans[attempt]
	if g := b.groups.Calls[s.call]; g.Timeout > 0 && g.Parent != 0 {
		return s.start + g.Timeout
	}
	if all := b.attempts[s.call]; s.number < len(all) {
		return b.spans[all[s.number]].start
	}
	return math.MaxInt64
}

// event adds an event of the test. Faults are spans. When a node is killed, it serves nothing
// any more.
func (b *builder) event(e *sim.Event) {
	switch e.What {
	case "begin":
		b.faults[e.Fault] = b.add(span{kind: faultKind, parent: -1, name: e.Begun.String(), node: faultTrack, start: e.At, end: open, id: message.None})
	case "end":
		if fault, known := b.faults[e.Fault]; known {
			b.spans[fault].end = e.At
		}
	case "killed":
		for k, servers := range b.serving {
			if k.dest != e.Node {
				continue
			}
			for _, server := range servers {
				b.spans[server].end, b.spans[server].failed = e.At, "killed"
			}
			delete(b.serving, k)
		}
		for k := range b.served {
			if k.node == e.Node {
				delete(b.served, k)
			}
		}
	}
}

// finish ends the spans that have not ended.
func (b *builder) finish() {
	for i := range b.spans {
		if s := &b.spans[i]; s.kind == attemptKind && s.end == open {
			s.end, s.failed = min(b.waits(i), b.end), noReply
			if call := &b.spans[s.parent]; call.end != open && call.end < s.end {
				s.end, s.failed = max(call.end, s.start), settled
			}
		}
	}
	for number, call := range b.calls {
		if s := &b.spans[call]; s.end == open {
			s.failed = noReply
			for _, attempt := range b.attempts[number] {
				s.end = max(s.end, b.spans[attempt].end)
			}
		}
	}
	for i := range b.spans {
		if s := &b.spans[i]; s.end == open {
			s.end = b.end
		}
	}
}

// operations makes the calls of clients say how their operations ended: a client knows when
// it stopped waiting.
func (b *builder) operations() {
	for op := range b.test.History.All() {
		attempt, known := b.latest[key{op.Client, op.Node, op.MsgID}]
		if !known || op.Again || !op.Ended() {
			continue
		}
		call := b.spans[attempt].parent
		outcome, at := op.Seen()
		if !op.InTime() || b.spans[call].failed == noReply {
			if b.spans[call].failed != noReply {
				b.note(call, b.spans[call].end, "late reply")
			}
			for _, i := range []int{attempt, call} {
				s := &b.spans[i]
				s.end, s.failed, s.code = max(at, s.start), noReply, ""
			}
		}
		if s := &b.spans[call]; outcome != history.OK && s.failed == "" {
			s.failed = cmp.Or(op.Error, outcome.String())
		}
	}
}
