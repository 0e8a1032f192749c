package workload

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A reply has no other fields than those of its type, whatever the workload. Sending the
// request's body back with another type is the commonest mistake.
func TestClosedReplies(t *testing.T) {
	for _, test := range []struct {
		workload, f, reply, field string
	}{
		{"echo", "echo", `{"type":"echo_ok","echo":1}`, ""},
		{"echo", "echo", `{"type":"echo_ok","echo":1,"code":0}`, `"code"`},
		{"unique-ids", "generate", `{"type":"generate_ok","id":[7],"msg_id":3,"in_reply_to":4}`, ""},
		{"unique-ids", "generate", `{"type":"generate_ok","id":7,"node":"n1"}`, `"node"`},
		{"broadcast", "topology", `{"type":"topology_ok"}`, ""},
		{"broadcast", "topology", `{"topology":{},"type":"topology_ok"}`, `"topology", which is a field of the request`},
		{"broadcast", "broadcast", `{"type":"broadcast_ok"}`, ""},
		{"broadcast", "broadcast", `{"message":3,"type":"broadcast_ok","msg_id":1}`, `"message", which is a field of the request`},
		{"broadcast", "read", `{"type":"read_ok","messages":[]}`, ""},
		{"broadcast", "read", `{"type":"read_ok","messages":[],"ok":true}`, `"ok"`},
		{"g-set", "add", `{"type":"add_ok","element":0}`, `"element", which is a field of the request`},
		{"g-counter", "add", `{"type":"add_ok","delta":0}`, `"delta", which is a field of the request`},
		{"lin-kv", "read", `{"type":"read_ok","value":null}`, ""},
		{"lin-kv", "read", `{"type":"read_ok","value":3,"key":1}`, `"key", which is a field of the request`},
		{"lin-kv", "write", `{"type":"write_ok"}`, ""},
		{"lin-kv", "write", `{"type":"write_ok","value":3}`, `"value", which is a field of the request`},
		{"lin-kv", "cas", `{"type":"cas_ok"}`, ""},
		{"lin-kv", "cas", `{"type":"cas_ok","from":3}`, `"from", which is a field of the request`},
		{"txn-list-append", "txn", `{"type":"txn_ok","txn":[],"read":[]}`, `"read"`},
		{"relay", "relay", `{"type":"relay_ok","attempts":1,"result":{}}`, ""},
		{"relay", "relay", `{"type":"relay_ok","attempts":1,"result":{},"target":"n1"}`, `"target", which is a field of the request`},
	} {
		spec, err := Find(test.workload)
		if err != nil {
			t.Fatal(err)
		}
		w := spec.New(Env{Nodes: []string{"n1"}, Rand: rand.New(rand.NewPCG(1, 1)), CallTimeout: time.Second,
			Txn: TxnConfig{KeyCount: 1, MaxLength: 1, MaxWritesPerKey: 1}})
		req := requestOf(w, test.f)
		_, err = w.Read(&req, []byte(test.reply))
		want := "such a reply has no field " + test.field
		switch {
		case test.field == "" && err != nil:
			t.Errorf("%s: %s: %v", test.workload, test.reply, err)
		case test.field != "" && (err == nil || err.Error() != want):
			t.Errorf("%s: %s: %v, want %s", test.workload, test.reply, err, want)
		}
	}
}

// requestOf returns a request with this F.
func requestOf(w Workload, f string) Request {
	for _, req := range w.Setup() {
		if req.F == f {
			return req
		}
	}
	for {
		if req := w.Next("n1"); req.F == f {
			return req
		}
	}
}
