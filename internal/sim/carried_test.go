package sim

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
)

// withCarrier returns a network with a carrier that keeps the indices of its
// messages in carried.
func withCarrier(c Config) (n *Network, carried *[]int) {
	n, carried = New(c), new([]int)
	n.SetCarrier(func(r *Record) { *carried = append(*carried, r.Index) })
	return n, carried
}

func body(t *testing.T, src, dest, text string) message.Message {
	t.Helper()
	m, err := message.New(src, dest, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func arrive(t *testing.T, n *Network, at time.Duration, record int, want Fate) {
	t.Helper()
	d, ok := n.Arrived(at, record)
	if got := n.Journal().At(record); got.Fate != want || ok != (want == Delivered) || ok && (d.Record != record || string(d.Body) != string(got.Body)) {
		t.Errorf("message %d: %v, %v, want %v", record, got.Fate, ok, want)
	}
}

// Only messages that the simulated network lets through are carried.
func TestCarriedAfterLatencyAndPartition(t *testing.T) {
	n, carried := withCarrier(Config{Latency: Constant(10 * ms)})
	first := n.Send(0, body(t, "n1", "n2", `{"type":"a","msg_id":1}`))
	if _, ok := n.Due(9 * ms); ok || len(*carried) != 0 {
		t.Error("carried before it was due")
	}
	if _, ok := n.Due(10 * ms); ok || len(*carried) != 1 {
		t.Error("delivered, or not carried")
	}
	cut := n.Begin(10*ms, Fault{Kind: Partition, Links: []Link{{"n1", "n2"}}})
	second := n.Send(10*ms, body(t, "n1", "n2", `{"type":"b","msg_id":2}`))
	n.Due(20 * ms)
	n.End(20*ms, cut)
	if len(*carried) != 1 || n.Journal().At(second).Fate != Partitioned || n.InFlight() != 1 {
		t.Errorf("carried %v through a partition", *carried)
	}
	arrive(t, n, 25*ms, first, Delivered)
	if d := n.Journal().At(first).Done; d != 25*ms {
		t.Errorf("delivered at %v", d)
	}
	if _, ok := n.Arrived(26*ms, first); ok || n.InFlight() != 0 {
		t.Error("delivered twice")
	}
}

// A message that is carried to a node is lost if the node is killed meanwhile, also
// when the node has been started again. A reply to an earlier incarnation is not
// carried.
func TestCarriedToKilledNode(t *testing.T) {
	n, carried := withCarrier(Config{})
	request := n.Send(0, body(t, "n2", "n1", `{"type":"q","msg_id":7}`))
	early := n.Send(0, body(t, "n1", "n2", `{"type":"a"}`))
	late := n.Send(0, body(t, "n1", "n2", `{"type":"b"}`))
	n.Due(0)
	arrive(t, n, 1*ms, request, Delivered)
	n.Killed("n2", 2*ms)
	arrive(t, n, 3*ms, early, Killed)
	n.Started("n2", 2, 4*ms)
	arrive(t, n, 5*ms, late, Killed)
	reply := n.Send(6*ms, body(t, "n1", "n2", `{"type":"r","in_reply_to":7}`))
	n.Due(6 * ms)
	if n.Journal().At(reply).Fate != StaleReply || len(*carried) != 3 {
		t.Errorf("the reply is %v, carried %v", n.Journal().At(reply).Fate, *carried)
	}
}

// A copy that was given up is not delivered when it arrives. Its time is the time
// when it was sent.
func TestLoseCarried(t *testing.T) {
	n, _ := withCarrier(Config{})
	lost := n.Send(1*ms, body(t, "n1", "n2", `{"type":"a"}`))
	n.Due(1 * ms)
	count := n.CarriedCount()
	later := n.Send(2*ms, body(t, "n1", "n2", `{"type":"b"}`))
	n.Due(2 * ms)
	if got := n.LoseCarried(count); got != 1 {
		t.Errorf("%d lost", got)
	}
	arrive(t, n, 5*ms, lost, LostByCarrier)
	arrive(t, n, 5*ms, later, Delivered)
	if r := n.Journal().At(lost); r.Done != r.Sent {
		t.Errorf("lost at %v", r.Done)
	}
}
