package eddy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// A peer is at the other end of a node's pipes, on the real clock, for the race
// detector. It sends requests, keeps 64 of them open, and replies to the node's calls of
// n2.
type peer struct {
	n        *eddy.Node
	requests int
	types    []string           // of the requests, in turn
	end      <-chan struct{}    // tells the node to end, may be nil
	lines    chan string        // to the node
	served   chan struct{}      // closed at the end of the node
	window   chan struct{}      // has a value for each open request
	out      io.Reader          // what the node writes
	ctx      context.Context    // of Serve
	cancel   context.CancelFunc // ends ctx

	replies, errors int // replies to the requests, and how many of them are errors
}

// run serves the node until it has replied to every request, or has ended.
func (p *peer) run(t *testing.T) {
	in, feed := io.Pipe()
	out, write := io.Pipe()
	p.out = out
	p.lines, p.served, p.window = make(chan string, 1<<16), make(chan struct{}), make(chan struct{}, 64)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	defer p.cancel()
	var all sync.WaitGroup
	all.Go(func() {
		p.n.Serve(p.ctx, struct {
			io.Reader
			io.Writer
		}{in, write})
		close(p.served)
		write.Close()
		in.Close()
	})
	all.Go(func() { p.feed(feed) })
	all.Go(p.request)
	p.read(t)
	go io.Copy(io.Discard, out)
	p.cancel()
	in.CloseWithError(io.EOF)
	<-p.served
	all.Wait()
}

// feed writes lines, as many at once as there are.
func (p *peer) feed(w io.Writer) {
	var buf bytes.Buffer
	for {
		select {
		case line := <-p.lines:
			buf.WriteString(line)
		case <-p.served:
			return
		}
		for len(p.lines) > 0 && buf.Len() < 4096 {
			buf.WriteString(<-p.lines)
		}
		if _, err := w.Write(buf.Bytes()); err != nil {
			return
		}
		buf.Reset()
	}
}

func (p *peer) request() {
	p.lines <- initLine
	for i := range p.requests {
		select {
		case p.window <- struct{}{}:
			p.lines <- requestLine(p.types[i%len(p.types)], i+1)
		case <-p.end:
			p.cancel()
			return
		case <-p.served:
			return
		}
	}
}

func (p *peer) read(t *testing.T) {
	lines := bufio.NewScanner(p.out)
	for p.replies < p.requests && lines.Scan() {
		var m struct {
			Dest string
			Body struct {
				Type string
				ID   *int64 `json:"msg_id"`
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err, lines.Text())
		}
		switch m.Dest {
		case "c1":
			p.replies++
			if m.Body.Type == "error" {
				p.errors++
			}
			<-p.window
		case "n2":
			p.lines <- fmt.Sprintf(`{"src":"n2","dest":"n1","body":{"type":"do_ok","in_reply_to":%d}}`+"\n", *m.Body.ID)
		}
	}
}

var do = eddy.Raw(`{"type":"do"}`)

// Contexts end other calls while handlers wait for theirs.
func TestRaceOfCancelledCalls(t *testing.T) {
	t.Parallel()
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	const handlers = 4
	calls := longtest.Or(10_000, 500)
	var ended atomic.Int64 // handlers
	n.Handle("wait", func(ctx context.Context, req *eddy.Request) (any, error) {
		defer ended.Add(1)
		for range calls {
			if _, err := n.RPC(ctx, "n2", do); err != nil {
				return nil, err
			}
		}
		return eddy.Raw(`{}`), nil
	})
	var cancelling sync.WaitGroup
	for range 4 {
		cancelling.Go(func() {
			for ended.Load() < handlers {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(20*time.Microsecond, cancel)
				n.RPC(ctx, "nobody", do)
				cancel()
			}
		})
	}
	p := &peer{n: n, requests: handlers, types: []string{"wait"}}
	p.run(t)
	cancelling.Wait()
	if p.replies != p.requests || p.errors != 0 {
		t.Errorf("%d replies of which %d are errors", p.replies, p.errors)
	}
}

