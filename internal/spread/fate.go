package spread

import (
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// became says what became of a copy of a message, as it follows "the message ".
func (s *Spread) became(m *sim.Record) string {
	at := seconds(m.Done)
	switch m.Fate {
	case sim.Delivered:
		return "was delivered at " + at
	case sim.LostByLink:
		return "was lost by the link"
	case sim.LostByFault:
		return "was lost by the link during " + s.fault(m, sim.Flaky, "a fault")
	case sim.Partitioned:
		return fmt.Sprintf("was cut off at %s by %s", at, s.fault(m, sim.Partition, "a partition"))
	case sim.Killed:
		return fmt.Sprintf("was dropped, because %s was killed while it was on its way", m.Dest)
	case sim.Down:
		return fmt.Sprintf("was dropped at %s, because %s was not running", at, m.Dest)
	case sim.StaleReply:
		return fmt.Sprintf("was dropped, because it replies to an earlier incarnation of %s", m.Dest)
	case sim.Unread:
		return fmt.Sprintf("was dropped, because %s did not read its input", m.Dest)
	case sim.UnknownDest:
		return fmt.Sprintf("was dropped, because there is no %s", m.Dest)
	case sim.LostByCarrier:
		return "was lost by NATS"
	}
	return "was still on its way at the end"
}

// fault returns the name of a fault that affected the link of a message when it was lost.
func (s *Spread) fault(m *sim.Record, kind sim.FaultKind, otherwise string) string {
	active := map[int]*sim.Fault{}
	for _, e := range s.j.Events() {
		if e.Step >= m.DoneStep {
			break
		}
		switch {
		case e.Begun != nil && e.Begun.Kind == kind && affects(e.Begun, m):
			active[e.Fault] = e.Begun
		case e.What == "end":
			delete(active, e.Fault)
		}
	}
	for _, f := range active {
		return f.String()
	}
	return otherwise
}

// affects reports whether a fault affects the link of a message.
func affects(f *sim.Fault, m *sim.Record) bool {
	class := func(name string) string {
		if sim.IsClient(name) {
			return sim.AnyClient
		}
		return name
	}
	return slices.ContainsFunc(f.Links, func(l sim.Link) bool {
		return (l.From == m.Src || l.From == class(m.Src)) && (l.To == m.Dest || l.To == class(m.Dest))
	})
}

// killedAfter returns when a node was killed first after a step, or false.
func (s *Spread) killedAfter(node string, step int) (time.Duration, bool) {
	for _, e := range s.j.Events() {
		if e.What == "killed" && e.Node == node && e.Step > step {
			return e.At, true
		}
	}
	return 0, false
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }
