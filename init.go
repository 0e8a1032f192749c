package eddy

import (
	"context"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/identity"
	"github.com/eddyrpc/eddy/internal/outbox"
	"github.com/eddyrpc/eddy/internal/wire"
)

// init takes in the node's name and the names of all nodes.
func (n *Node) init(m *wire.Message) {
	given, err := identity.Read(m.Raw)
	if err != nil {
		n.refuse(m, Errorf(MalformedRequest, "init: %w", err))
		return
	}
	known, stage := n.identity.Load(), n.stage.Load()
	switch {
	case known == nil || stage == created && known.Equal(given):
		n.identity.Store(given)
		n.out.SetName(given.ID)
		n.stage.Store(initialising)
		m.Body.HasMetadata = false // an init has no deadline
		n.serve(&handler{node: n, name: "init", run: n.initialise, inline: n.onInit == nil}, m)
	case known.ID != given.ID:
		n.refuse(m, Errorf(MalformedRequest, "init: the name of this node is %s already", bounded.Name(known.ID)))
	case !known.Equal(given):
		n.refuse(m, Errorf(MalformedRequest, "init: the names of the nodes are others already"))
	case stage == initialising:
		n.refuse(m, Errorf(TemporarilyUnavailable, "init: not done yet"))
	case m.Body.ID != NoID:
		var ok wire.Body
		text, _ := ok.Read(initOK)
		n.out.LockWithRoom()
		n.out.Reply(outbox.To{Src: string(m.Src), ID: m.Body.ID}, "", text, &ok, false)
		n.out.Unlock()
	}
}

var initOK = Raw(`{"type":"init_ok"}`)

// initialise serves the first init. If OnInit fails or panics, the same init may come
// again.
func (n *Node) initialise(ctx context.Context, req *Request) (any, error) {
	n.out.Lock()
	loops := len(n.loops)
	n.out.Unlock()
	defer func() {
		if n.stage.CompareAndSwap(initialising, created) { // OnInit will ask for its loops again
			n.out.Lock()
			n.loops = n.loops[:loops]
			n.out.Unlock()
		}
	}()
	if n.onInit != nil {
		if err := n.onInit(ctx); err != nil {
			return nil, err
		}
	}
	n.stage.Store(ready) // before the reply, which causes requests
	if err := req.Reply(initOK); err != nil {
		return nil, err
	}
	n.beginLoops() // after the reply, so that it is the first message of the node
	return nil, nil
}

// loop calls f, which must not block, after the reply to init. Its ctx ends when the node
// drains.
func (n *Node) loop(f func(ctx context.Context)) {
	n.out.Lock()
	defer n.out.Unlock()
	if n.loopsBegun {
		f(n.loopCtx)
		return
	}
	n.loops = append(n.loops, f)
}

func (n *Node) beginLoops() {
	n.out.Lock()
	defer n.out.Unlock()
	n.loopsBegun = true
	for _, loop := range n.loops {
		loop(n.loopCtx)
	}
	n.loops = nil
}
