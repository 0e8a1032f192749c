package sim

import (
	"slices"
	"testing"
	"time"
)

// When a clog ends, messages are delivered in the order in which they were sent,
// whatever their latencies.
func TestClogKeepsTheOrderOfSending(t *testing.T) {
	n := New(Config{Latency: Uniform(0, 50*ms), Seed: 4})
	clog := n.Begin(0, Fault{Kind: Clog, Links: []Link{{"n1", "n2"}}})
	for i := range 20 {
		n.Send(time.Duration(i), request(t, "n1", "n2", i, i))
	}
	other := n.Send(20, request(t, "n2", "n1", 0, 0))
	if got := drain(n, 40*ms); !slices.Equal(got, []int{other}) && got != nil {
		t.Errorf("delivered while clogged: %v", got)
	}
	n.End(60*ms, clog) // Due was last called at 40 ms
	last := n.Send(60*ms, request(t, "n1", "n2", 20, 20))
	got := drain(n, 60*ms)
	got = slices.DeleteFunc(got, func(i int) bool { return i == other || i == last })
	if len(got) != 20 || !slices.IsSorted(got) {
		t.Errorf("delivered %v", got)
	}
	if j := n.Journal(); j.At(0).Fate != Delivered || j.At(0).Done != 60*ms {
		t.Errorf("the first: %+v", j.At(0))
	}
}

func TestClogs(t *testing.T) {
	n := New(Config{})
	first := n.Begin(0, Fault{Kind: Clog, Links: []Link{{"n1", "n2"}}})
	second := n.Begin(0, Fault{Kind: Clog, Links: []Link{{"n1", "n2"}, {"n3", "n4"}}})
	for i, dest := range []string{"n2", "n4"} {
		n.Send(0, request(t, []string{"n1", "n3"}[i], dest, i, i))
	}
	drain(n, 0)
	n.End(1, first)
	if got := drain(n, 1); got != nil || n.InFlight() != 2 {
		t.Errorf("one of two clogs has ended: delivered %v, %d in flight", got, n.InFlight())
	}
	n.Killed("n2", 2)
	n.Started("n2", 2, 3)
	cut := n.Begin(4, Fault{Kind: Partition, Links: []Link{{"n3", "n4"}}})
	n.End(5, second)
	n.End(5, cut)
	n.Send(6, request(t, "n3", "n4", 2, 2))
	if got := drain(n, 6); len(got) != 2 || n.InFlight() != 0 {
		t.Errorf("delivered %v, %d in flight", got, n.InFlight())
	}
	if got := n.Journal().At(0).Fate; got != Killed {
		t.Errorf("the fate of a message held back for a killed node is %v", got)
	}
}
