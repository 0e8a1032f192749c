package workers

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Every value is served at once, also if many others block. Goroutines are used again, and end
// with the context.
func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var running, most atomic.Int64
		p := New(ctx, func(d time.Duration) {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(d)
			running.Add(-1)
		})
		for range 3 {
			for range 2 * maxIdle {
				p.Do(time.Second)
			}
			synctest.Wait()
			if n := running.Load(); n != 2*maxIdle {
				t.Errorf("%d run", n)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if n := p.idle.Load(); n != maxIdle {
				t.Errorf("%d goroutines wait", n)
			}
		}
	})
}

// The function may end its goroutine.
func TestGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int64
		p := New(t.Context(), func(i int) {
			ran.Add(1)
			if i%2 == 0 {
				runtime.Goexit()
			}
		})
		for i := range 100 {
			p.Do(i)
		}
		synctest.Wait()
		if ran.Load() != 100 {
			t.Errorf("%d ran", ran.Load())
		}
	})
}
