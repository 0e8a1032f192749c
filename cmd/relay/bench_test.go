package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
)

// patient is a policy with which every call has one attempt, also on a busy machine.
var patient = &eddy.Policy{Timeout: time.Minute}

// BenchmarkRelay is what a relay costs a node between two pipes that cost nothing.
func BenchmarkRelay(b *testing.B) {
	for _, name := range []string{"spaced", "compact", "blocking"} {
		b.Run(name, func(b *testing.B) {
			blocking := name == "blocking"
			n := &eddy.Node{Spaced: name == "spaced", Log: slog.New(slog.DiscardHandler)}
			if blocking {
				n.Handle("relay", blockingRelay(n))
			} else {
				n.HandleInline("relay", relay(patient))
			}
			p := newPeer(b.N)
			b.ReportAllocs()
			b.ResetTimer()
			if err := n.Serve(context.Background(), p); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if s := n.Stats(); s.Calls != int64(b.N) || s.Retries+s.Failures+s.Strays > 0 || p.replied != b.N {
				b.Fatalf("%+v for %d relays", s, b.N)
			}
		})
	}
}

// BenchmarkEcho is what an echo costs.
func BenchmarkEcho(b *testing.B) {
	n := &eddy.Node{Spaced: true, Log: slog.New(slog.DiscardHandler)}
	n.HandleInline("echo", echo)
	serveAlone(b, n, `{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":#,"echo":"Please echo #"}}`)
}

// BenchmarkTimeouts is what a relay costs whose target never replies: three attempts and an
// error.
func BenchmarkTimeouts(b *testing.B) {
	n := &eddy.Node{Spaced: true, MaxOpen: b.N, Log: slog.New(slog.DiscardHandler)}
	n.HandleInline("relay", relay(&eddy.Policy{Timeout: 10 * time.Millisecond}))
	serveAlone(b, n, `{"src":"c1","dest":"n1","body":{"type":"relay","msg_id":#,"target":"n2","payload":{"type":"read","key":#}}}`)
}

// serveAlone lets a node serve b.N requests, and drops the replies.
func serveAlone(b *testing.B, n *eddy.Node, request string) {
	b.ReportAllocs()
	err := n.Serve(context.Background(), struct {
		io.Reader
		io.Writer
	}{&requests{parts: strings.Split(request+"\n", "#"), count: b.N, rest: []byte(initLine)}, io.Discard})
	if s := n.Stats(); err != nil || s.In != int64(b.N)+1 || s.BadLines+s.Refused > 0 {
		b.Fatalf("%+v, %v", s, err)
	}
}

// requests is an input of count requests. Each has its number between the parts.
type requests struct {
	parts       []string
	made, count int
	rest        []byte
}

func (r *requests) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.rest) == 0 {
			if r.made == r.count {
				break
			}
			r.made++
			r.rest = append(r.rest[:0], r.parts[0]...)
			for _, part := range r.parts[1:] {
				r.rest = append(strconv.AppendInt(r.rest, int64(r.made), 10), part...)
			}
		}
		copied := copy(p[n:], r.rest)
		r.rest = r.rest[:copy(r.rest, r.rest[copied:])]
		n += copied
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// blockingRelay is relay with a handler that waits for its call, as most handlers do.
func blockingRelay(n *eddy.Node) eddy.Handler {
	type relayOK struct {
		Type     string   `json:"type"`
		Attempts int      `json:"attempts"`
		Result   eddy.Raw `json:"result"`
	}
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		o, err := readJob(req.Body)
		if err != nil {
			return nil, err
		}
		reply, attempts, err := n.RPCWithRetry(ctx, o.target, o.payload, patient)
		if err != nil {
			return nil, err
		}
		return relayOK{"relay_ok", attempts, reply.Body}, nil
	}
}

// A peer is the transport of a node. It sends n requests to relay, keeps a thousand of them
// open, and replies to the node's calls at once.
type peer struct {
	n, asked, replied int

	mu   sync.Mutex
	more sync.Cond
	in   []byte // for the node to read
}

func newPeer(n int) *peer {
	p := &peer{n: n}
	p.more.L = &p.mu
	p.in = []byte(initLine)
	return p
}

func (p *peer) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.in) == 0 && p.replied < p.n {
		p.more.Wait()
	}
	if len(p.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.in)
	p.in = p.in[:copy(p.in, p.in[n:])]
	return n, nil
}

func (p *peer) Write(lines []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range bytes.Lines(lines) {
		switch {
		case bytes.Contains(line, []byte("read_ok")):
			p.replied++
			p.ask(1)
		case bytes.Contains(line, []byte("init_ok")):
			p.ask(1000)
		default:
			id := line[bytes.LastIndexByte(line, ':')+1 : len(line)-len("}}\n")]
			p.in = append(p.in, `{"src":"n2","dest":"n1","body":{"type":"read_ok","value":123456,"in_reply_to":`...)
			p.in = append(append(p.in, bytes.TrimSpace(id)...), "}}\n"...)
		}
	}
	p.more.Signal()
	return len(lines), nil
}

func (p *peer) ask(count int) {
	for range min(count, p.n-p.asked) {
		p.asked++
		p.in = append(p.in, `{"src":"c1","dest":"n1","body":{"type":"relay","msg_id":`...)
		p.in = strconv.AppendInt(p.in, int64(p.asked), 10)
		p.in = append(p.in, `,"target":"n2","payload":{"type":"read","key":123456}}}`+"\n"...)
	}
}
