package testnode

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A kvNode is a node of a key-value store whose first node has the values and serves all
// operations. The values are in a file. It has one bug or none.
type kvNode struct {
	Peer
	bug    string
	values map[string]string
	past   map[string][]kvVersion // with some bugs
	order  []string               // the keys in the order of their first write
	done   func(typ, fields string)
}

// A kvVersion is a value that a key had until a time.
type kvVersion struct {
	value string
	had   bool
	until time.Time
}

func linKVBug(name, does, flags, better string) Bug {
	return Bug{Workload: "lin-kv", Name: name, Does: does, Flags: flags, Better: better, Run: func(p *program.Process) {
		k := &kvNode{Peer: Peer{p: p}, bug: name, values: map[string]string{}, past: map[string][]kvVersion{}}
		k.serve(k.load, k.handle)
	}}
}

var linKVBugs = []Bug{
	linKVBug("wrong", "reads the previous value, or acknowledges without an effect, 1 of 500 operations", "", ""),
	linKVBug("lost-update", "acknowledges a write or cas without an effect, 1 of 200", "", ""),
	linKVBug("stale-100ms", "reads what a key had 100 ms ago", "", ""),
	linKVBug("stale-5ms", "reads what a key had 5 ms ago", "", "--rate max"),
	linKVBug("one-register", "has one value for all keys", "", ""),
	linKVBug("64-registers", "has one value for all keys with the same remainder of 64", "", ""),
	linKVBug("cas-in-two-steps", "compares, and writes 1 ms later", "", ""),
	linKVBug("done-but-11", "does a write and replies with error 11, 1 of 100", "", ""),
	linKVBug("done-but-22", "does a cas and replies with error 22, 1 of 100", "", ""),
	linKVBug("ignores-from", "does a cas whatever the value is, 1 of 100", "", ""),
	linKVBug("twice", "does a write again 20 ms later, 1 of 200", "", "--time-limit 30"),
	linKVBug("early-ack", "acknowledges a write before it is done", "", "--rate 2000"),
	linKVBug("evicts", "keeps the 50 keys that were written last", "", ""),
	linKVBug("missing-is-0", "reads 0 from a key that does not exist", "", ""),
	linKVBug("cas-creates", "does a cas of a key that does not exist", "", ""),
	linKVBug("swapped", "swaps the replies to two reads, 1 of 500", "", "--time-limit 30"),
	linKVBug("memory", "keeps its values in memory only", "--nemesis kill", ""),
	linKVBug("buffered", "writes its values to the disk every 200 ms", "--nemesis kill", ""),
}

func (k *kvNode) load() {
	if text, err := os.ReadFile(k.p.Path("values")); err == nil && k.bug != "memory" {
		json.Unmarshal(text, &k.values)
	}
	if k.bug == "buffered" {
		k.flush()
	}
}

func (k *kvNode) flush() {
	k.save()
	k.after(200*time.Millisecond, k.flush)
}

func (k *kvNode) save() {
	text, _ := json.Marshal(k.values)
	os.WriteFile(k.p.Path("values.new"), text, 0o644)
	os.Rename(k.p.Path("values.new"), k.p.Path("values"))
}

func (k *kvNode) handle(r *request) {
	reply := func(typ, fields string) { k.reply(r, typ, fields) }
	if first := k.nodes[0]; k.id != first {
		k.call(first, r.typ, r.body.fields(), func(b body) { reply(b.text("type"), b.fields()) })
		return
	}
	if k.bug == "swapped" && r.typ == "read" && (k.kept != nil || k.p.OneIn(500)) {
		if k.kept == nil {
			k.kept, k.done = r, reply
			return
		}
		other, done := k.kept, k.done
		k.kept = nil
		k.serveOp(other, reply)
		k.serveOp(r, done)
		return
	}
	k.serveOp(r, reply)
}

func kvError(code int) string { return fmt.Sprintf(`"code":%d,"text":"failed"`, code) }

// key returns the key of a request, as the store has it.
func (k *kvNode) key(r *request) string {
	switch k.bug {
	case "one-register":
		return "0"
	case "64-registers":
		return fmt.Sprint(r.body.number("key") % 64)
	}
	return string(r.body["key"])
}

func (k *kvNode) serveOp(r *request, reply func(typ, fields string)) {
	key := k.key(r)
	switch r.typ {
	case "read":
		value, had := k.read(key)
		if !had {
			reply("error", kvError(20))
			return
		}
		reply("read_ok", `"value":`+value)
	case "write":
		k.serveWrite(key, string(r.body["value"]), reply)
	case "cas":
		k.serveCAS(key, string(r.body["from"]), string(r.body["to"]), reply)
	}
}

func (k *kvNode) read(key string) (value string, had bool) {
	value, had = k.values[key]
	age := map[string]time.Duration{"stale-100ms": 100 * time.Millisecond, "stale-5ms": 5 * time.Millisecond}[k.bug]
	if age > 0 {
		for _, v := range k.past[key] {
			if time.Since(v.until) < age {
				return v.value, v.had
			}
		}
	}
	if past := k.past[key]; k.bug == "wrong" && len(past) > 0 && k.p.OneIn(500) {
		return past[len(past)-1].value, past[len(past)-1].had
	}
	if k.bug == "missing-is-0" && !had {
		return "0", true
	}
	return value, had
}

// set sets a value.
func (k *kvNode) set(key, value string) {
	old, had := k.values[key]
	if strings.HasPrefix(k.bug, "stale") || k.bug == "wrong" {
		k.past[key] = append(k.past[key], kvVersion{old, had, time.Now()})
	}
	if !had {
		k.order = append(k.order, key)
	}
	k.values[key] = value
	if k.bug == "evicts" && len(k.order) > 50 {
		delete(k.values, k.order[0])
		k.order = k.order[1:]
	}
	if k.bug != "memory" && k.bug != "buffered" {
		k.save()
	}
}

func (k *kvNode) serveWrite(key, value string, reply func(typ, fields string)) {
	switch {
	case k.bug == "early-ack":
		k.after(time.Millisecond, func() { k.set(key, value) })
	case k.bug == "wrong" && k.p.OneIn(500), k.bug == "lost-update" && k.p.OneIn(200):
	case k.bug == "done-but-11" && k.p.OneIn(100):
		k.set(key, value)
		reply("error", kvError(11))
		return
	case k.bug == "twice" && k.p.OneIn(200):
		k.set(key, value)
		k.after(20*time.Millisecond, func() { k.set(key, value) })
	default:
		k.set(key, value)
	}
	reply("write_ok", "")
}

func (k *kvNode) serveCAS(key, from, to string, reply func(typ, fields string)) {
	value, had := k.values[key]
	switch {
	case !had && k.bug != "cas-creates":
		reply("error", kvError(20))
		return
	case k.bug == "ignores-from" && k.p.OneIn(100):
	case had && value != from:
		reply("error", kvError(22))
		return
	}
	switch {
	case k.bug == "cas-in-two-steps":
		k.after(time.Millisecond, func() { k.set(key, to); reply("cas_ok", "") })
		return
	case k.bug == "wrong" && k.p.OneIn(500), k.bug == "lost-update" && k.p.OneIn(200):
	case k.bug == "done-but-22" && k.p.OneIn(100):
		k.set(key, to)
		reply("error", kvError(22))
		return
	default:
		k.set(key, to)
	}
	reply("cas_ok", "")
}
