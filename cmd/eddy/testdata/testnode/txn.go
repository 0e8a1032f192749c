package testnode

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// TxnNodes are nodes that serve transactions on lists or registers, each alone on what it
// stores. Those with a bug have it in a few transactions only.
var TxnNodes = map[string]func(p *program.Process, registers bool){
	"plain": func(p *program.Process, registers bool) { newTxnNode(p, registers).serve() },
	"slow": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.delay = 5 * time.Millisecond }).serve()
	},
	"refuses": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.refuse = 5 }).serve()
	},
	"silent": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.noReply = 20 }).serve()
	},
	"empty": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.none = "[]" }).serve()
	},

	"loses": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.store = n.loses }).serve()
	},
	"stale": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.load = n.stale }).serve()
	},
	"blind": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.load = n.blind }).serve()
	},
	"invents": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.load = n.invents }).serve()
	},
	"refuses-done": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.refuse, n.refuseDone = 20, true }).serve()
	},
	"halves": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.pause = 3 * time.Millisecond }).serve()
	},
	"skewed": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.commitLate = 5 * time.Millisecond }).serve()
	},
	"short": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.reply = n.short }).serve()
	},
	"changes": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.reply = n.changes }).serve()
	},
	"repeats": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.load = n.repeats }).serve()
	},
	"reorders": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.load = n.reorders }).serve()
	},
	"forgets": func(p *program.Process, registers bool) {
		newTxnNode(p, registers).with(func(n *txnNode) { n.store = n.forgets }).serve()
	},
}

// A txnOp is one operation of a transaction.
type txnOp struct {
	kind string
	key  int64
	arg  string
}

type txnNode struct {
	*Node
	out       sync.Mutex
	mu        sync.Mutex
	data      map[int64][]string // all values of a key, for a register too
	old       map[int64][]string
	rare      int    // loses and stale do it once in so many times
	registers bool   // instead of lists
	none      string // how a key without a value is shown

	delay, pause, commitLate time.Duration
	refuse, noReply          int // one in so many
	refuseDone               bool

	load  func(key int64, own []string) []string
	store func(key int64, value string)
	reply func([]string) []string
}

func newTxnNode(p *program.Process, registers bool) *txnNode {
	n := &txnNode{Node: New(p), rare: 20, registers: registers, data: map[int64][]string{}, old: map[int64][]string{}, none: "null"}
	n.load = func(key int64, own []string) []string { return slices.Concat(n.data[key], own) }
	n.store = func(key int64, value string) {
		n.old[key] = n.data[key]
		n.data[key] = append(slices.Clip(n.data[key]), value)
	}
	n.reply = func(ops []string) []string { return ops }
	return n
}

func (n *txnNode) with(change func(*txnNode)) *txnNode {
	change(n)
	return n
}

func (n *txnNode) serve() {
	n.On = func(m Message) bool {
		if m.Body.Type != "txn" {
			return false
		}
		go n.txn(m)
		return true
	}
	n.Serve()
}

func (n *txnNode) answer(m Message, body string) {
	n.out.Lock()
	defer n.out.Unlock()
	n.Reply(m, body)
}

func (n *txnNode) txn(m Message) {
	var body struct {
		Txn [][]jsontext.Value `json:"txn"`
	}
	if err := json.Unmarshal([]byte(m.Raw), &body); err != nil {
		panic(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	refuses := n.chance(n.refuse)
	if refuses && !n.refuseDone {
		n.answer(m, `{"type":"error","code":30,"text":"txn-conflict"}`)
		return
	}
	done := n.run(body.Txn)
	switch {
	case refuses:
		n.answer(m, `{"type":"error","code":30,"text":"txn-conflict"}`)
	case n.chance(n.noReply):
	case n.delay > 0:
		n.P.After(time.Duration(n.P.Random.Int64N(int64(n.delay))), func() { n.answer(m, done) })
	default:
		n.answer(m, done)
	}
}

func (n *txnNode) chance(oneIn int) bool { return oneIn > 0 && n.P.OneIn(oneIn) }

// run executes a transaction and returns the body of its reply.
func (n *txnNode) run(ops [][]jsontext.Value) string {
	var shown []string
	var writes []txnOp
	for _, p := range ops {
		op := txnOp{strings.Trim(string(p[0]), `"`), 0, string(p[2])}
		op.key, _ = strconv.ParseInt(string(p[1]), 10, 64)
		if op.kind != "r" {
			writes = append(writes, op)
			shown = append(shown, fmt.Sprintf(`[%q,%d,%s]`, op.kind, op.key, op.arg))
			if n.pause > 0 { // half of the transaction can be seen
				n.store(op.key, op.arg)
				n.mu.Unlock()
				time.Sleep(n.pause)
				n.mu.Lock()
			}
			continue
		}
		var own []string
		for _, w := range writes {
			if w.key == op.key && n.pause == 0 {
				own = append(own, w.arg)
			}
		}
		shown = append(shown, fmt.Sprintf(`["r",%d,%s]`, op.key, n.show(n.load(op.key, own))))
	}
	if n.commitLate > 0 { // others commit in the meantime
		n.mu.Unlock()
		time.Sleep(n.commitLate)
		n.mu.Lock()
	}
	if n.pause == 0 {
		for _, w := range writes {
			n.store(w.key, w.arg)
		}
	}
	return `{"type":"txn_ok","txn":[` + strings.Join(n.reply(shown), ",") + `]}`
}

// show writes the values of a key as the workload has them: all of a list, the last of a
// register.
func (n *txnNode) show(values []string) string {
	switch {
	case len(values) == 0:
		return n.none
	case n.registers:
		return values[len(values)-1]
	}
	return "[" + strings.Join(values, ",") + "]"
}

func (n *txnNode) loses(key int64, value string) {
	if !n.chance(n.rare) {
		n.data[key] = append(n.data[key], value)
	}
}

func (n *txnNode) stale(key int64, own []string) []string {
	if n.chance(n.rare) {
		return slices.Concat(n.old[key], own)
	}
	return slices.Concat(n.data[key], own)
}

func (n *txnNode) blind(key int64, own []string) []string {
	if n.chance(3) {
		return n.data[key]
	}
	return slices.Concat(n.data[key], own)
}

func (n *txnNode) invents(key int64, own []string) []string {
	if n.chance(20) {
		return slices.Concat(n.data[key], own, []string{"1000"})
	}
	return slices.Concat(n.data[key], own)
}

func (n *txnNode) repeats(key int64, own []string) []string {
	all := slices.Concat(n.data[key], own)
	if len(all) > 0 && n.chance(20) {
		return append(all, all[0])
	}
	return all
}

func (n *txnNode) reorders(key int64, own []string) []string {
	all := slices.Concat(n.data[key], own)
	if len(all) > 1 && n.chance(20) {
		slices.Reverse(all)
	}
	return all
}

func (n *txnNode) forgets(key int64, value string) {
	if len(n.data[key]) == 8 {
		n.data[key] = nil
	}
	n.data[key] = append(n.data[key], value)
}

func (n *txnNode) short(ops []string) []string {
	if n.chance(20) {
		return ops[1:]
	}
	return ops
}

func (n *txnNode) changes(ops []string) []string {
	if n.chance(20) {
		ops[0] = `["r",12345,null]`
	}
	return ops
}
