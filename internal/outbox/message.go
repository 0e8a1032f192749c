package outbox

import (
	"bytes"
	"time"

	"github.com/eddyrpc/eddy/internal/wire"
)

// Each method below adds one message to the buffer. The lock is held. A body has its type, its
// own fields, in_reply_to and msg_id, in this order.

// Send adds a one-way message.
func (o *Outbox) Send(dest, fields string) {
	buf := o.begin(dest)
	o.end(append(buf, fields...), wire.NoID, wire.NoID)
}

// Raw adds a message whose body is written as it is, with the ids that it has. The body must
// be valid JSON.
func (o *Outbox) Raw(dest string, body []byte) {
	buf := o.begin(dest)
	buf = o.dialect.AppendValue(buf[:len(buf)-1], body) // begin has added a brace
	o.buf = append(buf, "}\n"...)
	o.added++
}

// Request adds a request with these fields and returns its msg_id. If propagate is true, the
// request also says how long the caller still waits and whether it is a retry.
func (o *Outbox) Request(dest, fields string, propagate bool, remaining time.Duration, retry bool) (id int64) {
	buf := o.begin(dest)
	buf = append(buf, fields...)
	if propagate {
		buf = o.dialect.AppendMetadata(buf, remaining.Milliseconds(), retry)
	}
	id = o.id()
	o.end(buf, wire.NoID, id)
	return id
}

// Reply adds a reply with a body and its text. A typ that is not empty replaces the type of the body. If
// keep is true, Reply returns a copy of the encoded fields, for ReplyFields.
func (o *Outbox) Reply(to To, typ string, text []byte, body *wire.Body, keep bool) (fields []byte) {
	buf := o.beginReply(to)
	from := len(buf)
	buf = o.dialect.AppendFields(buf, typ, text, body)
	return o.endReply(buf, from, to, keep)
}

// ReplyFields adds a reply with fields that Reply or Error has returned.
func (o *Outbox) ReplyFields(to To, fields []byte) {
	buf := o.beginReply(to)
	o.endReply(append(buf, fields...), 0, to, false)
}

// Error adds an error reply, and returns its fields as Reply does. after is how long the
// requester is asked to wait before it sends again. 0 is left out.
func (o *Outbox) Error(to To, code int64, text string, after time.Duration, keep bool) (fields []byte) {
	buf := o.beginReply(to)
	from := len(buf)
	buf = o.dialect.AppendError(buf, code, text, int64((after+time.Millisecond-1)/time.Millisecond))
	return o.endReply(buf, from, to, keep)
}

func (o *Outbox) endReply(buf []byte, from int, to To, keep bool) (fields []byte) {
	if keep {
		fields = bytes.Clone(buf[from:])
	}
	id := int64(wire.NoID)
	if !o.dialect.Official { // the official library's replies have no msg_id
		id = o.id()
	}
	o.end(buf, to.ID, id)
	return fields
}

// A To is the request that a reply is for.
type To struct {
	Src  string // of the request
	ID   int64  // the msg_id of the request
	Dest string // of the request; the src of the reply if the node has no name yet
}

// begin returns the buffer with the beginning of a message, up to the brace of its body.
func (o *Outbox) begin(dest string) []byte {
	return o.dialect.AppendDest(append(o.buf, o.head...), dest)
}

func (o *Outbox) beginReply(to To) []byte {
	if o.src == "" {
		return o.dialect.AppendHead(o.buf, to.Dest, to.Src)
	}
	return o.begin(to.Src)
}

func (o *Outbox) end(buf []byte, inReplyTo, id int64) {
	o.buf = o.dialect.AppendTail(buf, inReplyTo, id)
	o.added++
}

func (o *Outbox) id() int64 {
	id := o.nextID
	o.nextID++
	return id
}
