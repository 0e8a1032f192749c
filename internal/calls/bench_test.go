package calls

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// BenchmarkTable measures one operation on a table with n other open calls, whose timeouts
// are spread over a second.
func BenchmarkTable(b *testing.B) {
	for _, n := range []int{10, 1000, 1_000_000} {
		b.Run(fmt.Sprintf("settle/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			table, ids := filled(n)
			now := time.Duration(0)
			for b.Loop() {
				// The oldest call gets its reply, and a new call begins.
				c, _ := table.Reply(Reply{ID: ids.first, Src: "n2", At: now})
				reopen(table, c, ids, now)
				now += time.Second / time.Duration(n)
			}
		})
		b.Run(fmt.Sprintf("expire/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			table, ids := filled(n)
			now := time.Second
			for b.Loop() {
				// The oldest call gives up, and a new call begins.
				c, _ := table.Due(now, true)
				for ; c == nil; c, _ = table.Due(now, true) {
					now += ms
				}
				reopen(table, c, ids, now)
			}
		})
	}
	b.Run("expire/1000000-mixed", func(b *testing.B) {
		// The calls time out in another order than they were allocated in.
		random := rand.New(rand.NewPCG(1, 2))
		policies := make([]*retry.Policy, 1000)
		for i := range policies {
			policies[i] = &retry.Policy{Attempts: 1, Timeout: time.Second + time.Duration(i)*ms}
		}
		all := make([]*Call[int], 1_000_000)
		for i := range all {
			all[i] = newCall(new(Table[int]), "n2", nil)
		}
		table, id, now := new(Table[int]), int64(0), time.Duration(0)
		for b.Loop() {
			if table.Open() == 0 {
				b.StopTimer()
				for _, c := range all {
					*c = Call[int]{Peer: c.Peer, Policy: policies[random.IntN(len(policies))]}
					table.Sent(c, id)
					write(table, now)
					id++
				}
				now += time.Second
				b.StartTimer()
			}
			c, _ := table.Due(now, true)
			for ; c == nil; c, _ = table.Due(now, true) {
				now += ms
			}
		}
	})
	b.Run("expire/1000000-one-second", func(b *testing.B) {
		// As in bench, timeouts-1m: the calls begin within two seconds, and all time out in
		// one later second, in no order.
		const n = 1_000_000
		all, policies := make([]Call[int], n), make([]*retry.Policy, 20_000)
		for i := range policies {
			policies[i] = &retry.Policy{Attempts: 1, Timeout: time.Duration(i+1) * ms}
		}
		table, id, now := new(Table[int]), int64(0), time.Duration(0)
		for b.Loop() {
			if table.Open() == 0 {
				b.StopTimer()
				for i := range all {
					written := now + time.Duration(i)*2*time.Second/n
					timeout := now + 15*time.Second + time.Duration(i*7919%1000)*ms - written
					all[i] = Call[int]{Peer: table.Peer("n2"), Policy: policies[timeout/ms]}
					table.Sent(&all[i], id)
					write(table, written)
					id++
				}
				now += 15 * time.Second
				b.StartTimer()
			}
			c, _ := table.Due(now, true)
			for ; c == nil; c, _ = table.Due(now, true) {
				now += ms
			}
		}
	})
	b.Run("bytes", func(b *testing.B) {
		for b.Loop() { // Loop resets the metrics that were reported before it
		}
		b.ReportMetric(float64(reflect.TypeFor[Call[struct{ a, b uintptr }]]().Size()), "B/call")
	})
}

var onceASecond = &retry.Policy{Attempts: 1, Timeout: time.Second}

// counted are the ids of the open calls, which are consecutive.
type counted struct{ first, next int64 }

func filled(n int) (*Table[int], *counted) {
	table, ids := new(Table[int]), new(counted)
	for i := range n {
		table.Sent(newCall(table, "n2", onceASecond), ids.next)
		write(table, time.Duration(i)*time.Second/time.Duration(n))
		ids.next++
	}
	return table, ids
}

func reopen(table *Table[int], c *Call[int], ids *counted, now time.Duration) {
	*c = Call[int]{Peer: c.Peer, Policy: c.Policy}
	table.Sent(c, ids.next)
	write(table, now)
	ids.first++
	ids.next++
}
