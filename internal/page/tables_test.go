package page

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/grouping"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
)

// In journal a relay loses its first attempt.
const journal = `{"message":0,"src":"c1","dest":"n1","sent_ns":0,"step":1,"fate":"delivered","done_ns":1000000,"done_step":2,"body":{"type":"relay","target":"n2","payload":{"type":"echo","echo":1},"msg_id":1}}
{"message":1,"src":"n1","dest":"n2","sent_ns":2000000,"step":3,"fate":"lost","done_ns":2000000,"done_step":4,"body":{"type":"echo","echo":1,"msg_id":0}}
{"message":2,"src":"n1","dest":"n2","sent_ns":502000000,"step":5,"fate":"delivered","done_ns":503000000,"done_step":6,"body":{"type":"echo","echo":1,"msg_id":1}}
{"message":3,"src":"n2","dest":"n1","sent_ns":504000000,"step":7,"fate":"delivered","done_ns":505000000,"done_step":8,"body":{"type":"echo_ok","echo":1,"in_reply_to":1,"msg_id":0}}
{"message":4,"src":"n1","dest":"c1","sent_ns":506000000,"step":9,"fate":"delivered","done_ns":508000000,"done_step":10,"body":{"type":"relay_ok","in_reply_to":1,"msg_id":2}}
`

// The tables count all messages of a test, not only those that the page has.
func TestTables(t *testing.T) {
	j, err := sim.ReadJournal(strings.NewReader(journal))
	if err != nil {
		t.Fatal(err)
	}
	g := grouping.Find(j, 500*time.Millisecond)
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
