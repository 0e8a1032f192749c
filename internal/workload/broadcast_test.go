package workload

import (
	"math/rand/v2"
	"testing"
)

// A list that is null is empty: a Go program writes null for a nil slice.
func TestBroadcastReadsNull(t *testing.T) {
	w := newBroadcast(Env{Nodes: []string{"n1"}})
	result, err := w.Read(&Request{F: "read"}, []byte(`{"type":"read_ok","messages":null}`))
	if string(result) != "[]" || err != nil {
		t.Errorf("%s, %v", result, err)
	}
	if _, err := w.Read(&Request{F: "read"}, []byte(`{"type":"read_ok"}`)); err == nil {
		t.Error("a body without messages was read")
	}
}

// The first element is 0, as in Maelstrom, and it must not be lost.
func TestBroadcastBeginsWith0(t *testing.T) {
	w := newBroadcast(Env{Nodes: []string{"n1"}, Rand: rand.New(rand.NewPCG(1, 1))}).(*broadcast)
	req := w.Next("n1")
	if string(req.Value) != "0" || string(req.Body) != `{"type":"broadcast","message":0}` {
		t.Errorf("%+v", req)
	}
	if _, err := w.Read(&Request{F: "read"}, []byte(`{"type":"read_ok","messages":[0]}`)); err != nil || !w.known[0] {
		t.Errorf("%v, known %v", err, w.known)
	}
}
