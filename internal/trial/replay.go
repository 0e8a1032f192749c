package trial

import (
	"cmp"
	"slices"
	"time"
)

// A replay sends the requests of a case. A request waits while its client waits for a
// reply, and while its node is not up. Requests of one client keep their order.
type replay struct {
	later []Ask // their times have not come, in the order of their times
	due   []Ask // their times have come, and they have not been sent
}

// newReplay returns the replay of a case, or nil without a case.
func newReplay(c *Case) *replay {
	if c == nil {
		return nil
	}
	later := slices.Clone(c.Asks)
	slices.SortStableFunc(later, func(a, b Ask) int { return cmp.Compare(a.At, b.At) })
	return &replay{later: later}
}

// next returns when the next request is to be sent; ok is false if there is none.
func (r *replay) next() (at time.Duration, ok bool) {
	if r == nil || len(r.later) == 0 {
		return 0, false
	}
	return r.later[0].At, true
}

// sendAsks sends the requests of the case that are due. It returns false if none can be
// sent.
func (t *Trial) sendAsks() (sent bool) {
	r := t.replay
	for at, ok := r.next(); ok && t.mainBegan+at <= t.now; at, ok = r.next() {
		r.due = append(r.due, r.later[0])
		r.later = r.later[1:]
	}
	if len(r.due) == 0 {
		return false
	}
	waiting := map[int]bool{} // clients
	r.due = slices.DeleteFunc(r.due, func(a Ask) bool {
		c, n := t.clients[a.Client], t.byName[a.Node]
		if waiting[a.Client] || c.op >= 0 || n.state != up {
			waiting[a.Client] = true
			return false
		}
		t.sendAsk(c, n, a.Turn)
		sent = true
		return true
	})
	return sent
}

// sendAsk sends a client's request of a turn.
func (t *Trial) sendAsk(c *client, n *node, turn int64) {
	at := slices.Index(t.free, c)
	t.free = slices.Delete(t.free, at, at+1)
	c.node = n
	t.sent++
	t.setTurn(c, turn)
	t.request(c, t.nextRequest(c))
}
