package checker

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/history"
)

// Problems name the requests of their operations, the wrong one first.
func TestRequests(t *testing.T) {
	op := func(client string, id int64, f, value, result string, from, to time.Duration) history.Op {
		return history.Op{Client: client, Node: "n1", MsgID: id, Outcome: history.OK, F: f, Key: 1, Value: jsontext.Value(value), Result: jsontext.Value(result), From: from, To: to}
	}
	stale := history.Of(
		op("c1", 1, "write", "1", "", 1, 2),
		op("c2", 1, "write", "2", "", 3, 4),
		op("c3", 1, "read", "", "1", 5, 6), // each client numbers its own requests
		op("c4", 1, "write", "3", "", 7, 8),
	)
	problems := Linear(stale, time.Second)
	if len(problems) != 1 {
		t.Fatalf("%d problems", len(problems))
	}
	if diff := cmp.Diff([]Request{{"c3", "n1", 1}, {"c2", "n1", 1}, {"c1", "n1", 1}}, problems[0].Requests); diff != "" {
		t.Error(diff)
	}
	problems, _ = Echo(history.Of(op("c1", 5, "echo", `"a"`, `"b"`, 1, 2)))
	if diff := cmp.Diff([]Request{{"c1", "n1", 5}}, problems[0].Requests); diff != "" {
		t.Error(diff)
	}
	problems, _ = UniqueIDs(history.Of(op("c1", 5, "generate", "", "7", 1, 2), op("c2", 5, "generate", "", "7", 3, 4)))
	if diff := cmp.Diff([]Request{{"c2", "n1", 5}, {"c1", "n1", 5}}, problems[0].Requests); diff != "" {
		t.Error(diff)
	}
}
