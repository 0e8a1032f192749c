package trial

import "github.com/eddyrpc/eddy/internal/workload"

// nextRequest returns a client's next request. If the workload has sessions, a client
// that crashes is replaced by a new one.
func (t *Trial) nextRequest(c *client) workload.Request {
	maker, ok := t.load.(workload.SessionMaker)
	if !ok {
		return t.load.Next(c.node.name)
	}
	for {
		if c.session == nil {
			c.session = maker.NewSession(c.node.name)
		}
		if req, ok := c.session.Next(); ok {
			return req
		}
		t.rename(c)
	}
}
