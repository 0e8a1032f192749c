package natsnet_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/natsprocess"
	"github.com/eddyrpc/eddy/natsnet"
)

var relays = flag.Int("relays", longtest.Or(4000, 300), "how many relays TestRelaysWhileServersAndNodesDie makes")

// betweenKills is the time from one kill of a server to the next.
var betweenKills = longtest.Or(2*time.Second, 500*time.Millisecond)

// outer is the policy by which the client calls relays: an attempt waits longer than a
// relay takes.
var outer = &eddy.Policy{Attempts: 4, Timeout: time.Duration(inner.Attempts)*inner.Timeout + 300*time.Millisecond}

// While three of ten messages of all nodes are lost and servers and nodes are killed and
// restarted again and again, each relay is replied to once, with its own reply, or fails
// after its last attempt.
func TestRelaysWhileServersAndNodesDie(t *testing.T) {
	t.Parallel()
	s, err := natsprocess.Start(natsprocess.Config{Dir: t.TempDir(), Count: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	nodes := startNodes(t, s.URLs())
	defer nodes.kill()
	client, replies := relayClient(t, s.URLs())
	done, killed := make(chan struct{}), make(chan int)
	go func() { killed <- nodes.killThemAndServers(s, done) }()

	var tally relayTally
	var asking sync.WaitGroup
	var next atomic.Int64
	for range max(600, *relays/100) {
		asking.Go(func() {
			for i := next.Add(1); i <= int64(*relays); i = next.Add(1) {
				if err := tally.relay(t.Context(), client, i); err != nil {
					t.Errorf("relay %d: %v", i, err)
				}
			}
		})
	}
	asking.Wait()
	close(done)
	t.Logf("%d relays, %d deaths: %v", *relays, <-killed, &tally)
	if twice := replies.twice(); twice > 0 {
		t.Errorf("%d requests got more than one reply", twice)
	}
	if all := tally.answered.Load() + tally.refused.Load() + tally.unanswered.Load(); all != int64(*relays) || tally.answered.Load() < all/2 {
		t.Errorf("of %d relays: %v", *relays, &tally)
	}
}

// relayNodes are processes of nodes.
type relayNodes struct {
	t       *testing.T
	servers string
	names   []string
	kills   []func()
}

func startNodes(t *testing.T, servers string) *relayNodes {
	t.Helper()
	r := &relayNodes{t: t, servers: servers, names: []string{"n1", "n2", "n3"}}
	for _, name := range r.names {
		kill, err := startNode(name, servers)
		if err != nil {
			r.kill()
			t.Fatal(err)
		}
		r.kills = append(r.kills, kill)
	}
	return r
}

func (r *relayNodes) kill() {
	for _, kill := range r.kills {
		kill()
	}
}

// killThemAndServers kills and restarts one server after the other, and with every third
// one a node, until done is closed. It returns the number of deaths.
func (r *relayNodes) killThemAndServers(s *natsprocess.Servers, done <-chan struct{}) (deaths int) {
	for round := 0; ; round++ {
		select {
		case <-done:
			return deaths
		case <-time.After(betweenKills):
		}
		server, node := round%3, -1
		s.Kill(server)
		deaths++
		if round%3 == 1 {
			node = round / 3 % len(r.names)
			r.kills[node]()
			deaths++
		}
		time.Sleep(betweenKills / 4)
		if err := s.Start(server); err != nil {
			r.t.Error(err)
			return deaths
		}
		if node >= 0 {
			kill, err := startNode(r.names[node], r.servers)
			if err != nil {
				r.t.Error(err)
				kill = func() {}
			}
			r.kills[node] = kill
		}
	}
}

// relayClient returns a node that loses messages too, and a count of the replies to it.
func relayClient(t *testing.T, servers string) (*eddy.Node, *replyCount) {
	t.Helper()
	c := dial(t, natsnet.Config{Servers: servers, Node: "c1", Nodes: []string{"c1"}})
	c.LoseSome(threeOfTen)
	joined(t, c)
	replies := newReplyCount(c)
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	ready := make(chan struct{})
	n.OnInit(func(context.Context) error { close(ready); return nil })
	ctx, end := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := n.Serve(ctx, replies); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { end(); served.Wait(); c.Close() })
	<-ready
	return n, replies
}

// A relayTally counts the outcomes of relays.
type relayTally struct{ answered, refused, unanswered, attempts atomic.Int64 }

func (t *relayTally) String() string {
	return fmt.Sprintf("%d answered, %d failed at the relay after %d attempts, %d without a reply after %d; %d attempts of the client",
		t.answered.Load(), t.refused.Load(), inner.Attempts, t.unanswered.Load(), outer.Attempts, t.attempts.Load())
}

// relay makes one relay. It returns an error for an outcome that must not occur.
func (t *relayTally) relay(ctx context.Context, client *eddy.Node, i int64) error {
	body := fmt.Sprintf(`{"type":"relay","target":"n%d","payload":{"type":"echo","i":%d}}`, (i+1)%3+1, i)
	reply, attempts, err := client.RPCWithRetry(ctx, fmt.Sprintf("n%d", i%3+1), eddy.Raw(body), outer)
	t.attempts.Add(int64(attempts))
	failed, isCall := errors.AsType[*eddy.CallError](err)
	switch {
	case err == nil:
		t.answered.Add(1)
		if got, _ := reply.Body.Get("result").Get("i").Int(); got != i {
			return fmt.Errorf("the reply to another relay: %s", reply.Body)
		}
	case reply.Body != nil:
		t.refused.Add(1)
		// A relay that gets no reply from its target fails after its last attempt.
		if text, _ := reply.Body.Get("text").Text(); !strings.Contains(text, fmt.Sprintf("failed after %d attempts", inner.Attempts)) {
			return fmt.Errorf("replied with %s", reply.Body)
		}
	case !isCall || attempts != outer.Attempts || len(failed.Attempts()) != outer.Attempts:
		return fmt.Errorf("failed after %d attempts: %w", attempts, err)
	default:
		t.unanswered.Add(1)
	}
	return nil
}

// A replyCount is a transport that counts the replies to each request.
type replyCount struct {
	*natsnet.Conn
	lines *io.PipeReader

	mu   sync.Mutex
	seen map[int64]int
}

func newReplyCount(c *natsnet.Conn) *replyCount {
	read, write := io.Pipe()
	r := &replyCount{Conn: c, lines: read, seen: make(map[int64]int)}
	go func() {
		decoder := json.NewDecoder(io.TeeReader(c, write))
		for {
			var m struct {
				Body struct {
					InReplyTo *int64 `json:"in_reply_to"`
				}
			}
			if err := decoder.Decode(&m); err != nil {
				write.CloseWithError(err)
				return
			}
			if m.Body.InReplyTo != nil {
				r.mu.Lock()
				r.seen[*m.Body.InReplyTo]++
				r.mu.Unlock()
			}
		}
	}()
	return r
}

func (r *replyCount) Read(p []byte) (int, error) { return r.lines.Read(p) }

// twice returns the number of requests that got more than one reply.
func (r *replyCount) twice() (count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.seen {
		if n > 1 {
			count++
		}
	}
	return count
}
