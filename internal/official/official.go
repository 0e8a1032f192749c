// Package official lets package maelstrom choose, for a node of package eddy, the
// behaviour of Maelstrom's official Go library. It is a package of its own so that
// package eddy need not export what only package maelstrom uses.
//
// In this mode a message may lack src and dest, init is a message like any other, a
// request that its handler leaves unanswered stays so, replies have no msg_id, and
// the names of a body are sorted.
package official

import "io"

// A Mode is what package maelstrom sets.
type Mode struct {
	// Malformed is told of a line that is no message, Unknown of a message that has
	// no handler. An error ends the node at once; nil leaves the line to the node.
	Malformed, Unknown func(line []byte) error
	// LastID is the last msg_id that was given to a call before.
	LastID int64
}

// A Node is what a node of package eddy does besides in this mode. Handlers may be
// registered while it runs.
type Node interface {
	// Adopt gives the node its name and the names of all nodes, as init does.
	Adopt(id string, ids []string)
	// Open makes the node send before it serves w. apart means that the goroutine
	// that reads does not write: whoever reads w may first want to write all its
	// requests.
	Open(w io.Writer, apart bool)
	// BeginLoops begins the loops of Every and its like.
	BeginLoops()
	// Send writes a body as it is, with whatever ids it has.
	Send(dest string, body []byte) error
	// EndCalls ends the open calls and lets none begin: no reply can come any more.
	EndCalls()
	// Busy keeps the node from ending, when it drains, until done is called.
	Busy() (done func())
	// LastID returns the last msg_id that was given to a call.
	LastID() int64
	// CalledBy returns the dest of the message that a request came with. The
	// request is an *eddy.Request, here and below.
	CalledBy(request any) string
	// Answered reports whether a request has its reply.
	Answered(request any) bool
}

// Choose makes a node, which is an *eddy.Node that has no handlers yet, one in this
// mode. Package eddy sets it.
var Choose func(node any, mode Mode) Node
