package eddy

import (
	"fmt"
	"slices"

	"github.com/eddyrpc/eddy/internal/wire"
)

// Official makes a node speak the dialect of Maelstrom's official Go library; it
// is what package maelstrom is made of, which see. A request that its handler
// leaves unanswered stays so, init is a message like any other, and a message may
// lack src and dest.
type Official struct {
	// Malformed is told of a line that is no message, Unknown of a message that
	// has no handler. An error ends the reading; nil leaves the line to the node.
	Malformed, Unknown func(line []byte) error
}

// Speak makes the node speak the official library's dialect. It is called before
// anything else.
func (n *Node) Speak(o *Official) { n.official = o }

// Adopt gives the node its name and those of all nodes, as an init does.
func (n *Node) Adopt(id string, ids []string) {
	n.self.Store(&identity{id, slices.Clone(ids)})
	n.stage.Store(ready)
}

// Call is RPCWithRetry without a goroutine that waits: done is called once, when
// the call has ended, with no request. It must not block and not panic. An error
// means that the call could not begin; done is not called then.
func (n *Node) Call(dest string, body Raw, policy *Policy, done Callback) error {
	var d draft
	if err := d.scan(dest, body); err != nil {
		return unsent(dest, err)
	}
	_, err := n.begin(noneOwn, &d, policy, owner{nil, done})
	return err
}

// SendRaw writes a body as it stands, whatever ids it has. An official node alone
// may, since it leaves the ids of replies to its user.
func (n *Node) SendRaw(dest string, body Raw) error {
	if n.official == nil {
		panic("eddy: SendRaw without Speak")
	}
	if err := wire.Valid(body); err != nil {
		return fmt.Errorf("send to %s: %w", dest, err)
	}
	n.lockToWrite()
	defer n.mu.Unlock()
	if err := n.mayWrite(dest); err != nil {
		return fmt.Errorf("send to %s: %w", dest, err)
	}
	head := n.dialect().AppendHead(n.out.buf, n.ID(), dest)
	head = wire.Dialect{}.AppendValue(head[:len(head)-1], body) // without the brace
	n.out.buf = append(head, "}\n"...)
	n.stats.Out++
	n.flushSoon()
	return nil
}

// handlerOf is the handler of a type of messages, nil if there is none. An official
// node's may be registered while it runs.
func (n *Node) handlerOf(typ []byte) *handler {
	if n.official == nil {
		return n.handlers[string(typ)]
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.handlers[string(typ)]
}

// replyID is the id that a reply carries. mu is held.
func (n *Node) replyID() int64 {
	if n.official != nil {
		return NoID
	}
	return n.nextID()
}

// malformed and unknown report that reading is over. The error is the node's.
func (n *Node) malformed(line []byte) bool { return n.endReading(n.official.Malformed(line)) }

func (n *Node) unknown(m *wire.Message) bool {
	return n.endReading(n.official.Unknown(n.reader.line))
}

func (n *Node) endReading(err error) bool {
	if err == nil {
		return false
	}
	n.endBatch()
	n.reader.ended <- err
	return true
}
