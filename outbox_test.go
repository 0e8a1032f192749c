package eddy_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
)

// stuckStage returns a node whose output nobody reads and whose buffer is full: one message
// is in Write, and one waits.
func stuckStage(t *testing.T) *stage {
	s := &stage{node: &eddy.Node{Drain: time.Second}}
	s.start(false)
	s.init()
	s.stick()
	return s
}

func (s *stage) stick() {
	s.pipe.set(stuck)
	long := eddy.Raw(`{"type":"note","pad":"` + strings.Repeat("x", 70_000) + `"}`)
	for range 2 {
		go s.node.Send("n2", long)
		synctest.Wait()
	}
}

// A call fails without room in the buffer. A call that goes on sends its next attempt when
// there is room.
func TestTimeoutsWhileTheOutputIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{node: &eddy.Node{Drain: time.Second, Log: slog.New(slog.DiscardHandler)}}
		s.start(false)
		s.init()
		defer s.clear()
		type end struct {
			attempts int
			took     time.Duration
		}
		ends := make(chan end, 2)
		start := time.Now()
		for _, most := range []int{2, 1} {
			go func() {
				_, attempts, err := s.node.RPCWithRetry(context.Background(), "n2", eddy.Raw(`{"type":"read"}`), &eddy.Policy{Attempts: most, Timeout: 300 * time.Millisecond})
				if !errors.Is(err, eddy.Timeout) {
					t.Error(err)
				}
				ends <- end{attempts, time.Since(start)}
			}()
			synctest.Wait()
		}
		s.show(false)
		s.stick()
		time.Sleep(time.Second)
		if got, want := <-ends, (end{1, 300 * time.Millisecond}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		s.pipe.set(free)
		if got, want := <-ends, (end{2, 1300 * time.Millisecond}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestContextOfACallThatWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stuckStage(t)
		defer s.clear()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, attempts, err := s.node.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"read"}`), nil)
		if took := time.Since(start); took != 200*time.Millisecond || attempts != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v and %d attempts: %v", took, attempts, err)
		}
	})
}

// The end of a node ends waiting for room, though nobody reads the output.
func TestEndWhileCallsWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stuckStage(t)
		defer s.clear()
		ended := make(chan error, 3)
		background, own := context.Background(), t.Context()
		go func() { ended <- s.node.Send("n2", eddy.Raw(`{"type":"note"}`)) }()
		go func() { ended <- second(s.node.RPC(background, "n2", eddy.Raw(`{"type":"read"}`))) }()
		go func() { ended <- second(s.node.RPC(own, "n2", eddy.Raw(`{"type":"read"}`))) }()
		synctest.Wait()
		s.term()
		<-s.over
		for range 3 {
			if err := <-ended; !errors.Is(err, eddy.TemporarilyUnavailable) {
				t.Error(err)
			}
		}
	})
}

func second(_ eddy.Message, err error) error { return err }

// Calls end in time, whatever the output does and whenever their contexts end. No goroutine
// stays, or synctest would fail.
func TestCallsWhileTheOutputStutters(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stutters := rapid.SliceOfN(rapid.IntRange(1, 400), 1, 8).Draw(rt, "stutters")
		patience := rapid.SliceOfN(rapid.IntRange(0, 900), 20, 60).Draw(rt, "patience")
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 100, 30_000}), len(patience), len(patience)).Draw(rt, "sizes")
		synctest.Test(t, func(t *testing.T) {
			s := &stage{node: &eddy.Node{Drain: time.Second, Log: slog.New(slog.DiscardHandler)}}
			s.start(false)
			s.init()
			var calling sync.WaitGroup
			for i, ms := range patience {
				calling.Go(func() {
					time.Sleep(time.Duration(i*7) * time.Millisecond)
					limit := time.Duration(ms) * time.Millisecond
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					body := eddy.Raw(`{"type":"read","pad":"` + strings.Repeat("x", sizes[i]) + `"}`)
					start := time.Now()
					_, _, err := s.node.RPCWithRetry(ctx, "n2", body, &eddy.Policy{Timeout: 100 * time.Millisecond})
					if took := time.Since(start); err == nil || took > limit {
						t.Errorf("a call with %v took %v: %v", limit, took, err)
					}
				})
			}
			for i, ms := range stutters {
				s.pipe.set([]condition{stuck, free}[i%2])
				time.Sleep(time.Duration(ms) * time.Millisecond)
			}
			calling.Wait()
			s.clear()
			if stats := s.node.Stats(); stats.Failures != stats.Calls {
				t.Errorf("%d calls, %d failures", stats.Calls, stats.Failures)
			}
		})
	})
}
