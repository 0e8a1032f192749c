package page

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/eddyrpc/eddy/internal/grouping"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/names"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A column has one field of all records, as varints of encoding/binary. Columns
// compress better than rows, and a browser reads a million numbers of a column in some
// milliseconds.
type column []byte

func (c *column) unsigned(v uint64) { *c = binary.AppendUvarint(*c, v) }
func (c *column) signed(v int64)    { *c = binary.AppendVarint(*c, v) }

// join concatenates columns, each after its length in bytes.
func join(columns ...column) []byte {
	var all []byte
	for _, c := range columns {
		all = append(binary.AppendUvarint(all, uint64(len(c))), c...)
	}
	return all
}

// The flags of a message. Its fate has the lower four bits.
const (
	flagRequest = 1 << (4 + iota)
	flagReply
	flagCopy
	flagForged
)

// nameBytes is the limit of a name in the page: a name may have a megabyte.
const nameBytes = 200

// shorten cuts names to nameBytes.
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

// maxExact is the largest id that is written as a number. A JavaScript number has 53
// bits, and the zigzag encoding of the difference of two ids has two bits more than the
// ids.
const maxExact = 1<<51 - 1

// ids writes ids. An id is written as 1 + the zigzag encoding of its difference to the
// sender's last one; 0 means that there is no id.
type ids struct {
	last map[uint64]int64
	big  map[string]string // by index: ids that are too large for a number
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

// messages returns the columns of the messages from first to before end.
func messages(j *sim.Journal, g *grouping.Grouping, first, end int, n *names.Table) (all []byte, bigIDs, bigReplies map[string]string) {
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
		calls.unsigned(uint64(g.Of[i]))
		incarnations.unsigned(uint64(m.Incarnation))
	}
	return join(sent, took, src, dest, typ, flags, id, reply, of, steps, lasted, calls, incarnations), own.big, theirs.big
}

// callColumns returns the columns of the calls.
func callColumns(g *grouping.Grouping) []byte {
	var parents, timeouts column
	for i := range g.Calls {
		parents.unsigned(uint64(g.Calls[i].Parent))
		timeouts.unsigned(uint64(g.Calls[i].Timeout))
	}
	return join(parents, timeouts)
}

// operations returns the columns of a history. The column message is 1 + the index of
// the request in the page, or 0.
func operations(h *history.History, requests map[request]int, first, end int, n *names.Table) []byte {
	var from, took, client, node, f, outcome, id, message, why column
	number := func(name string) uint64 { return uint64(n.Number(name)) }
	var last int64
	for op := range h.All() {
		if op.Again {
			continue
		}
		from.signed(int64(op.From) - last)
		last = int64(op.From)
		seen, to := op.Seen()
		if op.Ended() {
			took.unsigned(uint64(max(0, to-op.From)))
		} else {
			took.unsigned(0)
		}
		client.unsigned(number(op.Client))
		node.unsigned(number(op.Node))
		f.unsigned(number(op.F))
		flag := byte(seen)
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
