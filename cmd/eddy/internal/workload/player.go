package workload

import (
	"time"

	"github.com/eddyrpc/eddy/internal/message"
)

// A Player is a workload that plays nodes of its own beside the real ones, and
// meddles with what nodes send each other.
type Player interface {
	// Plays are the names of the nodes that it plays. init lists them among the
	// nodes.
	Plays() []string

	// Received tells that a node that it plays was handed a message, and
	// returns what is sent then.
	Received(m *message.Message) []Send

	// Saw tells that a real node has sent a message to a node, real or played,
	// and returns what is sent then, forged in anybody's name.
	Saw(m *message.Message) []Send
}

// A Send is a message that leaves after a while. It goes through the network
// like any other.
type Send struct {
	After   time.Duration
	Message message.Message
}
