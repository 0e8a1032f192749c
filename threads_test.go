package eddy_test

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A goroutine that holds its thread may be the last to let a request go, whereupon
// coroutines end that are not needed any more.
func TestLockedThreadLetsRequestGo(t *testing.T) {
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		if key(req) != "7" {
			return map[string]any{}, s.read(ctx, key(req))
		}
		begun := make(chan bool)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			close(begun)
			s.read(soon, "7")
		}()
		<-begun
		time.Sleep(time.Millisecond) // its call has begun
		return map[string]any{}, nil
	}
	inVirtualTime(t, ask, func(s *callStage) {
		s.net.Delay("n1", "n2", 100*time.Millisecond)
		s.ask(1)
		s.ask(100)
		s.client.Call("n1", `{"type":"ask","i":7}`)
		time.Sleep(time.Second)
		synctest.Wait()
		s.ask(6)
	})
}

// So may the goroutine that serves, as main's does in a program of windows.
func TestLockedThreadServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.Handle("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
			_, err := n.RPC(ctx, "n2", eddy.Raw(`{"type":"read"}`))
			return nil, err
		})
		net := eddytest.New(t)
		client := net.Client("c1")
		n1 := net.Join("n1")
		served := make(chan error, 1)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			served <- n.Serve(ctx, n1)
		}()
		client.Call("n1", `{"type":"init","node_id":"n1","node_ids":["n1"]}`)
		for range 3 {
			client.Call("n1", `{"type":"ask"}`)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// A quick handler isn't overtaken because another, which reading has long gone on
// without, waits for a call.
func TestWaitingHandlerLeavesOthersTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := make(chan bool, 2)
		running, most := 0, 0
		n := new(eddy.Node)
		n.Handle("echo", func(context.Context, *eddy.Request) (any, error) {
			running++
			most = max(most, running)
			begin <- true
			time.Sleep(time.Millisecond)
			running--
			return map[string]any{}, nil
		})
		ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
			err := s.read(ctx, key(req))
			if err != nil || key(req) != "7" {
				return map[string]any{}, err
			}
			own, cancel := context.WithCancel(ctx)
			defer cancel()
			if err := s.read(own, key(req)); err != nil {
				return nil, err
			}
			<-begin
			return map[string]any{}, s.read(own, key(req))
		}
		onStage(t, n, ask, func(s *callStage) {
			s.ask(2)
			asked := s.client.Request("n1", `{"type":"ask","i":7}`)
			synctest.Wait()
			first, second := s.client.Request("n1", `{"type":"echo"}`), s.client.Request("n1", `{"type":"echo"}`)
			for _, id := range []int64{first, second, asked} {
				s.client.Await(id)
			}
			if most != 1 {
				t.Errorf("%d quick handlers ran at once", most)
			}
		})
	})
}
