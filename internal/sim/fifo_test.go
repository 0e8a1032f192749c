package sim

import (
	"slices"
	"testing"
	"time"
)

// With FIFO the messages of a link arrive in the order in which they were sent, also those of
// a slow or clogged link. Messages of other links, and those that are lost, do not count.
func TestFIFO(t *testing.T) {
	for _, fifo := range []bool{true, false} {
		n := New(Config{Seed: 1, Latency: Exponential(50 * ms), Loss: 0.2, Duplicate: 0.2, FIFO: fifo})
		slow := Fault{Kind: Slow, Links: []Link{{"n1", "n2"}}, Delay: 300 * ms}
		clog := Fault{Kind: Clog, Links: []Link{{"n1", "n2"}}}
		var ones []int64
		deliver := func(now time.Duration) {
			for d, ok := n.Due(now); ok; d, ok = n.Due(now) {
				if d.Src == "n1" {
					ones = append(ones, d.ID)
				}
			}
		}
		fault := 0
		for i := range 300 {
			at := 10 * ms * time.Duration(i)
			switch i {
			case 100:
				fault = n.Begin(at, slow)
			case 200:
				fault = n.Begin(at, clog)
			case 120, 220:
				n.End(at, fault)
			}
			n.Send(at, request(t, "n1", "n2", i, i))
			n.Send(at, request(t, "n3", "n2", i, i))
			deliver(at)
		}
		deliver(time.Hour)
		if sorted := slices.IsSorted(ones); sorted != fifo || len(ones) < 200 {
			t.Errorf("FIFO %v: %d messages, in their order: %v", fifo, len(ones), sorted)
		}
	}
}
