package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

// A correctNode does something unusual that is allowed. It must pass.
type correctNode struct {
	run     func()
	flags   []string
	unknown string // the checks, if the verdict is unknown
}

var correctNodes = map[string]correctNode{
	// Maelstrom's libraries do this with a body that was changed in place.
	"copies-the-id": {func() {
		n := testnode.New(program.OS())
		n.On = func(m testnode.Message) bool {
			if m.Body.Type != "echo" {
				return false
			}
			fmt.Printf(`{"src":%s,"dest":%s,"body":{"type":"echo_ok","echo":%s,"msg_id":%d,"in_reply_to":%d}}`+"\n",
				testnode.Quote(n.ID), testnode.Quote(m.Src), m.Body.Echo, m.Body.MsgID, m.Body.MsgID)
			return true
		}
		n.Serve()
	}, []string{"-w", "echo", "--rate", "40", "--time-limit", "1"}, ""},

	// Maelstrom kills nodes, so few of them end at the end of their input.
	"keeps-gossiping": {func() {
		n := testnode.New(program.OS())
		go func() {
			for ; ; time.Sleep(50 * time.Millisecond) {
				fmt.Printf(`{"src":"n1","dest":"n1","body":{"type":"gossip"}}` + "\n")
			}
		}()
		n.Serve()
		select {}
	}, []string{"-w", "echo", "--rate", "40", "--time-limit", "1"}, ""},

	// The signals at the end of a test end a node wherever it is.
	"ends-within-a-line": {func() {
		testnode.New(program.OS()).Serve()
		fmt.Print(`{"src":"n1","dest":"n1","body":{"type":"gos`)
		select {}
	}, []string{"-w", "echo", "--rate", "40", "--time-limit", "1"}, ""},

	// A message that arrives after the input was closed cannot be read, and the node
	// need not have read all earlier ones.
	"leaves-input-unread": {func() {
		n := testnode.New(program.OS())
		gossip := `{"type":"gossip","text":"` + strings.Repeat("x", 200_000) + `"}` // more than a pipe holds
		n.On = func(m testnode.Message) bool {
			if m.Body.Type != "echo" {
				return true
			}
			fmt.Printf(`{"src":%s,"dest":"n1","body":%s}`+"\n", testnode.Quote(n.ID), gossip)
			n.Echo(m)
			if n.ID == "n1" {
				select {}
			}
			return true
		}
		n.Serve()
	}, []string{"-w", "echo", "-n", "n2", "--link", "n2:n1:latency=500", "--rate", "0", "--time-limit", "0.1"}, "nothing-ok"},

	// A name may have characters that Go and JSON quote differently.
	"with-a-strange-name": {func() { testnode.New(program.OS()).Serve() },
		[]string{"-w", "echo", "--rate", "40", "--time-limit", "0.5", "--node", "a\a\u00a0\u2028\U000e0001"}, ""},

	// No reply is better than an id that may not be unique.
	"id-of-a-service": {func() {
		n := testnode.New(program.OS())
		requests := map[int64]testnode.Message{}
		n.On = func(m testnode.Message) bool {
			if m.Body.Type == "generate" {
				requests[int64(n.Next)] = m
				n.Send("lin-tso", `{"type":"ts"}`)
			} else if m.Body.InReplyTo != nil {
				n.Reply(requests[*m.Body.InReplyTo], fmt.Sprintf(`{"type":"generate_ok","id":%d}`, m.Body.TS))
			}
			return true
		}
		n.Serve()
	}, []string{"-w", "unique-ids", "--rate", "40", "--time-limit", "1", "--loss", "0.1", "--seed", "3", "--concurrency", "20"}, ""},
}

func init() {
	for name, node := range correctNodes {
		testNodes["correct-"+name] = node.run
	}
}

func TestCorrectNodes(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(correctNodes))
	sideBySide(t, len(names), func(t *testing.T, i int) {
		flags := append([]string{"--bin", "correct-" + names[i], "--node", "n1",
			"--client-timeout", "1s", "--call-timeout", "50ms", "--call-attempts", "1"}, correctNodes[names[i]].flags...)
		want := "pass"
		if correctNodes[names[i]].unknown != "" {
			want = "unknown"
		}
		if r := eddyTest(t, flags...); r.Verdict != want || r.checks() != correctNodes[names[i]].unknown {
			t.Errorf("correct-%s: %s\n%s", names[i], r.Verdict, r.text())
		}
	})
}
