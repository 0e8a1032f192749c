package natsnet_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/natsnet"
)

// A node of a cluster on many machines. If no server can be reached, it waits.
func ExampleDial() {
	var n eddy.Node
	n.Handle("greet", func(context.Context, *eddy.Request) (any, error) {
		return map[string]any{"greeting": "hello from " + n.ID()}, nil
	})
	var net *natsnet.Conn
	net, err := natsnet.Dial(natsnet.Config{
		Servers: "nats://nats1:4222,nats://nats2:4222",
		Node:    "n2",
		Nodes:   []string{"n1", "n2", "n3"},
		Security: natsnet.Security{
			NKey: "/etc/eddy/n2.nk",
			CA:   "/etc/eddy/ca.pem",
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := n.Serve(context.Background(), net); err != nil {
		log.Fatal(err)
	}
	var counts natsnet.Counts = net.Counts()
	fmt.Fprintln(os.Stderr, "messages that arrived faster than they were read:", counts.Lost)
}

// Another use of the cluster's servers, such as its key-value store.
func ExampleConnect() {
	cfg := natsnet.Config{Node: "admin"}
	conn, err := natsnet.Connect(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if err := conn.FlushTimeout(time.Second); err != nil {
		log.Fatal(err)
	}
	fmt.Println("reached", conn.ConnectedServerName(), "for", cfg.ClusterName())
}

// The subject of a message names its cluster, its receiver and its sender.
func ExampleSubject() {
	fmt.Println(natsnet.Subject("eddy", "n2", "n1"))
	fmt.Println(natsnet.Subject("test", natsnet.Token("node 7"), "n1"))
	// Output:
	// eddy.eddy.n2.n1
	// eddy.test.node=3d207.n1
}

// What a server's configuration must allow a node to do, and nothing more.
func ExamplePermissionsOf() {
	var p natsnet.Permissions = natsnet.PermissionsOf("eddy", "n1")
	fmt.Println("publish", p.Publish)
	fmt.Println("subscribe", p.Subscribe)
	// Output:
	// publish [eddy.eddy.*.n1 $JS.API.INFO $JS.API.STREAM.INFO.KV_eddy-eddy-leases $JS.API.STREAM.CREATE.KV_eddy-eddy-leases $JS.API.DIRECT.GET.KV_eddy-eddy-leases.$KV.eddy-eddy-leases.n1 $KV.eddy-eddy-leases.n1]
	// subscribe [eddy.eddy.n1.* _INBOX.eddy.eddy.n1.> _INBOX.eddy-leases.eddy.n1.>]
}

// The names of what JetStream keeps for a cluster.
func ExampleBucketOf() {
	fmt.Println(natsnet.BucketOf("eddy", "lin-kv"))
	fmt.Println(natsnet.BucketOf("my cluster_2", "lin-kv"))
	fmt.Println(natsnet.LeaseBucket("eddy"))
	fmt.Println(natsnet.LeaseInbox("eddy", "n1"))
	// Output:
	// eddy-eddy-lin-kv
	// eddy-my_20cluster_5f2-lin-kv
	// eddy-eddy-leases
	// _INBOX.eddy-leases.eddy.n1
}
