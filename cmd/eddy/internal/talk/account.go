package talk

import (
	"math"
	"slices"
)

// maxAsked is how many of the node's requests can still be answered.
const maxAsked = 10_000

// An account says what was asked in a session, of the node and by it, and is not
// answered. The zero value is a session's that has not begun.
type account struct {
	lastID  map[string]int64 // by client: the highest msg_id sent
	open    map[request]*openRequest
	pending int    // open requests that are still hoped for
	asked   []*ask // the node's requests, the newest last
}

// A request is known by who sent it and its msg_id.
type request struct {
	client string
	id     int64
}

// An openRequest was sent to the node and is not answered.
type openRequest struct {
	typ     string
	givenUp bool // nobody waits for it any more
}

// An ask is a request that the node has sent.
type ask struct {
	src, dest string
	id        int64
	answered  bool
}

// nextID is a msg_id that the client has not used.
func (a *account) nextID(client string) int64 { return a.lastID[client] + 1 }

// sent takes in a message to the node.
func (a *account) sent(m shownMessage) {
	if m.IsRequest() {
		r := request{m.Src, m.ID}
		if a.open == nil {
			a.lastID, a.open = map[string]int64{}, map[request]*openRequest{}
		}
		a.lastID[r.client] = max(a.lastID[r.client], min(r.id, math.MaxInt64-1))
		if open := a.open[r]; open == nil || open.givenUp {
			a.pending++
		}
		a.open[r] = &openRequest{typ: m.Type}
	}
	for _, q := range a.asked {
		if m.IsReply() && q.src == m.Dest && q.dest == m.Src && q.id == m.InReplyTo {
			q.answered = true
		}
	}
}

// answered takes in a reply of the node, and reports whether it is one to an
// open request.
func (a *account) answered(r request) bool {
	open := a.open[r]
	if open == nil {
		return false
	}
	if !open.givenUp {
		a.pending--
	}
	delete(a.open, r)
	return true
}

// giveUp hopes for no answer any more, and returns the requests that have none.
func (a *account) giveUp() map[request]*openRequest {
	missing := map[request]*openRequest{}
	for r, open := range a.open {
		if !open.givenUp {
			open.givenUp = true
			missing[r] = open
		}
	}
	a.pending = 0
	return missing
}

// asks takes in a request of the node.
func (a *account) asks(m shownMessage) {
	if len(a.asked) >= maxAsked {
		a.asked = append(a.asked[:0], a.asked[maxAsked/2:]...)
	}
	a.asked = append(a.asked, &ask{src: m.Src, dest: m.Dest, id: m.ID})
}

// find finds the node's request to answer: the newest with the id, or below 0
// the newest that is not answered.
func (a *account) find(id int64) *ask {
	for _, q := range slices.Backward(a.asked) {
		if q.id == id || id < 0 && !q.answered {
			return q
		}
	}
	return nil
}
