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
