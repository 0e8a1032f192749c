package eddy

import (
	"context"
	"errors"
	"testing"

	"github.com/eddyrpc/eddy/internal/official"
)

// A node in the official library's mode may have its name before it runs.
func TestAdoptedNodeThatDoesNotRun(t *testing.T) {
	var n Node
	official.Choose(&n, official.Mode{}).Adopt("n1", []string{"n1", "n2"})
	if n.ID() != "n1" || len(n.IDs()) != 2 {
		t.Errorf("it is %s of %v", n.ID(), n.IDs())
	}
	if err := n.Send("n2", Raw(`{"type":"t"}`)); !errors.Is(err, TemporarilyUnavailable) {
		t.Errorf("Send: %v", err)
	}
	err := n.Call(context.Background(), "n2", Raw(`{"type":"t"}`), nil, func(Result) { t.Error("the callback was called") })
	if !errors.Is(err, TemporarilyUnavailable) {
		t.Errorf("Call: %v", err)
	}
}
