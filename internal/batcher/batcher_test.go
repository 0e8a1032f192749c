package batcher

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Items are flushed when there are enough, when the first is old enough, and at the end.
func TestBatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var open atomic.Int64
		got := ""
		b := New(3, 100*time.Millisecond, func() { open.Add(1) }, func(batch []int) {
			got += fmt.Sprint(time.Since(start), batch, " ")
			time.Sleep(10 * time.Millisecond)
			open.Add(-1)
		})
		b.Add(1)
		time.Sleep(time.Second)
		if got != "" || open.Load() != 0 {
			t.Errorf("%q was flushed before Open, and %d batches have begun", got, open.Load())
		}
		ctx, end := context.WithCancel(t.Context())
		b.Open(ctx)
		time.Sleep(time.Second)
		b.Add(2, 3, 4, 5)
		b.Add(6)
		time.Sleep(time.Second)
		b.Add(7)
		b.Flush()
		synctest.Wait()
		b.Add(8)
		end()
		time.Sleep(time.Second)
		b.Add(9)
		time.Sleep(time.Second)
		synctest.Wait()
		want := "1.1s [1] 2s [2 3 4 5 6] 3s [7] 3.01s [8] 4s [9] "
		if got != want || open.Load() != 0 {
			t.Errorf("got %s, want %s; %d batches are open", got, want, open.Load())
		}
	})
}
