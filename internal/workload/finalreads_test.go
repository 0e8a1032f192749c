package workload

import (
	"testing"

	"github.com/eddyrpc/eddy/internal/history"
)

// Every key with an acknowledged write is read until a node answers, also if only one
// node can.
func TestFinalReads(t *testing.T) {
	nodes := []string{"n1", "n2", "n3"}
	w := newLinKV(Env{Nodes: nodes}).(*linKV)
	const keys = 100
	for key := range int64(keys) {
		w.Read(&Request{F: "write", Key: key}, nil)
		w.Read(&Request{F: "cas", Key: key}, nil)
	}
	read, rounds := map[int64]bool{}, 0
	for settled := false; !settled; rounds++ {
		if rounds == keys {
			t.Fatalf("only %d keys were read", len(read))
		}
		var ops []history.Op
		for _, node := range nodes {
			requests := w.Finals(node)
			if len(requests) == 0 || len(requests) > maxFinalKeys {
				t.Fatalf("%d requests for %s", len(requests), node)
			}
			for _, req := range requests {
				op := history.Op{F: req.F, Key: req.Key, Outcome: history.Fail, Code: 11}
				switch {
				case node == "n2" && req.Key%2 == 0:
					op.Code, read[req.Key] = 20, true
				case node == "n2":
					op.Outcome, read[req.Key] = history.OK, true
				}
				ops = append(ops, op)
			}
		}
		if rounds == 0 && w.final.problems() == nil {
			t.Error("no problem before all keys were read")
		}
		settled = w.Settled(ops)
	}
	if len(read) != keys || w.final.problems() != nil {
		t.Errorf("%d of %d keys were read; %v", len(read), keys, w.final.problems())
	}
}

// Without an acknowledged write one key is read.
func TestFinalReadsWithoutWrites(t *testing.T) {
	w := newLinKV(Env{Nodes: []string{"n1"}}).(*linKV)
	if got := w.Finals("n1"); len(got) != 1 || w.Settled([]history.Op{{F: "read", Outcome: history.Fail, Code: 11}}) {
		t.Errorf("%+v", got)
	}
	w.Finals("n1")
	if !w.Settled([]history.Op{{F: "read", Outcome: history.Fail, Code: 20}}) {
		t.Error("not settled")
	}
}
