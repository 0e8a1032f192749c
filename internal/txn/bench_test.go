package txn

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// run returns the history of count transactions of 20 processes on ten active keys, as the
// workload generates them. They take effect one after the other. If stale, each reads the
// state of 50 transactions before.
func run(count int, lists, stale bool) []Txn {
	r := rand.New(rand.NewPCG(1, 2))
	txns := make([]Txn, count)
	states := map[int64][][]int64{} // by key: all that it has been
	active := []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	next := int64(10)
	for i := range txns {
		at := time.Duration(i) * time.Millisecond
		x := Txn{Name: fmt.Sprintf("T%d", i+1), Process: i % 20, From: at - time.Duration(r.IntN(9_000))*time.Microsecond, To: at + time.Duration(r.IntN(9_000))*time.Microsecond}
		for range 1 + r.IntN(4) {
			slot := min(r.IntN(10), r.IntN(10))
			key := active[slot]
			was := states[key]
			var now []int64
			if len(was) > 0 {
				now = was[len(was)-1]
			}
			op := Op{Kind: Read, Key: key, Read: now}
			if stale && len(was) > 3 {
				op.Read = was[len(was)-3]
			}
			if r.IntN(2) == 0 {
				op = Op{Kind: Append, Key: key, Value: int64(len(was) + 1)}
				after := append(slices.Clone(now), op.Value)
				if !lists {
					op.Kind, after = Write, []int64{op.Value}
				}
				states[key] = append(was, after)
				if len(was) == 15 {
					active[slot] = next
					next++
				}
			}
			x.Ops = append(x.Ops, op)
		}
		txns[i] = x
	}
	return txns
}

func Benchmark100k(b *testing.B) {
	for _, lists := range []bool{true, false} {
		for _, stale := range []bool{false, true} {
			b.Run(fmt.Sprintf("lists=%v/stale=%v", lists, stale), func(b *testing.B) {
				txns := run(100_000, lists, stale)
				b.ReportAllocs()
				for b.Loop() {
					var r Result
					if r = Registers(txns, strict); lists {
						r = Lists(txns, strict)
					}
					if stale == (r.Forbidden == 0) {
						b.Fatalf("%d findings, %+v", len(r.Findings), r.Findings)
					}
					b.ReportMetric(float64(r.Edges), "edges")
				}
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.Sys)/(1<<20), "MiB")
			})
		}
	}
}
