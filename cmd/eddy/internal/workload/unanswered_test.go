package workload

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/message"
)

// A request that stays without an answer is held against the node, unless a
// fault was on while its client waited, or shortly before.
func TestUnanswered(t *testing.T) {
	const asked, gaveUp = 20 * time.Second, 25 * time.Second
	for _, test := range []struct {
		what       string
		begin, end time.Duration // of a partition
		lost       time.Duration // when a message between nodes was lost
		alone      bool          // the node needs nobody
		blamed     bool
	}{
		{what: "calm", blamed: true},
		{what: "a fault long before", begin: time.Second, end: 2 * time.Second, blamed: true},
		{what: "a fault just before", begin: time.Second, end: asked - time.Second},
		{what: "a fault meanwhile", begin: asked + time.Second, end: asked + 2*time.Second},
		{what: "a fault meanwhile, but the node needs nobody", begin: asked + time.Second, end: asked + 2*time.Second, alone: true, blamed: true},
		{what: "a fault that began later", begin: gaveUp + time.Second, end: gaveUp + 2*time.Second, blamed: true},
		{what: "a message was lost meanwhile", lost: asked + time.Millisecond},
		{what: "a message was lost long before", lost: time.Second, blamed: true},
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
		if test.lost > 0 && test.lost < asked {
			lose()
		}
		if test.begin > 0 && test.begin < asked {
			fault()
		}
		m, err := message.New("c1", "n1", []byte(`{"type":"generate","msg_id":0}`))
		if err != nil {
			t.Fatal(err)
		}
		net.Send(asked, m)
		net.Due(asked)
		if test.lost > asked {
			lose()
		}
		if test.begin > asked {
			fault()
		}
		r := Record{Journal: net.Journal(), End: 30 * time.Second, History: history.Of(history.Op{
			Process: 1, Client: "c1", Node: "n1", F: "generate", Outcome: history.Indefinite, From: asked, To: gaveUp,
		})}
		excused := checker.TroublesOf(r.Journal).Between
		if test.alone {
			excused = nothingExcuses
		}
		if problems := unanswered(r, excused); len(problems) > 0 != test.blamed {
			t.Errorf("%s: %v", test.what, problems)
		}
	}
}
