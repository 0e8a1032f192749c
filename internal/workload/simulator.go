package workload

import (
	"time"

	"github.com/eddyrpc/eddy/internal/message"
)

// A NodeSimulator is a workload that simulates further nodes and forges messages.
type NodeSimulator interface {
	// SimulatedNodes returns the names of the simulated nodes. The node_ids of
	// init contain them.
	SimulatedNodes() []string

	// Received is called with each message to a simulated node. It returns the
	// messages that are sent then.
	Received(m *message.Message) []Send

	// Observed is called with each message from a real node to a real or simulated
	// node. It returns the messages that are forged then, with any src.
	Observed(m *message.Message) []Send
}

// A Send is a message to send after some time. The network treats it like any other
// message.
type Send struct {
	After   time.Duration
	Message message.Message
}
