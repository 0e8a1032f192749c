// Nats is a relay that joins its cluster over NATS itself, without eddy join and a child
// process. Its handlers are those of any node; only the transport differs.
//
//	go run ./examples/nats -node n1 -nodes n1,n2
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"strings"
	"syscall"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/natsnet"
)

func main() {
	servers := flag.String("nats", natsnet.DefaultServers, "URLs of the NATS servers")
	name := flag.String("node", "n1", "name of this node")
	names := flag.String("nodes", "n1,n2", "names of all nodes")
	flag.Parse()

	var n eddy.Node
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
		target, _ := req.Body.Get("target").Text()
		reply, attempts, err := n.RPCWithRetry(ctx, target, req.Body.Get("payload"), nil)
		return map[string]any{"attempts": attempts, "result": reply.Body}, err
	})

	net, err := natsnet.Dial(natsnet.Config{Servers: *servers, Node: *name, Nodes: strings.Split(*names, ",")})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := n.Serve(ctx, net); err != nil {
		log.Fatal(err)
	}
}
