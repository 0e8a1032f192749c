package trial

import (
	"testing"

	"github.com/eddyrpc/eddy/internal/message"
)

// The name of a node may need escapes in JSON.
func TestInitLineIsJSON(t *testing.T) {
	name := "n\x01\"é"
	r := &Trial{cfg: &Config{Nodes: []string{name}}}
	m, err := message.Parse(r.initLine(&node{name: name}))
	if err != nil || m.Dest != name || m.Type != "init" {
		t.Errorf("%+v, %v", m, err)
	}
}

// A node that the test stops because it did not reply to init has not ended by
// itself.
func TestStoppedNodeHasNoExitViolation(t *testing.T) {
	n := &node{name: "n1", state: exited}
	r := &Trial{nodes: []*node{n}}
	r.Exited(0, 0, Exit{State: "signal: killed"})
	if len(r.violations.all) != 0 || n.state != exited {
		t.Errorf("violations %+v, state %v", r.violations.all, n.state)
	}
}
