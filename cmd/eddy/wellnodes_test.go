package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/sick"
)

// A wellNode does what others have been blamed for, and may. It must pass.
type wellNode struct {
	run   func()
	flags []string
}

var wellNodes = map[string]wellNode{
	// As Maelstrom's libraries do with a body that was changed in place.
	"copies-the-id": {func() {
		n := sick.New()
		n.On = func(m sick.Message) bool {
			if m.Body.Type != "echo" {
				return false
			}
			fmt.Printf(`{"src":%q,"dest":%q,"body":{"type":"echo_ok","echo":%s,"msg_id":%d,"in_reply_to":%d}}`+"\n",
				n.ID, m.Src, m.Body.Echo, m.Body.MsgID, m.Body.MsgID)
			return true
		}
		n.Serve()
	}, []string{"-w", "echo", "--rate", "40", "--time-limit", "1"}},

	// Maelstrom kills nodes, so hardly one ends with its input.
	"gossips-on": {func() {
		n := sick.New()
		go func() {
			for ; ; time.Sleep(50 * time.Millisecond) {
				fmt.Printf(`{"src":"n1","dest":"n1","body":{"type":"gossip"}}` + "\n")
			}
		}()
		n.Serve()
		select {}
	}, []string{"-w", "echo", "--rate", "40", "--time-limit", "1"}},

	// Once the input has been closed nobody can read what comes later, and it need
	// not have read all that came before.
	"leaves-the-rest": {func() {
		n := sick.New()
		gossip := `{"type":"gossip","text":"` + strings.Repeat("x", 200_000) + `"}` // more than a pipe holds
		n.On = func(m sick.Message) bool {
			if m.Body.Type != "echo" {
				return true
			}
			fmt.Printf(`{"src":%q,"dest":"n1","body":%s}`+"\n", n.ID, gossip)
			n.Echo(m)
			if n.ID == "n1" {
				select {}
			}
			return true
		}
		n.Serve()
	}, []string{"-w", "echo", "-n", "n2", "--link", "n2:n1:latency=500", "--rate", "0", "--time-limit", "0.1"}},

	// No answer is better than an id that may not be unique.
	"id-of-a-service": {func() {
		n := sick.New()
		asked := map[int64]sick.Message{}
		n.On = func(m sick.Message) bool {
			if m.Body.Type == "generate" {
				asked[int64(n.Next)] = m
				n.Send("lin-tso", `{"type":"ts"}`)
			} else if m.Body.InReplyTo != nil {
				n.Reply(asked[*m.Body.InReplyTo], fmt.Sprintf(`{"type":"generate_ok","id":%d}`, m.Body.TS))
			}
			return true
		}
		n.Serve()
	}, []string{"-w", "unique-ids", "--rate", "40", "--time-limit", "1", "--loss", "0.1", "--seed", "3", "--concurrency", "20"}},
}

func init() {
	for name, node := range wellNodes {
		testNodes["well-"+name] = node.run
	}
}

func TestWellNodes(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(wellNodes))
	sideBySide(t, len(names), func(t *testing.T, i int) {
		flags := append([]string{"--bin", "well-" + names[i], "--node", "n1",
			"--client-timeout", "1s", "--call-timeout", "50ms", "--call-attempts", "1"}, wellNodes[names[i]].flags...)
		if r := eddyTest(t, flags...); r.Verdict != "pass" {
			t.Errorf("well-%s: %s\n%s", names[i], r.Verdict, r.text())
		}
	})
}