// A node ends all its calls while their replies still come.
func TestRaceOfEnd(t *testing.T) {
	t.Parallel()
	for range longtest.Or(30, 5) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler), Drain: time.Microsecond}
		end := make(chan struct{})
		var served atomic.Int64
		n.HandleInline("callbacks", func(ctx context.Context, req *eddy.Request) (any, error) {
			if served.Add(1) == 500 {
				close(end)
			}
			for range 20 {
				req.Call(ctx, "n2", do, nil, func(eddy.Result) {})
			}
			return eddy.Later, nil
		})
		n.Handle("wait", func(ctx context.Context, req *eddy.Request) (any, error) {
			for range 20 {
				if _, err := n.RPC(ctx, "n2", do); err != nil {
					return nil, err
				}
			}
			return eddy.Raw(`{}`), nil
		})
		p := &peer{n: n, requests: 1 << 20, types: []string{"callbacks", "callbacks", "wait"}, end: end}
		p.run(t)
	}
}

// Every method that may be called from any goroutine may be called while Serve begins.
func TestRaceOfBeginning(t *testing.T) {
	t.Parallel()
	for range longtest.Or(20, 3) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.HandleInline("echo", ok)
		batcher := eddy.NewBatcher(n, 1, time.Millisecond, func(context.Context, []int) {})
		var using sync.WaitGroup
		for _, use := range []func(){
			func() { n.Stats() },
			func() { n.Destinations() },
			func() { n.ID(); n.IDs() },
			func() { n.Send("n3", do) },
			func() { n.Call(context.Background(), "n2", do, nil, func(eddy.Result) {}) },
			func() {
				ctx, cancel := context.WithTimeout(context.Background(), 100*time.Microsecond)
				defer cancel()
				n.RPC(ctx, "n2", do)
			},
			func() { batcher.Add(1) },
		} {
			using.Go(func() {
				for range 100 {
					use()
					runtime.Gosched()
				}
			})
		}
		p := &peer{n: n, requests: 50, types: []string{"echo"}}
		p.run(t)
		using.Wait()
		if p.replies != p.requests {
			t.Errorf("%d replies, want %d", p.replies, p.requests)
		}
	}
}

// A mirror is a transport with n2 at its other end, which replies at once, and a client that
// has sent all its requests. It counts the replies to them.
type mirror struct {
	lines   chan []byte
	end     chan struct{} // closed when no line will come any more
	rest    []byte
	replies map[int64]int // by request
}

func (m *mirror) Read(p []byte) (int, error) {
	for len(m.rest) == 0 {
		select {
		case m.rest = <-m.lines:
		case <-m.end:
			return 0, io.EOF
		}
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

func (m *mirror) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		var message struct {
			Dest string
			Body struct {
				ID        int64 `json:"msg_id"`
				InReplyTo int64 `json:"in_reply_to"`
			}
		}
		if err := json.Unmarshal(line, &message); err != nil {
			return 0, err
		}
		switch message.Dest {
		case "c1":
			m.replies[message.Body.InReplyTo]++
		case "n2":
			reply := fmt.Appendf(nil, `{"src":"n2","dest":"n1","body":{"type":"do_ok","in_reply_to":%d}}`+"\n", message.Body.ID)
			go func() {
				select {
				case m.lines <- reply:
				case <-m.end:
				}
			}()
		}
	}
	return len(lines), nil
}

