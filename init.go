package eddy

import (
	"context"
	"slices"

	"github.com/eddyrpc/eddy/internal/wire"
)

// init takes in the node's name and those of all nodes. It returns the turn to
// read on with, as receive does.
func (n *Node) init(m *wire.Message, turn uint32) uint32 {
	said, err := initOf(m.Body.Raw)
	if err != nil {
		n.refuse(m, err)
		return turn
	}
	known, stage := n.self.Load(), n.stage.Load()
	switch {
	case known == nil || stage == untold && known.equal(said):
		n.self.Store(said)
		n.stage.Store(told)
		return n.serve(&handler{node: n, name: "init", run: n.getReady, inline: n.onInit == nil}, m, turn)
	case known.id != said.id:
		n.refuse(m, Errorf(MalformedRequest, "init: this is %s already", known.id))
	case !known.equal(said):
		n.refuse(m, Errorf(MalformedRequest, "init: the nodes are others already"))
	case stage == told:
		n.refuse(m, Errorf(TemporarilyUnavailable, "init: not done yet"))
	case m.Body.ID != NoID:
		n.answerTo(string(m.Src), "", m.Body.ID, n.initOK())
	}
	return turn
}

// initOf reads an init's body. Every node does this once, at its start, so it does
// without the machinery of encoding/json.
func initOf(body Raw) (*identity, *Error) {
	id, _ := body.Get("node_id").Text()
	if id == "" {
		return nil, Errorf(MalformedRequest, "init: node_id must be a string that is not empty")
	}
	ids, ok := wire.Strings(body.Get("node_ids"))
	if !ok {
		return nil, Errorf(MalformedRequest, "init: node_ids must be an array of strings")
	}
	return &identity{id, ids}, nil
}

// getReady is what the first init does once the node knows its name. If that
// fails, by a panic too, the same init may be tried again.
func (n *Node) getReady(ctx context.Context, req *Request) (any, error) {
	n.mu.Lock()
	loops := len(n.loops)
	n.mu.Unlock()
	defer func() {
		if n.stage.CompareAndSwap(told, untold) { // OnInit will ask for its loops again
			n.mu.Lock()
			n.loops = n.loops[:loops]
			n.mu.Unlock()
		}
	}()
	if n.onInit != nil {
		if err := n.onInit(ctx); err != nil {
			return nil, err
		}
	}
	n.stage.Store(ready) // for what comes as soon as init_ok has gone
	if err := req.Reply(Raw(`{"type":"init_ok"}`)); err != nil {
		return nil, err
	}
	n.beginLoops() // after init_ok, so that it is the node's first word
	return nil, nil
}

// beginLoops begins what Every and its like have asked for, and will.
func (n *Node) beginLoops() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.looping = true
	for _, loop := range n.loops {
		go loop(n.rounds)
	}
	n.loops = nil
}

func (i *identity) equal(other *identity) bool {
	return i.id == other.id && slices.Equal(i.ids, other.ids)
}

func (n *Node) initOK() []byte {
	return n.dialect().AppendValue(nil, []byte(`"type":"init_ok"`))
}
