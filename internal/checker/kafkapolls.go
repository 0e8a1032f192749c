package checker

import (
	"cmp"
	"slices"

	"github.com/eddyrpc/eddy/internal/history"
)

// checkPoll checks the result of one poll against what is known of the logs.
func (k *kafkaCheck) checkPoll(p *poll) {
	for _, polled := range p.polled {
		if len(polled.Entries) == 0 {
			continue
		}
		l := k.logs[polled.Key]
		k.checkBegin(p, l, polled.Entries[0])
		k.checkOrder(p, l, polled.Entries)
		k.checkSent(p, l, polled.Entries)
	}
}

// checkBegin checks that the first entry is the first one at or after the offset
// that the poll asked for.
func (k *kafkaCheck) checkBegin(p *poll, l *keyLog, first LogEntry) {
	i, found := slices.BinarySearchFunc(p.asked, l.key, func(a KeyOffset, key int64) int { return cmp.Compare(a.Key, key) })
	if !found {
		return // the client has rejected the reply
	}
	asked := p.asked[i].Offset
	expected, _ := slices.BinarySearch(l.offsets, asked)
	switch {
	case first.Offset < asked:
		k.found.add("nonmonotonic-poll", p.op.To, -1, "%v: it asked for key %d from offset %d on and got message %d at offset %d",
			p.op, l.key, asked, first.Message, first.Offset)
	case l.offsets[expected] < first.Offset:
		k.skipped("poll-skip", p.op, l, l.offsets[expected], "it asked for key %d from offset %d on and got message %d at offset %d first",
			l.key, asked, first.Message, first.Offset)
	}
}

// checkOrder checks that the offsets ascend and leave out no known message.
func (k *kafkaCheck) checkOrder(p *poll, l *keyLog, entries []LogEntry) {
	at, _ := slices.BinarySearch(l.offsets, entries[0].Offset)
	for i, e := range entries[1:] {
		before := entries[i]
		if at+1 < len(l.offsets) && l.offsets[at+1] == e.Offset {
			at++
			continue
		}
		if e.Offset <= before.Offset {
			k.found.add("int-nonmonotonic-poll", p.op.To, -1, "%v: it returned key %d's message %d at offset %d after message %d at offset %d",
				p.op, l.key, e.Message, e.Offset, before.Message, before.Offset)
		} else {
			k.skipped("int-poll-skip", p.op, l, l.offsets[at+1], "it returned key %d's message %d at offset %d right after message %d at offset %d",
				l.key, e.Message, e.Offset, before.Message, before.Offset)
		}
		at, _ = slices.BinarySearch(l.offsets, e.Offset)
	}
}

// skipped adds a problem for a known message that a poll left out.
func (k *kafkaCheck) skipped(check string, op *history.Op, l *keyLog, offset int64, format string, args ...any) {
	e := l.entries[offset]
	args = append([]any{op}, append(args, e.message.value, offset, howNamed(e.op))...)
	if k.found.add(check, op.To, -1, "%v: "+format+", and left out message %d at offset %d, %s", args...) {
		k.found.addRequests(e.op)
	}
}

// checkSent checks that the sends of the messages began before the poll ended.
func (k *kafkaCheck) checkSent(p *poll, l *keyLog, entries []LogEntry) {
	for _, e := range entries {
		if send := l.messages[e.Message].send; send != nil && send.From > p.op.To {
			if k.found.add("G1c", p.op.To, -1, "%v: it returned message %d of key %d, which %s did not send before %s",
				p.op, e.Message, l.key, send.Client, seconds(send.From)) {
				k.found.addRequests(send)
			}
		}
	}
}
