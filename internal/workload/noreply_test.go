package workload

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A missing reply is a problem, unless there was a fault while the client waited, or
// shortly before.
func TestMissingReplies(t *testing.T) {
	const sent, timedOut = 20 * time.Second, 25 * time.Second
	for _, test := range []struct {
		name        string
		begin, end  time.Duration // of a partition
		lost        time.Duration // when a message between nodes was lost
		independent bool          // the node needs no other nodes
		problem     bool
	}{
		{name: "no fault", problem: true},
		{name: "a fault long before", begin: time.Second, end: 2 * time.Second, problem: true},
		{name: "a fault just before", begin: time.Second, end: sent - time.Second},
		{name: "a fault meanwhile", begin: sent + time.Second, end: sent + 2*time.Second},
		{name: "a fault meanwhile, but the node is independent", begin: sent + time.Second, end: sent + 2*time.Second, independent: true, problem: true},
		{name: "a fault that began later", begin: timedOut + time.Second, end: timedOut + 2*time.Second, problem: true},
		{name: "a message was lost meanwhile", lost: sent + time.Millisecond},
		{name: "a message was lost long before", lost: time.Second, problem: true},
	} {
		net := sim.New(sim.Config{})
		lose := func() {
			m, err := message.New("n1", "n2", []byte(`{"type":"gossip"}`))
			if err != nil {
				t.Fatal(err)
			}
			net.Drop(test.lost, m, sim.LostByLink)
		}
		fault := func() {
			net.End(test.end, net.Begin(test.begin, sim.Fault{Kind: sim.Partition, Nodes: []string{"n1"}}))
		}
		if test.lost > 0 && test.lost < sent {
			lose()
		}
		if test.begin > 0 && test.begin < sent {
			fault()
		}
		m, err := message.New("c1", "n1", []byte(`{"type":"generate","msg_id":0}`))
		if err != nil {
			t.Fatal(err)
		}
		net.Send(sent, m)
		net.Due(sent)
		if test.lost > sent {
			lose()
		}
		if test.begin > sent {
			fault()
		}
		r := Record{Journal: net.Journal(), End: 30 * time.Second, History: history.Of(history.Op{
			Process: 1, Client: "c1", Node: "n1", F: "generate", Outcome: history.Indefinite, From: sent, To: timedOut,
		})}
		excused := checker.FaultPeriodsOf(r.Journal).Overlap
		if test.independent {
			excused = noExcuse
		}
		if problems := missingReplies(r, excused); len(problems) > 0 != test.problem {
			t.Errorf("%s: %v", test.name, problems)
		}
	}
}
