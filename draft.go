package eddy

import (
	"errors"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/wire"
)

// A draft is a message on its way out that has no ids yet. Its body is still the
// user's text.
type draft struct {
	dest string
	body wire.Body
}

func (d *draft) read(dest string, body any) error {
	raw, err := JSON(body)
	if err != nil {
		return err
	}
	return d.scan(dest, raw)
}

func (d *draft) scan(dest string, raw Raw) (err error) {
	d.dest = dest
	if d.body, err = wire.ReadBody(raw); err != nil {
		return err
	}
	if d.body.Type == nil {
		return errors.New("body.type is missing")
	}
	return nil
}

// letter renders a draft once for all the messages that will carry it.
func (n *Node) letter(d *draft) calls.Letter {
	var small [256]byte
	letter := calls.AppendDest(small[:0], d.dest)
	return calls.Letter(n.dialect().AppendFields(letter, "", &d.body))
}

// writeDraft puts a message into the outbox. mu is held.
func (n *Node) writeDraft(d *draft, id int64) {
	w := n.dialect()
	buf := n.appendHead(&n.out.calls, d.dest)
	buf = w.AppendFields(buf, "", &d.body)
	n.out.buf = w.AppendTail(buf, wire.NoID, id)
	n.stats.Out++
}

// writeAttempt is writeDraft for a call whose message has been rendered. mu is
// held.
func (n *Node) writeAttempt(c *call, id int64) {
	w := n.dialect()
	buf := n.appendHead(&n.out.calls, c.Letter.Dest())
	buf = append(buf, c.Letter.Fields()...)
	buf = n.appendTerms(buf, c)
	n.out.buf = w.AppendTail(buf, wire.NoID, id)
	n.stats.Out++
}
