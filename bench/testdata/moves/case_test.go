package moves

import (
	"testing"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

// A struct without tags is written with its names in capitals, and read so.
func TestNamesInCapitals(t *testing.T) {
	type body struct{ Type, Key string }
	w := live(t, func(n *maelstrom.Node) {
		n.Handle("gossip", func(m maelstrom.Message) error { return n.Send("n2", body{m.Type() + "_seen", "k"}) })
		n.Handle("ask", func(m maelstrom.Message) error {
			return n.RPC("n2", body{"ask", "k"}, func(maelstrom.Message) error { return n.Reply(m, body{"ask_done", "k"}) })
		})
	})
	w.write(`{"Src":"n2","DEST":"n1","Body":{"Type":"gossip"}}` + "\n")
	wants(t, w.line(), `"body":{"Type":"gossip_seen","Key":"k"}`)
	w.write(`{"src":"c1","dest":"n1","body":{"TYPE":"ask","Msg_ID":7}}` + "\n")
	wants(t, w.line(), `"body":{"Key":"k","Type":"ask","msg_id":1}`)
	w.write(`{"src":"n2","dest":"n1","body":{"type":"ask_ok","In_Reply_To":1}}` + "\n")
	wants(t, w.line(), `"body":{"Key":"k","Type":"ask_done","in_reply_to":7}`)
	w.write(`{"src":"c1","dest":"n1","body":{"type":"other","Type":"gossip"}}` + "\n") // the last counts
	wants(t, w.line(), `"body":{"Type":"gossip_seen","Key":"k"}`)
	if err := w.end(); err != nil {
		t.Error(err)
	}
}
