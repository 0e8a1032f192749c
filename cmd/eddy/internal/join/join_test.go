package join

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/natsserver"
	"github.com/eddyrpc/eddy/natsnet"
)

// TestMain makes the test binary a node program if it has an argument that says so.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "node" {
		lateNode()
		return
	}
	os.Exit(m.Run())
}

// lateNode replies to init only after it has replied to another request.
func lateNode() {
	type message struct {
		Src, Dest string
		Body      struct {
			Type string `json:"type"`
			ID   int    `json:"msg_id"`
		}
	}
	reply := func(to message, typ string) {
		fmt.Printf(`{"src":%q,"dest":%q,"body":{"type":%q,"in_reply_to":%d}}`+"\n", to.Dest, to.Src, typ, to.Body.ID)
	}
	var init message
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			panic(err)
		}
		switch {
		case m.Body.Type == "init":
			init = m
		case init.Src != "":
			reply(m, "too_early")
			reply(init, "init_ok")
			init.Src = ""
		default:
			reply(m, "ok")
		}
	}
}

// ask sends a request to n1 and returns the type of the reply.
func ask(t *testing.T, c *natsnet.Conn) string {
	t.Helper()
	fmt.Fprintf(c, `{"src":%q,"dest":"n1","body":{"type":"x","msg_id":1}}`+"\n", c.Node())
	line, err := bufio.NewReader(c).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var reply struct{ Body struct{ Type string } }
	if err := json.Unmarshal(line, &reply); err != nil {
		t.Fatal(err)
	}
	return reply.Body.Type
}

// The program's reply to init is what it writes to the sender of init, whose name no
// other node knows. A node of any other name gets its reply, also before init.
func TestNameOfStrangerDuringInit(t *testing.T) {
	s, err := natsserver.Start(t.TempDir(), natsserver.AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	for _, name := range []string{"eddy-join", "init", "c0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := New(Config{
				Net:     natsnet.Config{Servers: s.URL(), Cluster: t.Name(), Node: "n1", Nodes: []string{"n1"}},
				Program: os.Args[0], Args: []string{"node"}, Grace: 10 * time.Second,
				Stderr: io.Discard, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() {
				if err := m.Run(ctx); err != nil {
					t.Error(err)
				}
			})
			defer running.Wait()
			defer end()
			stranger, err := natsnet.Dial(natsnet.Config{Servers: s.URL(), Cluster: t.Name(), Node: name})
			if err != nil {
				t.Fatal(err)
			}
			defer stranger.Close()
			for m.now.Load() == nil { // until the program was sent its init
				time.Sleep(time.Millisecond)
			}
			for _, c := range []*natsnet.Conn{m.Net(), stranger} {
				if err := c.Joined(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.Health(); err == nil || !strings.Contains(err.Error(), "not replied to init") {
				t.Errorf("before init: %v", err)
			}
			if got := ask(t, stranger); got != "too_early" {
				t.Errorf("the first reply is %s", got)
			}
			<-m.Ready()
			if got := ask(t, stranger); got != "ok" || m.Health() != nil {
				t.Errorf("after init: %s, %v", got, m.Health())
			}
		})
	}
}
