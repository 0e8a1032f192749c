package checker

import (
	"fmt"
	"strings"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/txn"
)

// A Cycle is the transactions that show an anomaly. If the anomaly is a cycle, its edges
// say why each transaction came before the next one, and the last before the first.
type Cycle struct {
	Transactions []Transaction `json:"transactions"`
	Edges        []CycleEdge   `json:"edges"` // empty if it is no cycle
}

// A Transaction is a transaction of a Cycle.
type Transaction struct {
	Name      string    `json:"name"` // T1, T2, ...
	Operation Operation `json:"operation"`
	Steps     []TxnStep `json:"steps"`
}

// A TxnStep is one operation of a transaction.
type TxnStep struct {
	Key  int64  `json:"key"`
	Text string `json:"text"` // such as "append 3 to key 7"
}

// A CycleEdge says that one transaction came before another.
type CycleEdge struct {
	From int    `json:"from"`          // a place in Transactions
	To   int    `json:"to"`            // another place
	Kind string `json:"kind"`          // ww, wr, rw, process or realtime
	Key  int64  `json:"key,omitempty"` // the key of ww, wr and rw
	Text string `json:"text"`          // why, in a sentence
}

// cycleOf returns the transactions of a finding. ops and txns are all transactions.
func cycleOf(f *txn.Finding, ops []*history.Op, txns []txn.Txn) *Cycle {
	c := &Cycle{Transactions: []Transaction{}, Edges: []CycleEdge{}}
	for _, at := range f.Txns {
		t := Transaction{Name: shortName(&txns[at]), Steps: []TxnStep{}}
		var texts []string
		for _, op := range txns[at].Ops {
			text := stepText(op, txns[at].Outcome)
			texts = append(texts, text)
			t.Steps = append(t.Steps, TxnStep{op.Key, text})
		}
		t.Operation = operationOf(ops[at], strings.Join(texts, ", "))
		c.Transactions = append(c.Transactions, t)
	}
	for _, e := range f.Edges {
		c.Edges = append(c.Edges, CycleEdge{e.From, e.To, e.Kind, e.Key, e.Text})
	}
	return c
}

// shortName returns the name of a transaction without its client and its node.
func shortName(t *txn.Txn) string {
	name, _, _ := strings.Cut(t.Name, " (")
	return name
}

// maxShown is how many elements of a list a text shows.
const maxShown = 16

// stepText says what an operation of a transaction did.
func stepText(op txn.Op, outcome txn.Outcome) string {
	switch {
	case op.Kind == txn.Append:
		return fmt.Sprintf("append %d to key %d", op.Value, op.Key)
	case op.Kind == txn.Write:
		return fmt.Sprintf("write %d to key %d", op.Value, op.Key)
	case outcome != txn.OK:
		return fmt.Sprintf("read key %d", op.Key)
	case len(op.Read) == 0:
		return fmt.Sprintf("read nothing of key %d", op.Key)
	case len(op.Read) > maxShown:
		last := strings.TrimPrefix(fmt.Sprint(op.Read[len(op.Read)-maxShown:]), "[")
		return fmt.Sprintf("read [... %s of key %d", last, op.Key)
	}
	return fmt.Sprintf("read %v of key %d", op.Read, op.Key)
}

// text says what the cycle is: a sentence, the transactions, and why each came before the
// next one. said is the sentence of an anomaly that is no cycle.
func (c *Cycle) text(models []txn.Model, said string) string {
	sentence := said
	if len(c.Edges) > 0 {
		sentence = c.sentence()
	}
	lines := []string{fmt.Sprintf("not %s: %s", join(models), sentence)}
	for i := range c.Transactions {
		t := &c.Transactions[i]
		lines = append(lines, fmt.Sprintf("%s: %s", t.Name, t.Operation.String()))
	}
	for _, e := range c.Edges {
		lines = append(lines, fmt.Sprintf("%s → %s (%s): %s", c.Transactions[e.From].Name, c.Transactions[e.To].Name, e.Kind, e.Text))
	}
	return strings.Join(lines, "\n")
}

// sentence says in which order the transactions must have been.
func (c *Cycle) sentence() string {
	var parts []string
	for i, e := range c.Edges {
		from, to := &c.Transactions[e.From], c.Transactions[e.To].Name
		if i == 0 {
			parts = append(parts, fmt.Sprintf("%s (%s at %s) came before %s", from.Name, from.Operation.Client, from.Operation.Node, to))
		} else {
			parts = append(parts, fmt.Sprintf("%s before %s", from.Name, to))
		}
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + ", and " + parts[last]
}

// Operations returns pointers to all operations of the explanation.
func (c *Cycle) Operations() (all []*Operation) {
	for i := range c.Transactions {
		all = append(all, &c.Transactions[i].Operation)
	}
	return all
}
