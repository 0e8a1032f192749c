// Command nats is, as its flags say, a node of package eddy over NATS that relays and
// is the target of relays, or a client that asks for them.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/bench/internal/load"
	"github.com/eddyrpc/eddy/natsnet"
)

type relayOK struct {
	Type     string   `json:"type"`
	Attempts int      `json:"attempts"`
	Result   eddy.Raw `json:"result"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("nats: ")
	var l load.Load
	servers := flag.String("servers", "", "the servers' URLs")
	name := flag.String("name", "n1", "the name of this node")
	nodes := flag.Int("nodes", 2, "how many nodes there are, n1 and so on")
	flag.IntVar(&l.Calls, "calls", 0, "be a client that makes this many calls")
	flag.IntVar(&l.Open, "open", 64, "how many calls are open at a time")
	flag.Float64Var(&l.Rate, "rate", 0, "calls a second; 0 for as many as possible")
	idleNodes := flag.Int("idle", 0, "be this many nodes in one process, which do nothing")
	flag.Parse()
	if *idleNodes > 0 {
		if err := idle(*servers, *idleNodes); err != nil {
			log.Fatal(err)
		}
		return
	}

	c, err := natsnet.Dial(natsnet.Config{Servers: *servers, Node: *name, Nodes: []string{*name}})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Joined(context.Background()); err != nil {
		log.Fatal(err)
	}
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	ctx, end := context.WithCancel(context.Background())
	if l.Calls > 0 {
		named := make(chan struct{})
		n.OnInit(func(context.Context) error { close(named); return nil })
		go func() {
			defer end()
			<-named
			if err := ask(n, l, *nodes); err != nil {
				log.Fatal(err)
			}
		}()
	} else {
		serve(n)
		fmt.Println("ready")
		go func() { io.Copy(io.Discard, os.Stdin); end() }()
	}
	if err := n.Serve(ctx, c); err != nil {
		log.Fatal(err)
	}
}

func serve(n *eddy.Node) {
	n.HandleInline("read", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("read_ok", eddy.Raw(`{"value":`+string(req.Body.Get("key"))+`}`))
	})
	n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
		target, _ := req.Body.Get("target").Text()
		reply, attempts, err := n.RPCWithRetry(ctx, target, req.Body.Get("payload"), nil)
		if err != nil {
			return nil, err
		}
		return relayOK{Type: "relay_ok", Attempts: attempts, Result: reply.Body}, nil
	})
}

func ask(n *eddy.Node, l load.Load, nodes int) error {
	return load.Run(l, l.Calls/10+nodes, func(i int) (int, error) {
		at := (i%nodes + nodes) % nodes
		body := fmt.Sprintf(`{"type":"relay","target":"n%d","payload":{"type":"read","key":%d}}`, (at+1)%nodes+1, i)
		reply, attempts, err := n.RPCWithRetry(context.Background(), fmt.Sprintf("n%d", at+1), eddy.Raw(body), nil)
		if err != nil {
			return attempts, err
		}
		if got, ok := reply.Body.Get("result").Get("value").Int(); !ok || got != int64(i) {
			log.Fatalf("call %d was answered with %s", i, reply.Body)
		}
		return attempts, nil
	})
}

// idle joins count nodes and waits until standard input ends.
func idle(servers string, count int) error {
	for i := range count {
		c, err := natsnet.Dial(natsnet.Config{Servers: servers, Node: fmt.Sprint("m", i)})
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.Joined(context.Background()); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0) // the server sees the connections end
	return nil
}