// A request gets one reply, however its callbacks, its handler and other goroutines meet: on
// the real clock, where they run at the same time.
func TestRaceOfTheEndsOfARequest(t *testing.T) {
	t.Parallel()
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	endings := []func(ctx context.Context, req *eddy.Request){
		func(ctx context.Context, req *eddy.Request) { // a timeout
			req.Call(ctx, "nobody", do, &eddy.Policy{Attempts: 1, Timeout: 1}, func(eddy.Result) {})
		},
		func(ctx context.Context, req *eddy.Request) { // a reply
			req.Call(ctx, "n2", do, &eddy.Policy{Attempts: 1, Timeout: time.Millisecond}, func(eddy.Result) {})
		},
		func(_ context.Context, req *eddy.Request) { // the end of a context
			ctx, cancel := context.WithCancel(context.Background())
			req.Call(ctx, "nobody", do, &eddy.Policy{Attempts: 1, Timeout: time.Millisecond}, func(eddy.Result) {})
			go cancel()
		},
		func(_ context.Context, req *eddy.Request) { // another goroutine
			go req.Reply(eddy.Raw(`{}`))
		},
		func(_ context.Context, req *eddy.Request) {
			go req.Call(context.Background(), "nobody", do, &eddy.Policy{Attempts: 1, Timeout: 1}, func(eddy.Result) { req.Fail(eddy.Timeout) })
		},
	}
	meet := func(ctx context.Context, req *eddy.Request) (any, error) {
		for i, end := range endings {
			if req.ID>>i&1 != 0 {
				end(ctx, req)
			}
		}
		if req.ID>>len(endings)&1 != 0 {
			return eddy.Later, nil
		}
		return nil, nil
	}
	n.HandleInline("inline", meet)
	n.Handle("own", meet)
	requests := longtest.Or(400_000, 20_000)
	m := &mirror{lines: make(chan []byte), end: make(chan struct{}), replies: make(map[int64]int)}
	served := make(chan error, 1)
	go func() { served <- n.Serve(context.Background(), m) }()
	m.lines <- []byte(`{"src":"c0","dest":"n1","body":{"type":"init","msg_id":0,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n")
	for id := range requests {
		m.lines <- []byte(requestLine([]string{"inline", "own"}[id/64%2], id))
	}
	close(m.end)
	if err := <-served; err != nil {
		t.Error(err)
	}
	if calls, open := openNow(n); calls != 0 || open != 0 {
		t.Errorf("%d calls and %d requests are open", calls, open)
	}
	if len(m.replies) != requests {
		t.Errorf("%d of %d requests got a reply", len(m.replies), requests)
	}
	for id, count := range m.replies {
		if count != 1 {
			t.Errorf("request %d got %d replies", id, count)
		}
	}
}

// A goroutine that has waited for it replies just when the handler returns, a little sooner or
// later each time.
func TestRaceOfReplyAndReturn(t *testing.T) {
	t.Parallel()
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	n.HandleInline("inline", func(_ context.Context, req *eddy.Request) (any, error) {
		var running, returns atomic.Bool
		go func() {
			running.Store(true)
			for !returns.Load() {
				runtime.Gosched()
			}
			for later := req.ID % 300; later > 0; later-- {
				returns.Load()
			}
			req.Reply(eddy.Raw(`{}`))
		}()
		for !running.Load() {
			runtime.Gosched()
		}
		returns.Store(true)
		return eddy.Later, nil
	})
	requests := longtest.Or(200_000, 10_000)
	m := &mirror{lines: make(chan []byte), end: make(chan struct{}), replies: make(map[int64]int)}
	served := make(chan error, 1)
	go func() { served <- n.Serve(context.Background(), m) }()
	m.lines <- []byte(initLine)
	for id := range requests {
		m.lines <- []byte(requestLine("inline", id))
	}
	close(m.end)
	if err := <-served; err != nil {
		t.Error(err)
	}
	if calls, open := openNow(n); calls != 0 || open != 0 {
		t.Errorf("%d calls and %d requests are open", calls, open)
	}
	if len(m.replies) != requests {
		t.Errorf("%d of %d requests got a reply", len(m.replies), requests)
	}
}

// Stats and Destinations may be asked for while a node begins and ends, also if its log is the
// default one.
func TestRaceOfStats(t *testing.T) {
	t.Parallel()
	for range longtest.Or(2000, 200) {
		n := new(eddy.Node)
		var asking sync.WaitGroup
		asking.Go(func() {
			for range 100 {
				n.Stats()
				n.Destinations()
			}
		})
		n.Serve(context.Background(), struct {
			io.Reader
			io.Writer
		}{strings.NewReader(initLine), io.Discard})
		asking.Wait()
	}
}

// A node does not end while another goroutine replies to a request whose handler has returned.
func TestRaceOfReplyAndEnd(t *testing.T) {
	t.Parallel()
	const requests = 8
	var input strings.Builder
	input.WriteString(initLine)
	for id := range requests {
		input.WriteString(requestLine([]string{"inline", "own"}[id%2], id))
	}
	for range longtest.Or(20_000, 2000) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		elsewhere := func(_ context.Context, req *eddy.Request) (any, error) {
			go req.Reply(eddy.Raw(`{"type":"ok"}`))
			runtime.Gosched()
			return nil, nil
		}
		n.HandleInline("inline", elsewhere)
		n.Handle("own", elsewhere)
		var out bytes.Buffer
		n.Serve(context.Background(), struct {
			io.Reader
			io.Writer
		}{strings.NewReader(input.String()), &out})
		if lines := bytes.Count(out.Bytes(), []byte("\n")); lines != requests+1 {
			t.Fatalf("%d replies, want %d: %s", lines, requests+1, out.String())
		}
	}
}
