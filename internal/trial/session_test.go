package trial

import (
	"testing"

	"github.com/eddyrpc/eddy/internal/workload"
)

// crashing is a workload whose clients crash before their third request.
type crashing struct{ workload.Workload }

func (crashing) NewSession(string) workload.Session { return new(countdown) }

type countdown int

func (c *countdown) Next() (workload.Request, bool) {
	*c++
	return workload.Request{Key: int64(*c)}, *c < 3
}

// A client that crashes is replaced by one with another name, another process and a
// session of its own. So is a client whose operation was indefinite.
func TestCrashedClientIsReplaced(t *testing.T) {
	r := &Trial{cfg: new(Config), load: crashing{}, byClient: map[string]*client{}}
	c := r.newClient(&node{name: "n1"})
	for i, want := range []struct {
		name string
		key  int64
	}{{"c1", 1}, {"c1", 2}, {"c2", 1}, {"c2", 2}, {"c3", 1}} {
		if key := r.nextRequest(c).Key; key != want.key || c.name != want.name || r.byClient[want.name] != c {
			t.Errorf("request %d: number %d of %s, want number %d of %s", i, key, c.name, want.key, want.name)
		}
	}
	if r.rename(c); r.nextRequest(c).Key != 1 || len(r.byClient) != 1 {
		t.Error("the new client goes on with the session of the old one")
	}
}
