package logqueue

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A gate is a writer whose Writes wait until the gate is open.
type gate struct {
	open    chan bool
	mu      sync.Mutex
	written strings.Builder
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.written.Write(p)
}

func (g *gate) text() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.written.String()
}

func write(t *testing.T, q *Queue, line string) {
	t.Helper()
	if n, err := q.Write([]byte(line)); n != len(line) || err != nil {
		t.Errorf("Write returned %d, %v", n, err)
	}
}

// What is written is passed on in its order, also by many goroutines at the same time.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan bool)}
		close(g.open)
		q := New(g)
		var done sync.WaitGroup
		for worker := range 10 {
			done.Go(func() {
				for i := range 100 {
					write(t, q, fmt.Sprintf("%d %d\n", worker, i))
				}
			})
		}
		done.Wait()
		q.Flush(time.Second)
		next := make([]int, 10)
		for line := range strings.Lines(g.text()) {
			var worker, i int
			if _, err := fmt.Sscanf(line, "%d %d\n", &worker, &i); err != nil || i != next[worker] {
				t.Fatalf("%q after %v", line, next)
			}
			next[worker]++
		}
		for worker, n := range next {
			if n != 100 {
				t.Errorf("%d lines of goroutine %d were passed on", n, worker)
			}
		}
	})
}

// If nobody reads the log, Write does not block. The queue keeps 1 MiB, drops whole lines
// and counts them.
func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan bool)}
		q := New(g)
		line := strings.Repeat("x", 1023) + "\n"
		write(t, q, line)
		synctest.Wait() // this line is being passed on
		for range 1024 + 7 {
			write(t, q, line)
		}
		if q.Dropped() != 7 {
			t.Errorf("%d lines were dropped", q.Dropped())
		}
		write(t, q, "") // for which there is room
		close(g.open)
		q.Flush(time.Second)
		if got := g.text(); got != strings.Repeat(line, 1025) || q.Dropped() != 7 {
			t.Errorf("%d bytes were passed on, %d lines dropped", len(got), q.Dropped())
		}
		write(t, q, line) // there is room again
		q.Flush(time.Second)
		if got := g.text(); len(got) != 1026*1024 {
			t.Errorf("%d bytes were passed on", len(got))
		}
	})
}

// Flush returns when everything is passed on, and when its time is over.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan bool)}
		q := New(g)
		flush := func(want time.Duration) {
			t.Helper()
			begin := time.Now()
			q.Flush(time.Second)
			if took := time.Since(begin); took != want {
				t.Errorf("Flush took %v, want %v", took, want)
			}
		}
		flush(0) // there is nothing to pass on
		write(t, q, "a line\n")
		flush(time.Second)
		time.AfterFunc(300*time.Millisecond, func() { close(g.open) })
		flush(300 * time.Millisecond)
		flush(0)
	})
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("broken") }

// An error of the writer does not stop the queue.
func TestWriterFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(failing{})
		for range 3 {
			write(t, q, "a line\n")
			q.Flush(time.Second)
		}
	})
}
