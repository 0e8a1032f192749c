package page

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/names"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/message"
)

// A column is one member of all records, as varints (encoding/binary's), of which
// signed ones are in zigzag. Columns compress better than rows, and a browser
// reads a million numbers of one in some milliseconds.
type column []byte

func (c *column) unsigned(v uint64) { *c = binary.AppendUvarint(*c, v) }
func (c *column) signed(v int64)    { *c = binary.AppendVarint(*c, v) }

// join puts columns behind each other, each after its length in bytes.
func join(columns ...column) []byte {
	var all []byte
	for _, c := range columns {
		all = append(binary.AppendUvarint(all, uint64(len(c))), c...)
	}
	return all
}

// The flags beside a message's fate, which has the lower four bits.
const (
	flagRequest = 1 << (4 + iota)
	flagReply
	flagCopy
	flagForged
)

// nameBytes is how much of a name the page shows: a name may be a megabyte.
const nameBytes = 200

// shorten returns names as the page shows them.
func shorten(names []string) []string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = name
		if begin, cut := quote.Cut(name, nameBytes); cut {
			short[i] = begin + "…"
		}
	}
	return short
}

// maxExact is the largest id written as a number. A JavaScript number holds 53
// bits, and the zigzag of a difference of two ids has two more than they have.
const maxExact = 1<<51 - 1

// ids writes ids: each as 1 + the zigzag of how much more it is than its sender's
// last, and 0 for none.
type ids struct {
	last map[uint64]int64
	big  map[string]string // by place: what a number can't hold, in full
}

func (d *ids) add(c *column, place int, sender uint64, id int64) {
	if id == message.None {
		c.unsigned(0)
		return
	}
	if id > maxExact || id < -maxExact {
		d.big[strconv.Itoa(place)] = strconv.FormatInt(id, 10)
		id = maxExact
	}
	delta := id - d.last[sender]
	c.unsigned(uint64(delta<<1^delta>>63) + 1)
	d.last[sender] = id
}

func newIDs() *ids { return &ids{last: map[uint64]int64{}, big: map[string]string{}} }

// messages are the columns of the messages from first to before end.
func messages(j *sim.Journal, g *grouping, first, end int, n *names.Table) (all []byte, bigIDs, bigReplies map[string]string) {
	var sent, took, src, dest, typ, flags, id, reply, of, steps, lasted, calls, incarnations column
	own, theirs := newIDs(), newIDs()
	number := func(name string) uint64 { return uint64(n.Number(name)) }
	var lastSent, lastStep int64
	for i := first; i < end; i++ {
		m := j.At(i)
		sent.signed(int64(m.Sent) - lastSent)
		lastSent = int64(m.Sent)
		steps.signed(int64(m.SentStep) - lastStep)
		lastStep = int64(m.SentStep)
		if m.Fate == sim.InFlight {
			took.unsigned(0)
			lasted.unsigned(0)
		} else {
			took.unsigned(uint64(max(0, m.Done-m.Sent)))
			lasted.unsigned(uint64(max(0, m.DoneStep-m.SentStep)))
		}
		from := number(m.Src)
		src.unsigned(from)
		dest.unsigned(number(m.Dest))
		typ.unsigned(number(m.Type))
		flag := byte(m.Fate)
		if m.IsReply() {
			flag |= flagReply
		} else if m.IsRequest() {
			flag |= flagRequest
		}
		if m.IsDuplicate() {
			flag |= flagCopy
		}
		if m.Forged {
			flag |= flagForged
		}
		flags = append(flags, flag)
		own.add(&id, i-first, from, m.ID)
		theirs.add(&reply, i-first, from, m.InReplyTo)
		if m.IsDuplicate() {
			of.unsigned(uint64(i - m.Of))
		}
		calls.unsigned(uint64(g.of[i]))
		incarnations.unsigned(uint64(m.Incarnation))
	}
	return join(sent, took, src, dest, typ, flags, id, reply, of, steps, lasted, calls, incarnations), own.big, theirs.big
}

// columns are the columns of the calls.
func (g *grouping) columns() []byte {
	var parents, timeouts column
	for i := range g.calls {
		parents.unsigned(uint64(g.calls[i].parent))
		timeouts.unsigned(uint64(g.calls[i].timeout))
	}
	return join(parents, timeouts)
}

// operations are the columns of a history. An operation's message is 1 + the place
// of its request among the page's, or 0.
func operations(h *history.History, requests map[request]int, first, end int, n *names.Table) []byte {
	var from, took, client, node, f, outcome, id, message, why column
	number := func(name string) uint64 { return uint64(n.Number(name)) }
	var last int64
	for op := range h.All() {
		from.signed(int64(op.From) - last)
		last = int64(op.From)
		if op.Ended() {
			took.unsigned(uint64(max(0, op.To-op.From)))
		} else {
			took.unsigned(0)
		}
		client.unsigned(number(op.Client))
		node.unsigned(number(op.Node))
		f.unsigned(number(op.F))
		flag := byte(op.Outcome)
		if op.Final {
			flag |= 1 << 2
		}
		outcome = append(outcome, flag)
		id.unsigned(uint64(min(max(0, op.MsgID), maxExact)))
		at, sent := requests[request{op.Client, op.Node, op.MsgID}]
		if sent && at >= first && at < end {
			message.unsigned(uint64(at - first + 1))
		} else {
			message.unsigned(0)
		}
		if n.Len() < math.MaxUint16 {
			why.unsigned(number(op.Error))
		} else {
			why.unsigned(number(""))
		}
	}
	return join(from, took, client, node, f, outcome, id, message, why)
}
