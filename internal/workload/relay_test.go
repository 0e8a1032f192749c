package workload

import (
	"fmt"
	"math"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
)

// A count may be written in any way that JSON has for an integer.
func TestRelayReadsAttempts(t *testing.T) {
	w := newRelay(Env{Nodes: []string{"n1", "n2"}})
	for attempts, ok := range map[string]bool{"1": true, "1.0": true, "2e0": true, "0": false, "1.5": false, `"1"`: false, "-1": false} {
		body := fmt.Appendf(nil, `{"type":"relay_ok","attempts":%s,"result":{"text":"\ud800"}}`, attempts)
		if _, err := w.Read(&Request{}, body); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// The same holds for the elements of a broadcast.
func TestBroadcastReadsElements(t *testing.T) {
	w := newBroadcast(Env{Nodes: []string{"n1", "n2"}})
	for messages, ok := range map[string]bool{"[]": true, "[1,2]": true, "[1.0,20e-1]": true, "[1.5]": false, `["1"]`: false, "7": false} {
		body := fmt.Appendf(nil, `{"type":"read_ok","messages":%s}`, messages)
		if _, err := w.Read(&Request{F: "read"}, body); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A node may send any message to a simulated node.
func TestSimulatedNodesAcceptAnyMessage(t *testing.T) {
	w := newRelay(Env{Nodes: []string{"n1", "n2"}, CallTimeout: 1000}).(*relay)
	for _, test := range []struct {
		body    string
		echo    string // of the slow node's reply; "" if there is none
		replies int
	}{
		{`{"type":"echo","echo":"relay 20","msg_id":1}`, `"relay 20"`, 2},
		{`{"type":"echo","echo":"relay -100","msg_id":1}`, `"relay -100"`, 1},
		{`{"type":"echo","echo":{"own":"payload"},"msg_id":1}`, `{"own":"payload"}`, 1},
		{`{"type":"echo","msg_id":1}`, "", 0},
		{`{"type":"echo","echo":"relay 5"}`, "", 0},
		{fmt.Sprintf(`{"type":"echo","echo":"relay 5","msg_id":%d}`, int64(math.MaxInt64)), `"relay 5"`, 1},
	} {
		m, err := message.New("n1", w.slow, []byte(test.body))
		if err != nil {
			t.Fatal(err)
		}
		sends := w.Received(&m)
		if len(sends) != test.replies {
			t.Errorf("%s: %d replies, want %d", test.body, len(sends), test.replies)
		}
		for _, s := range append(sends, w.Observed(&m)...) {
			if !jsontext.Value(s.Message.Body).IsValid() || s.Message.InReplyTo < 0 {
				t.Errorf("%s: sent %s", test.body, s.Message.Body)
			}
		}
		if len(sends) > 0 && string(Member(sends[0].Message.Body, "echo")) != test.echo {
			t.Errorf("%s: the reply is %s", test.body, sends[0].Message.Body)
		}
	}
}
