package talk

import (
	"math"
	"slices"

	"github.com/eddyrpc/eddy/internal/message"
)

// maxNodeRequests is how many of the node's requests can still get a reply.
const maxNodeRequests = 10_000

// A requestTable holds the requests of a session that have no reply: those to the
// node and those of the node. Its zero value is empty.
type requestTable struct {
	lastID  map[string]int64 // by client: the highest msg_id sent
	open    map[requestKey]*openRequest
	pending int            // open requests that have not expired
	node    []*nodeRequest // the newest last
}

// A requestKey identifies a request to the node.
type requestKey struct {
	client string
	id     int64
}

// An openRequest is a request to the node that has no reply.
type openRequest struct {
	typ     string
	expired bool // the session does not wait for its reply any more
}

// A nodeRequest is a request of the node.
type nodeRequest struct {
	src, dest string
	id        int64
	replied   bool
}

// nextID returns a msg_id that the client has not used.
func (t *requestTable) nextID(client string) int64 { return t.lastID[client] + 1 }

// sent takes a message that was sent to the node.
func (t *requestTable) sent(m *shownMessage) {
	if m.IsRequest() {
		r := requestKey{m.Src, m.ID}
		if t.open == nil {
			t.lastID, t.open = map[string]int64{}, map[requestKey]*openRequest{}
		}
		t.lastID[r.client] = max(t.lastID[r.client], min(r.id, math.MaxInt64-1))
		if open := t.open[r]; open == nil || open.expired {
			t.pending++
		}
		t.open[r] = &openRequest{typ: m.Type}
	}
	for _, r := range t.node {
		if m.IsReply() && r.src == m.Dest && r.dest == m.Src && r.id == m.InReplyTo {
			r.replied = true
		}
	}
}

// settle takes a reply of the node. It returns false if no open request has this key.
func (t *requestTable) settle(r requestKey) bool {
	open := t.open[r]
	if open == nil {
		return false
	}
	if !open.expired {
		t.pending--
	}
	delete(t.open, r)
	return true
}

// expire ends the wait for all replies. It returns the requests that have none.
func (t *requestTable) expire() map[requestKey]*openRequest {
	expired := map[requestKey]*openRequest{}
	for r, open := range t.open {
		if !open.expired {
			open.expired = true
			expired[r] = open
		}
	}
	t.pending = 0
	return expired
}

// received takes a request of the node.
func (t *requestTable) received(m *message.Message) {
	if len(t.node) >= maxNodeRequests {
		t.node = append(t.node[:0], t.node[maxNodeRequests/2:]...)
	}
	t.node = append(t.node, &nodeRequest{src: m.Src, dest: m.Dest, id: m.ID})
}

// find returns the node's newest request with an id, or, if id is negative, its newest
// request without a reply.
func (t *requestTable) find(id int64) *nodeRequest {
	for _, r := range slices.Backward(t.node) {
		if r.id == id || id < 0 && !r.replied {
			return r
		}
	}
	return nil
}
