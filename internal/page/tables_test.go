package page

import (
	"slices"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// The tables count all messages of a test, not only those that the page has.
func TestTables(t *testing.T) {
	j := readShort(t, `0 1 c1>n1 {"type":"relay","target":"n2","payload":{"type":"echo","echo":1},"msg_id":1}
2 x n1>n2 {"type":"echo","echo":1,"msg_id":0}
502 503 n1>n2 {"type":"echo","echo":1,"msg_id":1}
504 505 n2>n1 {"type":"echo_ok","echo":1,"in_reply_to":1,"msg_id":0}
506 508 n1>c1 {"type":"relay_ok","in_reply_to":1,"msg_id":2}`)
	g := group(j, 500*time.Millisecond)
	h := history.Of(
		history.Op{Client: "c1", Node: "n1", MsgID: 1, F: "relay", Outcome: history.OK, From: 0, To: 508 * time.Millisecond},
		history.Op{Client: "c1", Node: "n1", MsgID: 2, F: "relay", Outcome: history.Fail, From: time.Second, To: 2 * time.Second},
	)
	test := Test{Journal: j, History: h}
	all := functions(h, g, test.requests())
	if len(all) != 1 || all[0].OK != 1 || all[0].Fail != 1 || all[0].Messages != 5 || all[0].Most != 5 || all[0].Latency["p50"] != 508 {
		t.Errorf("the operations by function: %+v", all[0])
	}
	busiest, n := links(j, g)
	if l := busiest[0]; n != 4 || l.Src != "n1" || l.Dest != "n2" || l.Sent != 2 || l.Lost != 1 || l.Requests != 2 || l.Calls != 1 || l.Mean != 1 {
		t.Errorf("%d links; the busiest: %+v", n, l)
	}
	if got, want := lossTimes(j), []float64{2}; !slices.Equal(got, want) {
		t.Errorf("messages were lost at %v ms, want %v", got, want)
	}
}
