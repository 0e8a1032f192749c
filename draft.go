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

func (d *draft) scan(dest string, raw Raw) error {
	d.dest = dest
	if err := d.body.Scan(raw); err != nil {
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

// address is the letter without a body: for a call that will send no second
// attempt nothing else is kept. mu is held.
func (n *Node) address(dest string) calls.Letter {
	letter, known := n.addresses[dest]
	if !known {
		if n.addresses == nil || len(n.addresses) >= maxNames {
			n.addresses = make(map[string]calls.Letter)
		}
		letter = calls.Letter(calls.AppendDest(nil, dest))
		n.addresses[dest] = letter
	}
	return letter
}

// writeDraft puts a message into the outbox. mu is held.
func (n *Node) writeDraft(d *draft, id int64) {
	w := n.dialect()
	buf := w.AppendHead(n.out.buf, n.self.Load().id, d.dest)
	buf = w.AppendFields(buf, "", &d.body)
	n.out.buf = w.AppendTail(buf, wire.NoID, id)
	n.stats.Out++
}

// writeLetter is writeDraft for one that has been rendered. mu is held.
func (n *Node) writeLetter(letter calls.Letter, id int64) {
	w := n.dialect()
	buf := w.AppendHead(n.out.buf, n.self.Load().id, letter.Dest())
	buf = append(buf, letter.Fields()...)
	n.out.buf = w.AppendTail(buf, wire.NoID, id)
	n.stats.Out++
}
