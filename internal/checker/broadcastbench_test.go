package checker

import (
	"fmt"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// 4,000 broadcasts and 4,000 reads of one node.
func BenchmarkBroadcast(b *testing.B) {
	var ops []history.Op
	var known []int64
	for i := range 4000 {
		now := time.Duration(i) * time.Millisecond
		ops = append(ops, history.Op{F: "broadcast", Node: "n1", Outcome: history.OK, Value: fmt.Append(nil, i), From: now, To: now + 1})
		known = append(known, int64(i))
		ops = append(ops, history.Op{F: "read", Node: "n1", Outcome: history.OK, Result: listed(known), From: now + 2, To: now + 3, Final: i == 3999})
	}
	h := history.Of(ops...)
	for b.Loop() {
		if problems, _ := Broadcast(h, []string{"n1"}); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
