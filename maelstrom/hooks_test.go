package maelstrom_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/maelstrom"
	"github.com/eddyrpc/eddy/watch"
)

// Hooks are told of the calls and the requests of each Run. A handler that does not reply is
// still not replied to.
func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		note := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
		n := maelstrom.NewNode()
		n.Hooks = &watch.Hooks{
			Sent:     func(c *watch.Call, s watch.Sent) { note("%s to %s sent, msg_id %d", c.Type, c.Dest, s.ID) },
			CallEnds: func(c *watch.Call, e watch.CallEnd) { note("%s ends, error %v", c.Type, e.Err) },
			RequestBegins: func(ctx context.Context, r *watch.Request) context.Context {
				note("%s of %s begins", r.Type, r.Src)
				return ctx
			},
			RequestEnds: func(r *watch.Request, e watch.RequestEnd) {
				note("%s ends, replied %t, failed %t, code %d", r.Type, e.Replied, e.Failed, e.Code)
			},
		}
		n.Handle("fail", func(maelstrom.Message) error { return maelstrom.NewRPCError(22, "no") })
		n.Handle("say-nothing", func(maelstrom.Message) error { return nil })
		n.Handle("ask", func(m maelstrom.Message) error {
			n.RPCWithRetry(context.Background(), "n2", typed("read"), &maelstrom.Policy{Attempts: 1})
			return n.Reply(m, typed("ask_ok"))
		})
		run := func(typ string) {
			in, lines := io.Pipe()
			n.Stdin, n.Stdout = in, io.Discard
			go func() {
				fmt.Fprintln(lines, `{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}`)
				synctest.Wait()
				fmt.Fprintf(lines, `{"src":"c1","dest":"n1","body":{"type":%q,"msg_id":2}}`+"\n", typ)
				time.Sleep(time.Second)
				lines.Close()
			}()
			if err := n.Run(); err != nil { // the hooks know everything then
				t.Error(err)
			}
		}
		for typ, want := range map[string][]string{
			"fail":        {"fail of c1 begins", "fail ends, replied true, failed true, code 22"},
			"say-nothing": {"say-nothing of c1 begins", "say-nothing ends, replied false, failed false, code 0"},
			"ask":         {"ask of c1 begins", "read to n2 sent, msg_id 1", "read ends, error RPC failed after 1 attempts", "ask ends, replied true, failed false, code 0"},
		} {
			told = nil
			run(typ)
			told = slices.DeleteFunc(told, func(what string) bool { return strings.HasPrefix(what, "init ") })
			for i := range told { // each Run goes on with the ids of the one before
				told[i] = strings.ReplaceAll(told[i], "msg_id 2", "msg_id 1")
			}
			if !slices.Equal(told, want) {
				t.Errorf("%s: hooks were told %q, want %q", typ, told, want)
			}
		}
	})
}
