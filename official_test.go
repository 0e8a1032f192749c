package eddy

import (
	"errors"
	"testing"
)

func TestAdoptedNodeThatDoesNotRunSendsNothing(t *testing.T) {
	var n Node
	n.Adopt("n1", []string{"n1", "n2"})
	if n.ID() != "n1" || len(n.IDs()) != 2 {
		t.Errorf("it is %s of %v", n.ID(), n.IDs())
	}
	if err := n.Send("n2", Raw(`{"type":"t"}`)); !errors.Is(err, TemporarilyUnavailable) {
		t.Errorf("Send: %v", err)
	}
	if err := n.Call("n2", Raw(`{"type":"t"}`), nil, nil); !errors.Is(err, TemporarilyUnavailable) {
		t.Errorf("Call: %v", err)
	}
}
