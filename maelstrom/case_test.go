package maelstrom_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/maelstrom"
)

// Reserved names match without regard to case, as for encoding/json: a struct without
// tags is written with them in capitals. The bytes that a node writes are its own.
func TestReservedNamesInAnyCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		var out strings.Builder
		in, write := io.Pipe()
		n.Stdin, n.Stdout = in, &out
		go func() {
			io.WriteString(write, hello)
			for _, line := range []string{
				`{"Src":"n2","DEST":"n1","Body":{"Type":"gossip","value":3}}`,
				`{"src":"c1","dest":"n1","body":{"TYPE":"ask","Msg_ID":7,"x":1}}`,
				`{"src":"n2","dest":"n1","body":{"type":"ask_ok","In_Reply_To":1,"Value":4}}`,
				`{"src":"c1","dest":"n1","body":{"type":"other","Type":"gossip","value":5}}`, // the last counts
			} {
				time.Sleep(time.Millisecond) // until the line before was handled
				io.WriteString(write, line+"\n")
			}
			write.Close()
		}()
		gossip, asked := make(chan string, 2), make(chan string, 1)
		n.Handle("gossip", func(m maelstrom.Message) error {
			gossip <- m.Type() + string(m.Body)
			return nil
		})
		n.Handle("ask", func(m maelstrom.Message) error {
			body := struct{ Type, Key string }{"ask", "k"}
			if err := n.RPC("n2", body, func(reply maelstrom.Message) error {
				asked <- string(reply.Body)
				return n.Reply(m, struct{ Type string }{"ask_done"})
			}); err != nil {
				t.Error(err)
			}
			return nil
		})
		if err := n.Run(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for range 2 {
			select {
			case got := <-gossip:
				if !strings.HasPrefix(got, "gossip{") {
					t.Error(got)
				}
			default:
				t.Fatal("a gossip was not handled")
			}
		}
		close(asked)
		if got := <-asked; got != `{"type":"ask_ok","In_Reply_To":1,"Value":4}` {
			t.Error(got)
		}
		for _, want := range []string{
			`{"src":"n1","dest":"n2","body":{"Key":"k","Type":"ask","msg_id":1}}`,
			`{"src":"n1","dest":"c1","body":{"Type":"ask_done","in_reply_to":7}}`,
		} {
			if !strings.Contains(out.String(), want+"\n") {
				t.Errorf("%s lacks %s", out.String(), want)
			}
		}
	})
}

// A one-way message that the program has a handler for is sent, in any case.
func TestReplyInAnyCaseToAOneWayMessage(t *testing.T) {
	n := maelstrom.NewNode()
	var out strings.Builder
	n.Stdout = &out
	n.Init("n1", []string{"n1", "n2"})
	n.Handle("news", func(maelstrom.Message) error { return nil })
	m := maelstrom.Message{Src: "n2", Dest: "n1", Body: []byte(`{"type":"ask"}`)}
	if err := n.Reply(m, struct{ Type string }{"news"}); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintln(`{"src":"n1","dest":"n2","body":{"Type":"news"}}`); out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
}

func TestRPCErrorInAnyCase(t *testing.T) {
	m := maelstrom.Message{Body: []byte(`{"Type":"error","Code":22,"Text":"differs"}`)}
	if err := m.RPCError(); err == nil || err.Code != 22 || err.Text != "differs" {
		t.Errorf("%+v", err)
	}
}
