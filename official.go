package eddy

import (
	"fmt"
	"io"
	"slices"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/identity"
	"github.com/eddyrpc/eddy/internal/official"
	"github.com/eddyrpc/eddy/internal/wire"
)

// Package maelstrom reaches a node through package official, so that this package does not
// export what only package maelstrom uses.
func init() {
	official.Choose = func(node any, mode official.Mode) official.Node {
		n := node.(*Node)
		n.official = &mode
		return &officialNode{node: n}
	}
}

// An officialNode is a node in the mode of Maelstrom's official Go library.
type officialNode struct{ node *Node }

func (o *officialNode) Adopt(id string, ids []string) {
	o.node.identity.Store(&identity.Identity{ID: id, IDs: slices.Clone(ids)})
	o.node.out.SetName(id)
	o.node.stage.Store(ready)
}

func (o *officialNode) Open(w io.Writer, apart bool) {
	n := o.node
	n.out.Lock()
	defer n.out.Unlock()
	if !n.opened {
		n.reader.apart = apart
		n.openOutput(w)
		n.out.FlushAtOnce(true) // until the node serves
	}
}

func (o *officialNode) BeginLoops() { o.node.beginLoops() }

func (o *officialNode) Send(dest string, body []byte) error {
	n := o.node
	if err := wire.Valid(body); err != nil {
		return fmt.Errorf("send to %s: %w", bounded.Name(dest), err)
	}
	n.out.LockWithRoom()
	defer n.out.Unlock()
	if err := n.maySend(dest); err != nil {
		return fmt.Errorf("send to %s: %w", bounded.Name(dest), err)
	}
	n.out.Raw(dest, body)
	n.out.Flush()
	return n.out.Err()
}

func (o *officialNode) EndCalls() {
	n := o.node
	n.out.Lock()
	n.noReplies = true
	n.out.Unlock()
	n.calls.CancelAll(errNoReplies)
}

func (o *officialNode) Busy() (done func()) {
	n := o.node
	n.out.Lock()
	n.requests++
	n.out.Unlock()
	return func() {
		n.out.Lock()
		n.requests--
		n.out.Unlock()
		n.nudge()
	}
}

func (o *officialNode) Hold(request any) (release func()) {
	r := request.(*Request)
	r.hold()
	return func() { r.release(false) }
}

func (o *officialNode) Replied(request any, fields []byte) {
	detailsOf(request.(*Request)).watched.Replied(fields)
}

func (o *officialNode) LastID() int64 {
	o.node.out.Lock()
	defer o.node.out.Unlock()
	return o.node.out.LastID()
}

func (o *officialNode) CalledBy(request any) string {
	if name := detailsOf(request.(*Request)).calledBy; name != nil {
		return *name
	}
	return o.node.ID()
}

func (o *officialNode) Kept(request any) bool {
	return detailsOf(request.(*Request)).onReply != nil
}
