// Package healthy has node programs that are correct and unusual: what they do, the
// protocol allows. eddy test must never blame one of them.
package healthy

import (
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A Node is a healthy node program.
type Node struct {
	Workload    string
	Run         func(p *program.Process)
	OnlyProcess bool   // it uses more of its process than package program has
	Script      string // the file with the program, in this directory; "" if Run is the program
	// Bears are the names of the faults that the design of the node bears; nil means all.
	Bears []string
	Flags []string // of eddy test, after all others
}

// What nodes bear that do not bear everything.
var (
	noLoss  = []string{"clients", "pause"}            // they send messages to other nodes once
	retried = []string{"clients", "pause", "network"} // they need another node for each reply
)

// Nodes are the node programs by name.
var Nodes = nodes()

func nodes() map[string]Node {
	all := map[string]Node{}
	for workload, names := range map[string][]string{
		"echo":       {"ids-downwards", "ids-from-2^53", "escapes", "no-id-in-replies", "out-of-order", "leading-blanks"},
		"unique-ids": {"ids-scrambled", "keys-reversed", "in-pieces", "carriage-returns"},
		"broadcast":  {"ids-downwards", "numbers", "blanks", "escapes", "more-fields", "out-of-order", "in-pieces"},
		"lin-kv":     {"ids-downwards", "ids-from-2^53", "numbers", "blanks", "escapes", "no-id-in-replies", "keys-reversed"},
		"relay":      {"blanks", "numbers", "keys-reversed", "more-fields", "no-id-in-replies", "carriage-returns"},
	} {
		for _, name := range names {
			all[workload+"-"+name] = Node{Workload: workload, Run: func(p *program.Process) { serve(p, base(p, workload), styles[name]()) }}
		}
	}
	for _, workload := range []string{"echo", "broadcast", "relay"} {
		all[workload+"-slow-init"] = on(workload, slowInit)
		all[workload+"-loud"] = on(workload, loud)
		all[workload+"-late-end"] = on(workload, late)
		all[workload+"-child"] = Node{Workload: workload, OnlyProcess: true, Run: func(p *program.Process) { parent(func() { serve(p, base(p, workload), style{}) }) }}
	}
	all["echo-long-lines"] = on("echo", longLines)
	all["lin-kv-long-lines"] = on("lin-kv", longLines)

	all["echo-queue"] = Node{Workload: "echo", Run: echoQueue}
	all["echo-proxy"] = Node{Workload: "echo", Run: func(p *program.Process) { echoProxy(p, bare(p)) }, Bears: retried}
	all["echo-forwarded"] = Node{Workload: "echo", Run: echoForwarded, Bears: []string{"pause"}} // it sends messages as a client
	all["echo-last-first"] = Node{Workload: "echo", Run: echoLast}
	all["echo-one-by-one"] = Node{Workload: "echo", Run: echoOneByOne}
	all["echo-refuses"] = Node{Workload: "echo", Run: echoRefuses}
	all["echo-one-id"] = Node{Workload: "echo", Run: echoOneID}
	all["echo-null-ids"] = Node{Workload: "echo", Run: echoNullIDs}

	all["relay-ids-downwards"] = Node{Workload: "relay", Run: func(p *program.Process) { rawRelay(p, downwards) }}
	all["relay-ids-scrambled"] = Node{Workload: "relay", Run: func(p *program.Process) { rawRelay(p, scrambled) }}

	all["unique-ids-kinds"] = Node{Workload: "unique-ids", Run: func(p *program.Process) { uniqueKinds(p, bare(p)) }}
	all["unique-ids-numbers"] = Node{Workload: "unique-ids", Run: func(p *program.Process) { uniqueNumbers(p, bare(p)) }}
	all["unique-ids-leases"] = Node{Workload: "unique-ids", Run: func(p *program.Process) { uniqueLeases(p, bare(p)) }}

	all["lin-kv-refuses"] = Node{Workload: "lin-kv", Run: func(p *program.Process) { linKVRefuses(p, bare(p)) }}
	all["lin-kv-leader"] = Node{Workload: "lin-kv", Run: func(p *program.Process) { linKVLeader(p, bare(p)) }}

	all["broadcast-null-list"] = gossip(`"type":"gossip","values":VALUES`, func(v []int64) string {
		if len(v) == 0 {
			return "null"
		}
		return list(v)
	})
	all["broadcast-no-type"] = gossip(`"values":VALUES`, list)
	all["broadcast-one-id"] = gossip(`"type":"gossip","values":VALUES,"msg_id":7`, list)
	all["broadcast-reply-to-0"] = gossip(`"type":"gossip_ok","values":VALUES,"in_reply_to":0`, list)
	all["broadcast-null-id"] = gossip(`"type":"gossip","values":VALUES,"in_reply_to":null,"msg_id":null`, list)
	all["broadcast-ids-beyond-2^63"] = gossip(`"type":"gossip","values":VALUES,"msg_id":9223372036854775808`, list)
	all["broadcast-pulls"] = Node{Workload: "broadcast", Run: broadcastPulls}
	all["echo-python"] = Node{Workload: "echo", Script: "echo.py"}
	all["broadcast-python"] = Node{Workload: "broadcast", Script: "broadcast.py"}
	all["broadcast-forwards-ids"] = Node{Workload: "broadcast", Run: broadcastForwardsIDs, Bears: noLoss}
	return all
}

// on returns a node that changes or adds something to the node of a workload.
func on(workload string, run func(*program.Process, *eddy.Node)) Node {
	return Node{Workload: workload, Run: func(p *program.Process) { run(p, base(p, workload)) }}
}

// gossip returns a broadcast node that sends messages with these members to other nodes.
func gossip(members string, read func([]int64) string) Node {
	return Node{Workload: "broadcast", Run: func(p *program.Process) {
		rawBroadcast(p, 50*time.Millisecond, toPeers(members), takeValues, read)
	}}
}
