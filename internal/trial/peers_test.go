package trial

import (
	"testing"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A service replies to requests, but not to one-way messages and replies.
func TestServicesReplyOnlyToRequests(t *testing.T) {
	for body, want := range map[string]string{
		`{"type":"ts","msg_id":7}`:    `{"type":"ts_ok","ts":0,"in_reply_to":7}`,
		`{"type":"ts"}`:               "",
		`{"type":"ts","msg_id":null}`: "",
		`{"type":"ts","msg_id":18446744073709551615,"in_reply_to":null}`: `{"type":"ts_ok","ts":0,"in_reply_to":18446744073709551615}`,
		`{"type":"ts_ok","msg_id":7,"in_reply_to":7}`:                    "",
	} {
		r := &Trial{net: sim.New(sim.Config{}), peers: newPeers(nil, 1)}
		m, _, err := message.NewAny("n1", "lin-tso", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if !r.deliverToPeer(&sim.Delivery{Message: m}) {
			t.Errorf("%s: lin-tso is not a peer", body)
		}
		reply := ""
		if d, ok := r.net.Due(1 << 62); ok {
			reply = string(d.Body)
			if d.Src != "lin-tso" || d.Dest != "n1" {
				t.Errorf("%s: from %s to %s", body, d.Src, d.Dest)
			}
		}
		if reply != want {
			t.Errorf("%s: the reply is %s, want %s", body, reply, want)
		}
	}
}
