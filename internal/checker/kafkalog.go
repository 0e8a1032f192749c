package checker

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// A keyLog is what replies say about the log of a key. It needs memory for the
// entries that they name, not for the gaps between them.
type keyLog struct {
	key      int64
	entries  map[int64]*logEntry // by offset
	messages map[int64]*logMessage
	offsets  []int64       // of entries, sorted; see sort
	sorted   []*logMessage // by value; see sort
	polledTo int64         // the greatest offset that a poll returned, or -1
}

// A logEntry is the message at an offset. If there are several messages, it is the
// one that was named first.
type logEntry struct {
	message *logMessage
	op      *history.Op // the first operation whose result named it
	other   *logMessage // another message at the offset, or nil
	otherOp *history.Op // the operation whose result named the other message
}

// A logMessage is a message of one key.
type logMessage struct {
	value  int64
	send   *history.Op // nil if no client sent it
	acked  bool
	copied bool        // the network delivered the send more than once
	polled *history.Op // the first poll that returned it; nil if there is none

	placed   bool // its offset is known
	offset   int64
	op       *history.Op // the first operation whose result named the offset
	other    int64       // another offset, if otherOp is not nil
	otherOp  *history.Op
	reported bool // as lost or unseen

	finalNode int  // 1 + the index of the last node whose final polls were found to return it
	final     bool // the final polls of some node returned it
}

// log returns the log of a key.
func (k *kafkaCheck) log(key int64) *keyLog {
	l := k.logs[key]
	if l == nil {
		l = &keyLog{key: key, entries: map[int64]*logEntry{}, messages: map[int64]*logMessage{}, polledTo: -1}
		k.logs[key] = l
	}
	return l
}

// message returns the message with a value.
func (l *keyLog) message(value int64) *logMessage {
	m := l.messages[value]
	if m == nil {
		m = &logMessage{value: value}
		l.messages[value] = m
	}
	return m
}

// place records that the result of an operation names the offset of a message.
func (l *keyLog) place(m *logMessage, offset int64, op *history.Op) {
	switch {
	case !m.placed:
		m.placed, m.offset, m.op = true, offset, op
	case m.offset != offset && m.otherOp == nil:
		m.other, m.otherOp = offset, op
	}
	e := l.entries[offset]
	switch {
	case e == nil:
		l.entries[offset] = &logEntry{message: m, op: op}
	case e.message != m && e.other == nil:
		e.other, e.otherOp = m, op
	}
}

// sort sorts the offsets and the messages. It is called after the last operation was
// added.
func (l *keyLog) sort() {
	l.offsets = slices.Sorted(maps.Keys(l.entries))
	for _, value := range slices.Sorted(maps.Keys(l.messages)) {
		l.sorted = append(l.sorted, l.messages[value])
	}
}

// sortedLogs returns the logs in the order of their keys.
func (k *kafkaCheck) sortedLogs() []*keyLog {
	var all []*keyLog
	for _, key := range slices.Sorted(maps.Keys(k.logs)) {
		all = append(all, k.logs[key])
	}
	return all
}

// name names a message of the log.
func (l *keyLog) name(m *logMessage) string {
	return fmt.Sprintf("message %d of key %d", m.value, l.key)
}

// howNamed says which reply named an offset.
func howNamed(op *history.Op) string {
	if op.F == "send" {
		return fmt.Sprintf("acknowledged to %s by %s at %s", op.Client, op.Node, seconds(op.To))
	}
	return fmt.Sprintf("polled by %s from %s at %s", op.Client, op.Node, seconds(op.To))
}

// howKnown says how a message became known.
func (m *logMessage) howKnown() string {
	if m.acked {
		return howNamed(m.send)
	}
	return howNamed(m.polled)
}

// known returns when the message became known. The message is placed.
func (m *logMessage) known() time.Duration {
	switch {
	case m.polled == nil:
		return m.send.To
	case !m.acked:
		return m.polled.To
	}
	return min(m.send.To, m.polled.To)
}

// checkLogs checks the messages and the offsets of all logs.
func (k *kafkaCheck) checkLogs() {
	for _, l := range k.sortedLogs() {
		for _, m := range l.sorted {
			k.checkMessage(l, m)
		}
		for _, offset := range l.offsets {
			if e := l.entries[offset]; e.other != nil {
				if k.found.add("inconsistent-offsets", max(e.op.To, e.otherOp.To), -1, "offset %d of key %d has message %d (%s) and message %d (%s)",
					offset, l.key, e.message.value, howNamed(e.op), e.other.value, howNamed(e.otherOp)) {
					k.found.addRequests(e.op, e.otherOp)
				}
			}
		}
	}
}

// checkMessage checks one message.
func (k *kafkaCheck) checkMessage(l *keyLog, m *logMessage) {
	if m.otherOp != nil && !m.copied {
		if k.found.add("duplicate", max(m.op.To, m.otherOp.To), -1, "%s has offset %d (%s) and offset %d (%s)",
			l.name(m), m.offset, howNamed(m.op), m.other, howNamed(m.otherOp)) {
			k.found.addRequests(m.op, m.otherOp)
		}
	}
	switch {
	case m.polled == nil:
	case m.send == nil:
		k.found.add("invented", m.polled.To, -1, "%v: it returned %s, which no client sent", m.polled, l.name(m))
	case m.send.Outcome == history.Fail:
		if k.found.add("G1a", m.polled.To, -1, "%v: it returned %s, whose send by %s to %s definitely failed at %s: %s",
			m.polled, l.name(m), m.send.Client, m.send.Node, seconds(m.send.To), m.send.Error) {
			k.found.addRequests(m.send)
		}
	}
}

// checkSends checks that the offsets of each process's messages to a key ascend.
func (k *kafkaCheck) checkSends() {
	type producer struct {
		process int
		key     int64
	}
	last := map[producer]*history.Op{}
	for _, op := range k.sends {
		by := producer{op.Process, op.Key}
		if before := last[by]; before != nil {
			earlier, _ := ParseOffset(before.Result)
			later, _ := ParseOffset(op.Result)
			if later <= earlier && k.found.add("nonmonotonic-send", op.To, -1, "%v: message %s of key %d got offset %d, but the client's message %s, acknowledged at %s, had got offset %d",
				op, op.Value, op.Key, later, before.Value, seconds(before.To), earlier) {
				k.found.addRequests(before)
			}
		}
		last[by] = op
	}
}
