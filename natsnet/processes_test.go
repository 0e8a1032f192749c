package natsnet_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/natsprocess"
	"github.com/eddyrpc/eddy/natsnet"
)

// TestMain makes the test binary a NATS server or a node if the environment says so: what
// a test kills must be a process of its own.
func TestMain(m *testing.M) {
	natsprocess.Main()
	if name := os.Getenv("NATSNET_NODE"); name != "" {
		if err := serveNode(name, os.Getenv("NATSNET_SERVERS")); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		return
	}
	flag.Set("test.parallel", "16") // most tests wait; a flag on the command line takes precedence
	os.Exit(m.Run())
}

// serveNode serves a relay that loses messages until standard input ends.
func serveNode(name, servers string) error {
	c, err := natsnet.Dial(natsnet.Config{Servers: servers, Node: name, Nodes: []string{"n1", "n2", "n3"}})
	if err != nil {
		return err
	}
	c.LoseSome(threeOfTen)
	if err := c.Joined(context.Background()); err != nil {
		return err
	}
	fmt.Println("ready")
	ctx, end := context.WithCancel(context.Background())
	go func() { io.Copy(io.Discard, os.Stdin); end() }()
	n := relayNode()
	n.Log = slog.New(slog.DiscardHandler)
	return n.Serve(ctx, c)
}

func threeOfTen() bool { return rand.IntN(10) < 3 }

// inner is the policy of relays: more attempts than by default, since servers are killed.
var inner = &eddy.Policy{Attempts: 6, Timeout: longtest.Or(200*time.Millisecond, 120*time.Millisecond)}

func relayNode() *eddy.Node {
	n := echo()
	n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, _ := req.Body.Get("target").Text()
		reply, attempts, err := n.RPCWithRetry(ctx, to, req.Body.Get("payload"), inner)
		if err != nil {
			return nil, err
		}
		return eddy.Raw(fmt.Sprintf(`{"attempts":%d,"result":%s}`, attempts, reply.Body)), nil
	})
	return n
}

// startNode starts a node in a process of its own. kill kills it and returns when it is
// dead.
func startNode(name, servers string) (kill func(), err error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "NATSNET_NODE="+name, "NATSNET_SERVERS="+servers)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	kill = func() { cmd.Process.Kill(); cmd.Wait() }
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		kill()
		return nil, fmt.Errorf("%s did not start: %w", name, err)
	}
	return kill, nil
}
