package checker

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/txn"
)

// A second reply to a transaction does not append once more, but what it read counts.
func TestTransactionsWithSecondReplies(t *testing.T) {
	op := func(client string, from time.Duration, again bool, asked, got string) history.Op {
		return history.Op{
			F: "txn", Client: client, Node: "n1", Process: int(client[1] - '0'), From: from, To: from + 1, Again: again,
			Outcome: history.OK, Value: jsontext.Value(asked), Result: jsontext.Value(got),
		}
	}
	good := []history.Op{
		op("c1", 1, false, `[["append",1,1]]`, `[["append",1,1]]`),
		op("c1", 1, true, `[["append",1,1]]`, `[["append",1,1]]`),
		op("c1", 2, false, `[["r",2,null]]`, `[["r",2,[]]]`),
		op("c1", 3, false, `[["append",2,1]]`, `[["append",2,1]]`),
		op("c1", 2, true, `[["r",2,null]]`, `[["r",2,[]]]`), // the same reply again, sent after the append
		op("c2", 5, false, `[["r",1,null]]`, `[["r",1,[1]]]`),
		op("c2", 5, true, `[["r",1,null]]`, `[["r",1,[1]]]`),
	}
	models := []txn.Model{"strict-serializable"}
	if problems, _ := Transactions(history.Of(good...), models, txn.Lists); len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
	bad := append(good, op("c2", 5, true, `[["r",1,null]]`, `[["r",1,[7]]]`))
	if problems, _ := Transactions(history.Of(bad...), models, txn.Lists); len(problems) == 0 || problems[0].Unknown {
		t.Errorf("a value that nobody wrote: %+v", problems)
	}
}

// A cycle is a sentence, its transactions with what they did, and a sentence for each edge.
func TestTransactionsExplainACycle(t *testing.T) {
	op := func(client, node string, id int64, from, to time.Duration, asked, got string) history.Op {
		return history.Op{
			F: "txn", Client: client, Node: node, MsgID: id, Process: int(client[1] - '0'), From: from * time.Millisecond, To: to * time.Millisecond,
			Outcome: history.OK, Value: jsontext.Value(asked), Result: jsontext.Value(got),
		}
	}
	h := history.Of(
		op("c1", "n1", 3, 0, 10, `[["append",7,3]]`, `[["append",7,3]]`),
		op("c4", "n2", 5, 50, 60, `[["r",7,null],["append",8,1]]`, `[["r",7,[]],["append",8,1]]`),
		op("c1", "n1", 6, 70, 80, `[["r",7,null],["r",8,null]]`, `[["r",7,[3]],["r",8,[1]]]`),
	)
	problems, _ := Transactions(h, []txn.Model{"strict-serializable", "serializable"}, txn.Lists)
	if len(problems) != 1 {
		t.Fatalf("%+v", problems)
	}
	want := `not strict-serializable: T2 (c4 at n2) came before T1, and T1 before T2
T2: read nothing of key 7, append 1 to key 8, by c4 at n2 (msg_id 5), 0.050s to 0.060s
T1: append 3 to key 7, by c1 at n1 (msg_id 3), 0.000s to 0.010s
T2 → T1 (rw): T2 (c4 at n2) read nothing of key 7, which lacks the 3 that T1 appended, so it came before T1
T1 → T2 (realtime): T1 (c1 at n1) had been acknowledged 40ms before T2 began`
	if problems[0].Text != want {
		t.Errorf("got\n%s\nwant\n%s", problems[0].Text, want)
	}
	c := problems[0].Cycle
	if c == nil || len(c.Transactions) != 2 || len(c.Edges) != 2 {
		t.Fatalf("%+v", c)
	}
	if step := c.Transactions[0].Steps[0]; step != (TxnStep{7, "read nothing of key 7"}) {
		t.Errorf("%+v", step)
	}
	if e := c.Edges[0]; e.From != 0 || e.To != 1 || e.Kind != "rw" || e.Key != 7 {
		t.Errorf("%+v", e)
	}
}

// An anomaly that is no cycle has the transactions and no edges.
func TestTransactionsExplainALostWrite(t *testing.T) {
	h := history.Of(
		history.Op{F: "txn", Client: "c1", Node: "n1", MsgID: 3, From: 0, To: 10, Outcome: history.OK,
			Value: jsontext.Value(`[["append",7,3]]`), Result: jsontext.Value(`[["append",7,3]]`)},
		history.Op{F: "txn", Client: "c2", Node: "n1", MsgID: 4, Process: 1, From: 20, To: 30, Outcome: history.OK, Final: true,
			Value: jsontext.Value(`[["r",7,null]]`), Result: jsontext.Value(`[["r",7,null]]`)},
	)
	problems, _ := Transactions(h, []txn.Model{"read-committed"}, txn.Lists)
	if len(problems) != 1 || problems[0].Cycle == nil || len(problems[0].Cycle.Edges) != 0 || len(problems[0].Cycle.Transactions) != 1 {
		t.Fatalf("%+v", problems)
	}
	want := "not read-committed: T1 (c1 at n1) appended 3 to key 7, which was acknowledged, but no later read shows it\n" +
		"T1: append 3 to key 7, by c1 at n1 (msg_id 3), 0.000s to 0.000s"
	if problems[0].Text != want {
		t.Errorf("got\n%s\nwant\n%s", problems[0].Text, want)
	}
}
