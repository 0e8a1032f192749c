package checker

import (
	"maps"
	"slices"
	"strconv"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/quote"
)

// KafkaChecks are the checks of Kafka. Doc says what each has found if it fails. The
// names are those of Jepsen, where Jepsen has the check.
var KafkaChecks = []struct{ Name, Doc string }{
	{"lost-write", "a message that was acknowledged or polled is missing in the final polls of a node, although they returned later messages, or although it had been polled before and no node returns it any more; or no poll at all returned it, but polls returned later messages"},
	{"unseen", "a message that was acknowledged or polled is missing at the end of a log, as the final polls of a node return it"},
	{"G1a", "a poll returned a message whose send had definitely failed"},
	{"G1c", "a poll returned a message before its send began"},
	{"invented", "a poll returned a message that no client sent"},
	{"duplicate", "a message has more than one offset, although its send was delivered once"},
	{"inconsistent-offsets", "an offset has more than one message"},
	{"int-poll-skip", "a poll left out a message between two others"},
	{"int-nonmonotonic-poll", "a poll returned messages whose offsets do not ascend"},
	{"poll-skip", "a poll left out the first message at or after the offset that it asked for"},
	{"nonmonotonic-poll", "a poll returned a message before the offset that it asked for"},
	{"nonmonotonic-send", "a client's later message to a key has no greater offset than its earlier one"},
	{"committed-back", "a node listed a lower committed offset than it had acknowledged or listed before"},
	{"lost-commit", "in the final phase a node does not list an acknowledged committed offset or a later one"},
	{"invented-commit", "a node listed a committed offset that no client had committed by then, or whose commit had definitely failed"},
	{"commit-beyond-log", "a node listed a committed offset that no client had committed and that is greater than all offsets of the log"},
	{"malformed-result", "the result of an operation cannot be parsed"},
	{"no-final-poll", "a node replied to no poll in the final phase (unknown)"},
	{"not-read-to-the-end", "10 s were not enough to read all messages from a node (unknown)"},
	{"nothing-checked", "no acknowledged message was polled, or no operation of a kind ended ok (unknown)"},
}

// Kafka checks a history of logs. Each key has a log.
//
//	send                    Key and Value are the key and the message, an integer that no other send to the key has; Result is the offset
//	poll                    Value maps keys to offsets, Result maps keys to arrays of [offset, message]
//	commit_offsets          Value maps keys to offsets
//	list_committed_offsets  Value is an array of keys, Result maps keys to offsets
//
// The order of a log is that of its offsets, which may have gaps. A message is known
// if its send was acknowledged or a poll returned it. A poll may return as much of a
// log as the node likes, also nothing, but from the offset that it asked for on it
// must leave out no known message between those that it returns. In the end the
// final polls of each node, from the beginning on, must return all known messages.
//
// If the network delivers a send more than once, the message may have several offsets.
//
// Maelstrom is less strict: it accepts messages that vanish after they were polled,
// and messages that only one node returns. It does not use committed offsets.
//
// A committed offset may be the greatest one or the latest one: both are in use. A
// node may list an older one than other nodes, as it does if it keeps them in
// seq-kv, but not an older one than before, and not for ever.
func Kafka(h *history.History, nodes []string) ([]Problem, []Number) {
	k := kafkaCheck{logs: map[int64]*keyLog{}, commits: map[int64]*keyCommits{}, kinds: map[string]*kind{}}
	for op := range h.All() {
		k.add(op)
	}
	for _, log := range k.logs {
		log.sort()
	}
	k.checkLogs()
	for i := range k.polls {
		k.checkPoll(&k.polls[i])
	}
	k.checkSends()
	k.checkCommits()
	k.checkFinal(nodes)
	k.checkNothing()
	return k.found.problems(), k.numbers()
}

type kafkaCheck struct {
	found   findings
	logs    map[int64]*keyLog     // by key
	commits map[int64]*keyCommits // by key
	sends   []*history.Op         // the acknowledged ones
	polls   []poll
	kinds   map[string]*kind // by the operations' F

	sent, acked, polled, lost int
}

// A kind counts the operations with the same F.
type kind struct{ all, ok int }

// A poll is a poll with a result.
type poll struct {
	op     *history.Op
	asked  []KeyOffset
	polled []Polled
}

// add adds an operation.
func (k *kafkaCheck) add(op *history.Op) {
	k.count(op)
	var err error
	switch op.F {
	case "send":
		err = k.addSend(op)
	case "poll":
		err = k.addPoll(op)
	case "commit_offsets":
		err = k.addCommit(op)
	case "list_committed_offsets":
		err = k.addList(op)
	}
	if err != nil {
		k.found.add("malformed-result", op.To, -1, "%v: %v: value %s, result %s", op, err, quote.Excerpt(op.Value), quote.Excerpt(op.Result))
	}
}

// count counts an operation by its F.
func (k *kafkaCheck) count(op *history.Op) {
	if op.Again {
		return
	}
	if k.kinds[op.F] == nil {
		k.kinds[op.F] = &kind{}
	}
	k.kinds[op.F].all++
	if op.Outcome == history.OK {
		k.kinds[op.F].ok++
	}
}

func (k *kafkaCheck) addSend(op *history.Op) error {
	value, err := strconv.ParseInt(string(op.Value), 10, 64)
	if err != nil {
		return err
	}
	log := k.log(op.Key)
	m := log.message(value)
	if op.Again {
		m.copied = true
	} else {
		k.sent++
		m.send = op
	}
	if op.Outcome != history.OK {
		return nil
	}
	offset, err := ParseOffset(op.Result)
	if err != nil {
		return err
	}
	log.place(m, offset, op)
	if !op.Again {
		k.acked++
		m.acked = true
		k.sends = append(k.sends, op)
	}
	return nil
}

func (k *kafkaCheck) addPoll(op *history.Op) error {
	if op.Outcome != history.OK {
		return nil
	}
	p := poll{op: op}
	var err error
	if p.asked, err = ParseOffsets(op.Value); err != nil {
		return err
	}
	if p.polled, err = ParsePolled(op.Result); err != nil {
		return err
	}
	for _, polled := range p.polled {
		log := k.log(polled.Key)
		for _, e := range polled.Entries {
			m := log.message(e.Message)
			if m.polled == nil {
				m.polled = op
				k.polled++
			}
			log.place(m, e.Offset, op)
			log.polledTo = max(log.polledTo, e.Offset)
		}
	}
	k.polls = append(k.polls, p)
	return nil
}

// checkNothing adds a problem if nothing was checked.
func (k *kafkaCheck) checkNothing() {
	if k.acked == 0 || k.polled == 0 {
		k.found.unknown("nothing-checked", 0, "of %d messages sent %d were acknowledged and %d polled", k.sent, k.acked, k.polled)
		return
	}
	for _, f := range slices.Sorted(maps.Keys(k.kinds)) {
		if kind := k.kinds[f]; kind.ok == 0 {
			k.found.unknown("nothing-checked", 0, "none of %d operations %s ended ok", kind.all, f)
		}
	}
}

func (k *kafkaCheck) numbers() []Number {
	listed := 0
	for _, c := range k.commits {
		for _, l := range c.lists {
			if l.offset != notCommitted {
				listed++
			}
		}
	}
	return []Number{
		{"keys", len(k.logs)},
		{"sends", k.sent},
		{"acknowledged", k.acked},
		{"polls", len(k.polls)},
		{"messages polled", k.polled},
		{"lost", k.lost},
		{"committed offsets listed", listed},
	}
}
