// Package story writes what happened in a short test as text for people.
package story

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
)

// MaxLines is how many lines a story has that a person reads with pleasure.
const MaxLines = 60

// Of returns what happened in a test, in at most about so many lines: the operations of
// clients, the faults, the kills and restarts of nodes, and the messages with their
// fates. Times are in milliseconds. For example:
//
//	12 ms  c1 asks n1: broadcast 4
//	12 ms  n1 -> n2 {"type":"learn","element":4} lost
//	12 ms  n1 -> n3 {"type":"learn","element":4} after 3 ms
//	13 ms  c1: ok after 1 ms
//	20 ms  kill n1 begins
//
// If there are more lines, a line says what was left out: first operations of the final
// phase that were repeated, then the most frequent messages that were delivered.
func Of(h *history.History, j *sim.Journal, most int) string {
	t := &teller{requests: map[request]*history.Op{}}
	for op := range h.All() {
		if !op.Again {
			t.addOp(op)
		}
	}
	t.addJournal(j)
	slices.SortStableFunc(t.items, compare)
	t.shorten(most)
	return t.text(most)
}

// A request identifies a client's request.
type request struct {
	client string
	id     int64
}

// An item is a line of a story.
type item struct {
	at    time.Duration
	step  int // its order among those of the same time
	text  string
	group group  // what it can be left out with
	fate  string // of a message
	ends  bool   // it is the end of an operation
	left  bool   // it is left out
}

// A group is what is left out together. Its zero value is never left out.
type group struct {
	kind groupKind
	typ  string // of messages
}

// A groupKind says what is in a group. Smaller kinds are left out first.
type groupKind int

const (
	essential groupKind = iota
	repeated            // operations of the final phase that were repeated
	delivered           // messages
	early               // operations before all faults
	failed              // messages that were not delivered, or more than once
)

// A teller makes a story.
type teller struct {
	items    []item
	requests map[request]*history.Op
	ended    map[request]bool
	finals   map[string]request // by node and function, the last of the final phase
	begun    map[int]*sim.Fault
	copies   map[int][]sim.Record // by message: its duplicates
}

func (t *teller) addOp(op *history.Op) {
	t.requests[request{op.Client, op.MsgID}] = op
	if t.finals == nil {
		t.finals = map[string]request{}
	}
	if op.Final {
		t.finals[finalKey(op)] = request{op.Client, op.MsgID}
	}
}

// finalKey is the same for operations of the final phase that repeat each other.
func finalKey(op *history.Op) string { return fmt.Sprint(op.Node, op.F, op.Key, string(op.Value)) }

// groupOf returns the group of an operation.
func (t *teller) groupOf(op *history.Op) group {
	switch {
	case op.Final && t.finals[finalKey(op)] != request{op.Client, op.MsgID}:
		return group{kind: repeated}
	case op.F == "topology":
		return group{kind: early}
	}
	return group{}
}

func (t *teller) addJournal(j *sim.Journal) {
	t.ended, t.begun, t.copies = map[request]bool{}, map[int]*sim.Fault{}, map[int][]sim.Record{}
	for m := range j.All() {
		if m.IsDuplicate() {
			t.copies[m.Of] = append(t.copies[m.Of], m)
		}
	}
	for m := range j.All() {
		if !m.IsDuplicate() {
			t.addMessage(&m)
		}
	}
	events := j.Events()
	for i := range events {
		t.addEvent(&events[i])
	}
	for r, op := range t.requests {
		if op.Ended() && !t.ended[r] {
			_, to := op.Seen()
			t.add(item{at: to, step: math.MaxInt, ends: true, text: endOf(op), group: t.groupOf(op)})
		}
	}
}

func (t *teller) add(i item) { t.items = append(t.items, i) }

// addMessage adds a message and its duplicates, or what it means for an operation.
func (t *teller) addMessage(m *sim.Record) {
	fate := t.fate(m)
	line := item{at: m.Sent, step: m.SentStep, fate: fateName(m)}
	if op := t.requests[request{m.Src, m.ID}]; op != nil && !m.IsReply() && m.Dest == op.Node {
		line.text, line.group = fmt.Sprintf("%s asks %s: %s%s", m.Src, m.Dest, asked(m), fate), t.groupOf(op)
		t.add(line)
		return
	}
	answered := request{m.Dest, m.InReplyTo}
	if op := t.requests[answered]; op != nil && m.Fate == sim.Delivered && op.InTime() && op.Ended() && m.Done == op.To && !t.ended[answered] {
		t.ended[answered] = true
		t.add(item{at: op.To, step: m.DoneStep, ends: true, text: endOf(op), group: t.groupOf(op)})
		return
	}
	line.group = group{kind: delivered, typ: m.Type}
	if m.Fate != sim.Delivered || len(t.copies[m.Index]) > 0 {
		line.group.kind = failed
	}
	line.text = fmt.Sprintf("%s -> %s %s%s", m.Src, m.Dest, short(string(m.Body)), fate)
	t.add(line)
}

