package testnode

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A broadcastNode keeps its values in a file and sends each value to all other nodes
// until they have acknowledged it, with one bug or none.
type broadcastNode struct {
	Peer
	bug      string
	values   []int64
	known    map[int64]bool
	pending  map[string]map[int64]int // by node and value, how often it was sent
	unsaved  []int64
	repeated int64 // a value that read returns twice
}

func broadcastBug(name, does, flags, better string) Bug {
	return Bug{Workload: "broadcast", Name: name, Does: does, Flags: flags, Better: better, Run: func(p *program.Process) {
		b := &broadcastNode{Peer: Peer{p: p}, bug: name, known: map[int64]bool{}, pending: map[string]map[int64]int{}, repeated: -1}
		b.serve(b.begin, b.handle)
	}}
}

var broadcastBugs = []Bug{
	broadcastBug("drops", "acknowledges a value and does not store it, 1 of 500", "", ""),
	broadcastBug("unsent", "does not send a value to other nodes, 1 of 500", "", ""),
	broadcastBug("unsent-to-one", "does not send a value to one of the other nodes, 1 of 500", "", ""),
	broadcastBug("high-water", "takes a value for known that is lower than the highest", "", ""),
	broadcastBug("range", "returns all integers between the lowest and the highest", "", ""),
	broadcastBug("twice", "returns a value twice, 1 of 500", "", ""),
	broadcastBug("adds-again", "adds a value that a client broadcasts again", "", ""),
	broadcastBug("invents", "returns a value that no client has broadcast, 1 of 100 reads", "", ""),
	broadcastBug("16-bit", "stores 16 bits of a value", "", ""),
	broadcastBug("float32", "stores values as float32", "", ""),
	broadcastBug("collides", "takes two values with the same remainder of 4,096 for one", "", ""),
	broadcastBug("window", "keeps the latest 1,000 values", "", ""),
	broadcastBug("stops", "sends no value to other nodes after the first 300", "", ""),
	broadcastBug("no-retry", "sends each value once", "--loss 0.05", ""),
	broadcastBug("three-tries", "sends each value three times at most", "--nemesis partition", ""),
	broadcastBug("memory", "keeps its values in memory only", "--nemesis kill", ""),
	broadcastBug("buffered", "writes its values to the disk every 500 ms", "--nemesis kill", ""),
	broadcastBug("no-reply", "does not reply, 1 of 500", "", ""),
}

func (b *broadcastNode) begin() {
	for _, node := range b.others() {
		b.pending[node] = map[int64]int{}
	}
	if b.bug != "memory" {
		text, _ := os.ReadFile(b.p.Path("values"))
		for _, word := range strings.Fields(string(text)) {
			v, _ := strconv.ParseInt(word, 10, 64)
			b.add(v, "")
		}
		b.unsaved = nil
	}
	b.send()
}

// send sends what other nodes have not acknowledged.
func (b *broadcastNode) send() {
	for node, values := range b.pending {
		var some []int64
		for v, sent := range values {
			if b.bug == "no-retry" && sent > 0 || b.bug == "three-tries" && sent > 2 {
				continue
			}
			some = append(some, v)
			values[v]++
		}
		if len(some) > 0 {
			b.call(node, "gossip", `"values":`+list(some), func(body) {
				for _, v := range some {
					delete(values, v)
				}
			})
		}
	}
	if b.bug != "buffered" || time.Now().UnixMilli()/20%25 == 0 {
		b.save()
	}
	b.after(20*time.Millisecond, b.send)
}

func (b *broadcastNode) save() {
	if len(b.unsaved) == 0 || b.bug == "memory" {
		return
	}
	f, err := os.OpenFile(b.p.Path("values"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	f.WriteString(strings.Trim(strings.ReplaceAll(list(b.unsaved), ",", "\n"), "[]") + "\n")
	b.unsaved = nil
}

func list(values []int64) string {
	text, _ := json.Marshal(values)
	return string(text)
}

// add adds a value that a node, or a client, has sent.
func (b *broadcastNode) add(v int64, from string) {
	switch {
	case b.bug == "16-bit":
		v &= 1<<16 - 1
	case b.bug == "float32":
		v = int64(float32(v))
	case b.bug == "high-water" && len(b.values) > 0 && v < b.values[len(b.values)-1]:
		return
	case b.bug == "drops" && from == "client" && b.p.OneIn(500):
		return
	}
	key := v
	if b.bug == "collides" {
		key %= 4096
	}
	if b.known[key] && (b.bug != "adds-again" || from != "client") {
		return
	}
	b.known[key] = true
	b.values = append(b.values, v)
	b.unsaved = append(b.unsaved, v)
	if b.bug == "window" && len(b.values) > 1000 {
		b.values = b.values[1:]
	}
	if b.bug == "twice" && b.p.OneIn(500) {
		b.repeated = v
	}
	if from == "node" || b.bug == "unsent" && b.p.OneIn(500) || b.bug == "stops" && len(b.values) > 300 {
		return
	}
	omitted := ""
	if b.bug == "unsent-to-one" && b.p.OneIn(500) {
		omitted = b.others()[b.p.Random.IntN(len(b.nodes)-1)]
	}
	for node, values := range b.pending {
		if node != omitted {
			values[v] = 0
		}
	}
}

func (b *broadcastNode) handle(r *request) {
	switch r.typ {
	case "topology":
		b.reply(r, "topology_ok", "")
	case "broadcast":
		if b.bug == "no-reply" && b.p.OneIn(500) {
			return
		}
		b.add(r.body.number("message"), "client")
		if b.bug != "buffered" {
			b.save()
		}
		b.reply(r, "broadcast_ok", "")
	case "gossip":
		var values []int64
		json.Unmarshal(r.body["values"], &values)
		for _, v := range values {
			b.add(v, "node")
		}
		if b.bug != "buffered" {
			b.save()
		}
		b.reply(r, "gossip_ok", "")
	case "read":
		b.reply(r, "read_ok", `"messages":`+list(b.result()))
	}
}

func (b *broadcastNode) result() []int64 {
	values := b.values
	switch {
	case b.bug == "range" && len(values) > 0:
		lowest, highest := values[0], values[0]
		for _, v := range values {
			lowest, highest = min(lowest, v), max(highest, v)
		}
		values = nil
		for v := lowest; v <= min(highest, lowest+5000); v++ {
			values = append(values, v)
		}
	case b.bug == "twice" && b.repeated >= 0:
		values = append(values[:len(values):len(values)], b.repeated)
	case b.bug == "invents" && b.p.OneIn(100):
		values = append(values[:len(values):len(values)], b.p.Random.Int64N(1<<20)+1<<22)
	}
	if values == nil {
		values = []int64{}
	}
	return values
}
