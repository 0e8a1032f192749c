package checker

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// A journal of 400,000 messages.
func BenchmarkRelay(b *testing.B) {
	net := sim.New(sim.Config{})
	w := &world{net: net, nodes: map[string]*modelNode{}}
	for _, name := range []string{"n1", "n2"} {
		w.nodes[name] = &modelNode{name: name, incarnation: 1, open: map[int64]*modelCall{}}
	}
	for i := range 100_000 {
		w.send("c1", "n1", `{"type":"relay","msg_id":%d,"target":"n2","payload":{"type":"echo","echo":"relay %d"}}`, i, i)
		for {
			d, ok := net.Due(w.now)
			if !ok {
				break
			}
			w.deliver(d.Message)
		}
		w.todo = w.todo[:0]
	}
	b.ReportAllocs()
	for b.Loop() {
		if problems, _ := Relay(net.Journal(), RelayConfig{Nodes: []string{"n1", "n2"}, Timeout: time.Second, Attempts: 3}); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
