package runner

import (
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/message"
)

// A service answers requests, and neither one-way messages nor replies.
func TestServicesAnswerRequestsAlone(t *testing.T) {
	r := &runner{net: sim.New(sim.Config{}), cast: newCast(nil, 1)}
	for body, want := range map[string]string{
		`{"type":"ts","msg_id":7}`:                    `{"type":"ts_ok","ts":0,"in_reply_to":7}`,
		`{"type":"ts"}`:                               "",
		`{"type":"ts_ok","msg_id":7,"in_reply_to":7}`: "",
	} {
		m, err := message.New("n1", "lin-tso", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if !r.perform(&sim.Delivery{Message: m}) {
			t.Errorf("%s: lin-tso is nobody", body)
		}
		answer := ""
		if d, ok := r.net.Due(1 << 62); ok {
			answer = string(d.Body)
			if d.Src != "lin-tso" || d.Dest != "n1" {
				t.Errorf("%s: from %s to %s", body, d.Src, d.Dest)
			}
		}
		if answer != want {
			t.Errorf("%s: answered with %s, want %s", body, answer, want)
		}
	}
}
