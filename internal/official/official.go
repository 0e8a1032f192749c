// Package official lets package maelstrom choose, for a node of package eddy, the
// behaviour of Maelstrom's official Go library. It exists so that package eddy does not
// export what only package maelstrom uses.
//
// In this mode a message may lack src and dest, init is a message like any other, the node
// does not reply to a request whose handler did not, replies have no msg_id, and the
// members of a body are sorted by name.
package official

import "io"

// A Mode is what package maelstrom sets.
type Mode struct {
	// Malformed is called with a line that is no message, Unknown with a message that
	// has no handler. An error ends the node at once. If it is nil, the node does what
	// it does outside this mode.
	Malformed, Unknown func(line []byte) error
	// LastID is the last msg_id that an earlier node has given to a call.
	LastID int64
}

// A Node has the methods that a node of package eddy has only in this mode. Handlers may
// be registered while the node runs.
type Node interface {
	// Adopt sets the name of the node and the names of all nodes.
	Adopt(id string, ids []string)
	// Open lets the node send to w before it serves. Until it serves, what is sent has
	// been written when Send and the node's Call return. If apart is true, the goroutine
	// that reads the input does not write, so that a test may write all its requests
	// before it reads a reply.
	Open(w io.Writer, apart bool)
	// BeginLoops begins the loops of Every and EveryAbout.
	BeginLoops()
	// Send sends a body as it is, with the ids that it has.
	Send(dest string, body []byte) error
	// EndCalls ends the open calls. From then on no call can begin.
	EndCalls()
	// Busy keeps a node that drains from ending until done is called.
	Busy() (done func())
	// Hold keeps a request open until release is called. Its handler must run.
	Hold(request any) (release func())
	// Replied tells the node's hooks that a request has a reply with these encoded fields.
	Replied(request any, fields []byte)
	// LastID returns the last msg_id that was given to a call.
	LastID() int64
	// CalledBy returns the dest of the message of a request. A request is an
	// *eddy.Request.
	CalledBy(request any) string
	// Kept reports whether an eddy.Dedup keeps the reply to a request. If the handler of
	// such a request does not reply, the node does.
	Kept(request any) bool
}

// Choose chooses this mode for an *eddy.Node that has no handlers yet. Package eddy sets
// Choose.
var Choose func(node any, mode Mode) Node