// fate describes what became of a message and of its duplicates.
func (t *teller) fate(m *sim.Record) string {
	text := fateOf(m)
	for i := range t.copies[m.Index] {
		again := &t.copies[m.Index][i]
		if text += " and again"; again.Done == again.Sent && again.Fate == sim.Delivered {
			text += " at once"
		}
		text += fateOf(again)
	}
	return text
}

// fateOf describes what became of one copy.
func fateOf(m *sim.Record) string {
	after := ""
	if m.Done > m.Sent && m.Fate != sim.InFlight {
		after = " after " + milliseconds(m.Done-m.Sent)
	}
	switch m.Fate {
	case sim.Delivered:
		return after
	case sim.InFlight:
		return " still on its way at the end"
	case sim.LostByLink, sim.LostByFault, sim.LostByCarrier:
		return " lost"
	case sim.Partitioned:
		return " cut off by a partition" + after
	case sim.Killed:
		return fmt.Sprintf(" lost, because %s was killed", m.Dest)
	case sim.Down:
		return fmt.Sprintf(" lost, because %s was down", m.Dest) + after
	case sim.StaleReply:
		return fmt.Sprintf(" lost, because it is for an earlier incarnation of %s", m.Dest)
	case sim.Unread:
		return fmt.Sprintf(" not read by %s", m.Dest)
	case sim.UnknownDest:
		return ", which does not exist"
	}
	return " " + m.Fate.String()
}

// fateName counts messages by what became of them.
func fateName(m *sim.Record) string {
	switch m.Fate {
	case sim.LostByLink, sim.LostByFault, sim.LostByCarrier:
		return "lost"
	case sim.Partitioned:
		return "cut off"
	}
	return strings.ReplaceAll(m.Fate.String(), "-", " ")
}

func (t *teller) addEvent(e *sim.Event) {
	text := ""
	switch e.What {
	case "begin":
		t.begun[e.Fault] = e.Begun
		text = faultText(e.Begun) + " begins"
	case "end":
		text = t.begun[e.Fault].String() + " ends"
	case "killed":
		text = e.Node + " is killed"
	case "started":
		if e.Incarnation == 1 {
			return // as every node
		}
		text = fmt.Sprintf("%s has started again (incarnation %d)", e.Node, e.Incarnation)
	case "quiesced":
		text = "all faults have ended"
	default:
		text = strings.ReplaceAll(e.What, "-", " ")
	}
	t.add(item{at: e.At, step: e.Step, text: text})
}

// maxLinks is up to how many links a line about a fault names.
const maxLinks = 6

// faultText describes a fault that begins.
func faultText(f *sim.Fault) string {
	text := f.String()
	var more []string
	if n := len(f.Links); f.Kind == sim.Partition && n > 0 && n <= maxLinks {
		for _, l := range f.Links {
			more = append(more, l.String())
		}
	}
	if f.Delay > 0 {
		more = append(more, "+"+milliseconds(f.Delay))
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return text
}

// asked describes what a client asks: the type of the body and its fields.
func asked(m *sim.Record) string {
	fields, err := message.Fields(m.Body)
	if err != nil {
		return short(string(m.Body))
	}
	fields = slices.DeleteFunc(fields, func(f message.Field) bool { return f.Name == "type" || f.Name == "msg_id" })
	text := m.Type
	for _, f := range fields {
		value := string(f.Value)
		if len(fields) > 1 {
			value = f.Name + "=" + value
		}
		text += " " + value
	}
	return short(text)
}

// endOf describes how an operation ended for its client.
func endOf(op *history.Op) string {
	outcome, to := op.Seen()
	text := "no reply"
	switch {
	case outcome == history.OK:
		text = strings.TrimSpace("ok " + short(string(op.Result)))
	case op.InTime():
		text = short(op.Error)
	}
	return fmt.Sprintf("%s: %s after %s", op.Client, text, milliseconds(to-op.From))
}

// maxText is how long a body or a result may be in a line.
const maxText = 100

// short returns a text in one line, cut if it is long.
func short(text string) string {
	text, cut := quote.Cut(quote.Printable(text), maxText)
	if cut {
		text += "..."
	}
	return text
}

// milliseconds writes a time, with a decimal if it needs one.
func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(math.Round(d.Seconds()*1e4)/10, 'f', -1, 64) + " ms"
}
