package eddy

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A wireTest is a node's input and output within the process.
type wireTest struct {
	*io.PipeReader
	feed *io.PipeWriter

	mu      sync.Mutex
	out     strings.Builder
	onWrite func(text string)
}

func (w *wireTest) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.onWrite != nil {
		w.onWrite(w.out.String())
	}
	return w.out.Write(p)
}

func (w *wireTest) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}

func serveWire(n *Node) (w *wireTest, done chan error) {
	r, feed := io.Pipe()
	w, done = &wireTest{PipeReader: r, feed: feed}, make(chan error, 1)
	n.Log = slog.New(slog.DiscardHandler)
	go func() { done <- n.Serve(context.Background(), w) }()
	return w, done
}

const initFromC0 = `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}` + "\n"

// A request is closed once, also if another goroutine replies just as its handler returns Later.
func TestRequestIsClosedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Node
		w, done := serveWire(&n)
		io.WriteString(w.feed, initFromC0)
		synctest.Wait()
		h := &handler{node: &n, name: "a"}
		for range 50_000 {
			r := &Request{Src: "c0", ID: 1, handler: h, state: 1}
			r.count()
			var both sync.WaitGroup
			both.Go(func() { r.release(false) })
			both.Go(func() { r.Reply(Raw(`{}`)) })
			both.Wait()
		}
		if open := n.Stats().OpenRequests; open != 0 {
			t.Errorf("%d requests are open", open)
		}
		w.feed.Close()
		<-done
	})
}

// A deadline in an init does not keep the node from beginning.
func TestInitWithADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Node
		w, done := serveWire(&n)
		io.WriteString(w.feed, strings.Replace(initFromC0, `"msg_id"`, `"deadline_ms":0,"msg_id"`, 1))
		synctest.Wait()
		if !strings.Contains(w.text(), "init_ok") {
			t.Error(w.text())
		}
		w.feed.Close()
		<-done
	})
}

// A Batcher that an OnInit made that failed does not keep the node from ending.
func TestBatcherOfAnOnInitThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Node
		fails, flushed := true, 0
		n.OnInit(func(context.Context) error {
			b := NewBatcher(&n, 1, time.Second, func(context.Context, []int) { flushed++ })
			b.Add(1)
			defer func() { fails = false }()
			if fails {
				return Abort
			}
			return nil
		})
		w, done := serveWire(&n)
		io.WriteString(w.feed, initFromC0)
		synctest.Wait()
		io.WriteString(w.feed, initFromC0)
		synctest.Wait()
		w.feed.Close()
		begun := time.Now()
		<-done
		if took := time.Since(begun); took > time.Second || flushed != 1 {
			t.Errorf("%d batches were flushed, the node ended after %v", flushed, took)
		}
	})
}

// If Write ends its goroutine or panics, the node ends with an error as when Write fails.
func TestWriteThatDoesNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Node
		n.Handle("a", func(context.Context, *Request) (any, error) { return Raw(`{}`), nil })
		w, done := serveWire(&n)
		io.WriteString(w.feed, initFromC0)
		synctest.Wait()
		w.mu.Lock()
		w.onWrite = func(string) { runtime.Goexit() }
		w.mu.Unlock()
		go io.WriteString(w.feed, strings.Repeat(`{"src":"c0","dest":"n1","body":{"type":"a","msg_id":2}}`+"\n", 3))
		if err := <-done; err == nil || !strings.Contains(err.Error(), "the Write has not returned") {
			t.Errorf("the error is %v", err)
		}
		w.PipeReader.Close()
	})
}
