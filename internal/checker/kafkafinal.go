package checker

import (
	"github.com/eddyrpc/eddy/internal/history"
)

// A finalRead is what the final polls of one node returned of one key.
type finalRead struct {
	highest int64       // the greatest offset, or -1
	last    *history.Op // the last poll that asked for the key
	ended   bool        // the last poll returned nothing of the key
}

// checkFinal checks that the final polls of each node returned all known messages.
func (k *kafkaCheck) checkFinal(nodes []string) {
	polls := map[string][]*poll{} // by node
	for i := range k.polls {
		p := &k.polls[i]
		if !p.op.Final {
			continue
		}
		polls[p.op.Node] = append(polls[p.op.Node], p)
		for _, polled := range p.polled {
			for _, e := range polled.Entries {
				k.logs[polled.Key].messages[e.Message].final = true
			}
		}
	}
	logs := k.sortedLogs()
	for i, node := range nodes {
		if polls[node] == nil {
			k.found.unknown("no-final-poll", 0, "%s replied to no poll in the final phase", node)
			continue
		}
		reads := k.finalReads(polls[node], i+1)
		for _, l := range logs {
			k.checkFinalRead(node, i+1, l, reads[l.key])
		}
	}
	for _, l := range logs {
		k.checkPassedOver(l)
	}
}

// finalReads returns what final polls returned, by key, and marks the messages with
// the number of the node.
func (k *kafkaCheck) finalReads(polls []*poll, number int) map[int64]*finalRead {
	reads := map[int64]*finalRead{}
	for _, p := range polls {
		for _, asked := range p.asked {
			r := reads[asked.Key]
			if r == nil {
				r = &finalRead{highest: -1}
				reads[asked.Key] = r
			}
			if !p.op.Again {
				r.last, r.ended = p.op, true
			}
		}
		for _, polled := range p.polled {
			r := reads[polled.Key]
			if r == nil {
				continue // the poll did not ask for it
			}
			for _, e := range polled.Entries {
				r.ended = r.ended && p.op.Again
				r.highest = max(r.highest, e.Offset)
				k.logs[polled.Key].messages[e.Message].finalNode = number
			}
		}
	}
	return reads
}

// checkFinalRead checks the final polls of one key from one node.
func (k *kafkaCheck) checkFinalRead(node string, number int, l *keyLog, read *finalRead) {
	unread := 0
	for _, m := range l.sorted {
		switch {
		case !m.placed || m.finalNode == number || m.send == nil || m.send.Outcome == history.Fail:
		case read != nil && read.last != nil && read.highest == m.offset:
			k.missing("lost-write", node, l, m, read, "another message was returned at its offset")
		case read != nil && read.last != nil && read.highest > m.offset:
			k.missing("lost-write", node, l, m, read, "the later message at offset %d was returned", read.highest)
		case read == nil || read.last == nil || !read.ended || m.known() >= read.last.From:
			unread++
		case m.polled != nil && !m.final:
			k.missing("lost-write", node, l, m, read, "no node returns it any more")
		default:
			k.missing("unseen", node, l, m, read, "the log of this node ends before it")
		}
	}
	if unread > 0 {
		k.found.unknown("not-read-to-the-end", 0, "%d messages of key %d could not be read from %s in the final phase", unread, l.key, node)
	}
}

// missing adds a problem for a message that is missing in the final polls of a node.
func (k *kafkaCheck) missing(check, node string, l *keyLog, m *logMessage, read *finalRead, format string, args ...any) {
	if !m.reported {
		k.lost++
		m.reported = true
	}
	args = append([]any{l.name(m), m.howKnown(), m.offset, node, read.last.MsgID, read.last.Client, seconds(read.last.From)}, args...)
	if k.found.add(check, read.last.To, -1, "%s, %s with offset %d, is missing in the final polls of %s (the last is msg_id %d of %s, at %s): "+format, args...) {
		k.found.addRequests(read.last, m.op)
	}
}

// checkPassedOver checks that polls returned each acknowledged message if they
// returned later ones. It matters if a node replied to no final poll.
func (k *kafkaCheck) checkPassedOver(l *keyLog) {
	for _, m := range l.sorted {
		if m.acked && m.polled == nil && !m.reported && m.offset < l.polledTo {
			k.lost++
			e := l.entries[l.polledTo]
			if k.found.add("lost-write", m.send.To, -1, "%s, %s with offset %d, was never polled, but the later message %d at offset %d was, %s",
				l.name(m), m.howKnown(), m.offset, e.message.value, l.polledTo, howNamed(e.op)) {
				k.found.addRequests(m.send, e.op)
			}
		}
	}
}
