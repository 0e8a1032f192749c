package eddy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/retry"
)

// handlers are what a transcript's node serves.
//
//	echo          answers with the request's own fields; inline
//	add           {a,b}: answers with a Go value
//	ask           {to,body,timeout_ms,attempts,late}: calls to with body and waits;
//	              answers with the reply and the attempts, or passes the error on
//	ask-later     the same by callback; inline
//	explain       the same, and answers with all that the caller is told
//	hurry         {after,to,body,ms,cause}: the same, after a while, with a context
//	              that ends after ms, for the code cause if it is given; tells how
//	              long it took
//	own           {reply}: answers with that
//	race          {to:[...],body}: calls all of them by callback; the first reply wins
//	chain         {to:[...],body}: calls one after the other by callback
//	tell          {to,body}: sends a one-way message
//	fail          {code,text}: returns that error; without a code, one that has none
//	wrap          returns precondition-failed, wrapped
//	slow          {ms}: sleeps
//	stand         the same, inline, which an inline handler must not do
//	wait          ask, inline, which an inline handler must not do
//	panic, panic-later, exit, exit-inline, exit-later, forget, forget-later,
//	later-never, twice, nonsense
//	              make the mistake that they are called after; exit is Goexit
func handlers(n *eddy.Node) {
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	n.Handle("add", func(_ context.Context, req *eddy.Request) (any, error) {
		var in struct {
			A int `json:"a"`
			B int `json:"b"`
		}
		if err := req.Decode(&in); err != nil {
			return nil, err
		}
		return struct {
			Sum int `json:"sum"`
		}{in.A + in.B}, nil
	})
	ask := func(ctx context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		reply, attempts, err := n.RPCWithRetry(ctx, to, body, policy)
		if err != nil {
			return nil, err
		}
		return asked(req, attempts, reply), nil
	}
	n.Handle("ask", ask)
	n.HandleInline("wait", ask)
	n.HandleInline("ask-later", func(_ context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		req.Call(to, body, policy, func(_ *eddy.Request, reply eddy.Message, attempts int, err error) {
			if err != nil {
				req.Fail(err)
				return
			}
			req.Reply(asked(req, attempts, reply))
		})
		return eddy.Later, nil
	})
	n.Handle("explain", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		return explanation(n.RPCWithRetry(ctx, to, body, policy)), nil
	})
	n.Handle("hurry", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		cause := context.DeadlineExceeded
		if code, ok := req.Body.Get("cause").Int(); ok {
			cause = eddy.Code(code)
		}
		time.Sleep(milliseconds(req, "after"))
		start := time.Now()
		ctx, cancel := context.WithTimeoutCause(ctx, milliseconds(req, "ms"), cause)
		defer cancel()
		out := explanation(n.RPCWithRetry(ctx, to, body, policy))
		out.Took = time.Since(start).String()
		return out, nil
	})
	n.Handle("race", func(_ context.Context, req *eddy.Request) (any, error) {
		var to []string
		req.Body.Get("to").Decode(&to)
		for _, dest := range to {
			req.Call(dest, req.Body.Get("body"), nil, func(_ *eddy.Request, reply eddy.Message, attempts int, err error) {
				if err == nil {
					req.Reply(asked(req, attempts, reply)) // refused for all but the first
				}
			})
		}
		return eddy.Later, nil
	})
	n.HandleInline("chain", func(_ context.Context, req *eddy.Request) (any, error) {
		var to []string
		if err := req.Body.Get("to").Decode(&to); err != nil || len(to) == 0 {
			return nil, eddy.MalformedRequest
		}
		body := slices.Clone(req.Body.Get("body"))
		var next eddy.Callback
		next = func(req *eddy.Request, reply eddy.Message, attempts int, err error) {
			switch to = to[1:]; {
			case err != nil:
				req.Fail(err)
			case len(to) == 0:
				req.Reply(asked(req, attempts, reply))
			default:
				req.Call(to[0], body, nil, next)
			}
		}
		req.Call(to[0], body, nil, next)
		return eddy.Later, nil
	})
	n.Handle("tell", func(_ context.Context, req *eddy.Request) (any, error) {
		to, body, _ := question(req)
		return eddy.Raw(`{}`), n.Send(to, body)
	})
	n.Handle("fail", func(_ context.Context, req *eddy.Request) (any, error) {
		text, _ := req.Body.Get("text").Text()
		if code, ok := req.Body.Get("code").Int(); ok {
			return nil, &eddy.Error{Code: eddy.Code(code), Text: text}
		}
		return nil, errors.New(text)
	})
	n.Handle("wrap", func(context.Context, *eddy.Request) (any, error) {
		return nil, fmt.Errorf("set the key: %w", eddy.PreconditionFailed)
	})
	slow := func(_ context.Context, req *eddy.Request) (any, error) {
		time.Sleep(milliseconds(req, "ms"))
		return eddy.Raw(`{}`), nil
	}
	n.Handle("slow", slow)
	n.HandleInline("stand", slow)
	n.Handle("panic", func(context.Context, *eddy.Request) (any, error) { panic("no such luck") })
	n.Handle("panic-later", func(_ context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		req.Call(to, body, policy, func(*eddy.Request, eddy.Message, int, error) { panic("no such luck") })
		return eddy.Later, nil
	})
	exit := func(context.Context, *eddy.Request) (any, error) { runtime.Goexit(); return nil, nil }
	n.Handle("exit", exit)
	n.HandleInline("exit-inline", exit)
	n.HandleInline("exit-later", func(_ context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		req.Call(to, body, policy, func(*eddy.Request, eddy.Message, int, error) { runtime.Goexit() })
		return eddy.Later, nil
	})
	n.Handle("own", func(_ context.Context, req *eddy.Request) (any, error) {
		return req.Body.Get("reply"), nil
	})
	n.Handle("forget", func(context.Context, *eddy.Request) (any, error) { return nil, nil })
	n.Handle("forget-later", func(_ context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		req.Call(to, body, policy, func(*eddy.Request, eddy.Message, int, error) {})
		return eddy.Later, nil
	})
	n.Handle("later-never", func(context.Context, *eddy.Request) (any, error) { return eddy.Later, nil })
	n.Handle("twice", func(_ context.Context, req *eddy.Request) (any, error) {
		if err := req.Reply(eddy.Raw(`{"n":1}`)); err != nil {
			return nil, err
		}
		return eddy.Raw(`{"n":2}`), nil
	})
	n.Handle("nonsense", func(context.Context, *eddy.Request) (any, error) { return "no object", nil })
}

// question is the call that a request asks for.
func question(req *eddy.Request) (to string, body eddy.Raw, p *eddy.Policy) {
	to, _ = req.Body.Get("to").Text()
	p = &eddy.Policy{Timeout: milliseconds(req, "timeout_ms")}
	if n, ok := req.Body.Get("attempts").Int(); ok {
		p.Attempts = int(min(n, 100)) // or less than is possible
	}
	if late, _ := req.Body.Get("late").Text(); late == "ignore" {
		p.Late = retry.Ignore
	}
	return to, req.Body.Get("body"), p
}

func milliseconds(req *eddy.Request, field string) time.Duration {
	ms, _ := req.Body.Get(field).Int()
	return time.Duration(min(max(ms, 0), 3_600_000)) * time.Millisecond
}

func asked(req *eddy.Request, attempts int, reply eddy.Message) eddy.Raw {
	return fmt.Appendf(nil, `{"type":"%s_ok","attempts":%d,"reply":%s}`, req.Type(), attempts, reply.Body)
}

// explained is all that a caller is told.
type explained struct {
	Attempts int      `json:"attempts"`
	Reply    eddy.Raw `json:"reply"`
	Error    string   `json:"error,omitempty"`
	Definite bool     `json:"definite,omitempty"`
	Details  string   `json:"details,omitempty"`
	Took     string   `json:"took,omitempty"`
}

func explanation(reply eddy.Message, attempts int, err error) explained {
	e := explained{Attempts: attempts, Reply: reply.Body}
	if failed, ok := errors.AsType[*eddy.CallError](err); ok {
		e.Error, e.Definite, e.Details = err.Error(), failed.Definite(), failed.Details()
	}
	return e
}

// TestTranscripts runs testdata/transcripts: lines in, time passing, lines out.
// Time is virtual: it passes only while a transcript waits. The directives are
//
//	node [option=...]   starts a node and, unless it is bare, initialises it as n1;
//	                    that init_ok, msg_id 0, is not shown
//	in                  the lines arrive, all at once; shows what the node writes,
//	                    of more than 20 lines only their number
//	unfinished          the same without the newline behind the last one
//	many <n>            the line arrives n times
//	long <n>            an echo arrives, msg_id 1, whose line has n bytes
//	wait <duration>     lets time pass; shows when the node wrote what
//	eof, term           the input ends, the node is told to end
//	output stuck|free|broken
//	                    nobody reads the node's output, somebody does again, or
//	                    writing it fails from now on
//	stats, log          the counters that are not 0, and what was logged since
//
// go test -run TestTranscripts -rewrite writes what the node does into the
// files, to be read before it is committed.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s *stage
				defer func() { s.clear() }()
				datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
					if d.Cmd == "node" {
						s.clear()
						s = newStage(t, d)
						return s.show(false)
					}
					if s == nil {
						d.Fatalf(t, "a transcript begins with a node")
					}
					return s.play(t, d)
				})
			})
		})
	}
}

// A stage is where a node's transcript is played.
type stage struct {
	node *eddy.Node
	pipe *pipe
	log  *lockedBuffer
	term context.CancelFunc
	over chan struct{}
}

func newStage(t *testing.T, d *datadriven.TestData) *stage {
	s := &stage{node: &eddy.Node{}}
	bare, stays := false, false
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "bare":
			bare = true
		case "spaced":
			s.node.Spaced = true
		case "stop-at-eof":
			s.node.StopAtEOF = true
		case "max-open":
			d.ScanArgs(t, "max-open", &s.node.MaxOpen)
		case "max-line":
			d.ScanArgs(t, "max-line", &s.node.MaxLine)
		case "drain":
			s.node.Drain = duration(t, d, arg.Vals[0])
		case "on-init":
			s.node.OnInit(func(ctx context.Context) error {
				_, _, err := s.node.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"hello"}`), nil)
				return err
			})
		case "stays-open":
			stays = true
		case "every":
			s.node.Every(duration(t, d, arg.Vals[0]), func(context.Context) {
				s.node.Send("n2", eddy.Raw(`{"type":"tick"}`))
			})
		default:
			d.Fatalf(t, "node has no option %s", arg.Key)
		}
	}
	s.start(stays)
	if !bare {
		s.init()
	}
	return s
}

// init tells the node that it is n1.
func (s *stage) init() {
	s.pipe.arrive([]byte(`{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"))
	s.show(false)
}

// start serves the node, whose fields are set. A transport that stays open is
// no io.Closer.
func (s *stage) start(stays bool) {
	handlers(s.node)
	s.log = &lockedBuffer{}
	own := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "stack" {
			return slog.Attr{}
		}
		return a
	}}))
	if s.node.Log == nil {
		s.node.Log = own
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.pipe, s.term, s.over = newPipe(), cancel, make(chan struct{})
	var t eddy.Transport = s.pipe
	if stays {
		t = struct {
			io.Reader
			io.Writer
		}{s.pipe, s.pipe}
	}
	go func() {
		defer close(s.over)
		text := "the node has ended"
		if err := s.node.Serve(ctx, t); err != nil {
			text += ": " + err.Error()
		}
		s.pipe.note(text)
	}()
	synctest.Wait()
}

// clear ends the node, if there is one.
func (s *stage) clear() {
	if s != nil {
		s.pipe.set(free)
		s.pipe.eof()
		s.term()
		<-s.over
	}
}

func (s *stage) play(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "in":
		s.pipe.arrive([]byte(d.Input + "\n"))
	case "unfinished":
		s.pipe.arrive([]byte(d.Input))
	case "many":
		s.pipe.arrive([]byte(strings.Repeat(d.Input+"\n", number(t, d))))
	case "long":
		const head, tail = `{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":1,"pad":"`, `"}}`
		pad := strings.Repeat("x", number(t, d)-len(head)-len(tail))
		s.pipe.arrive([]byte(head + pad + tail + "\n"))
	case "wait":
		time.Sleep(duration(t, d, d.CmdArgs[0].Key))
	case "eof":
		s.pipe.eof()
	case "term":
		s.term()
	case "output":
		s.pipe.set(map[string]condition{"stuck": stuck, "free": free, "broken": broken}[d.CmdArgs[0].Key])
	case "stats":
		return s.stats()
	case "log":
		return s.log.take()
	default:
		d.Fatalf(t, "no directive %s", d.Cmd)
	}
	return s.show(d.Cmd == "wait")
}

// show lets the node come to rest and returns what it has written since.
func (s *stage) show(times bool) string {
	synctest.Wait()
	var b strings.Builder
	count := 0
	s.pipe.lines(func(at time.Duration, line string) {
		if count++; count > 20 {
			return
		}
		if times {
			fmt.Fprintf(&b, "%v ", at)
		}
		if len(line) > 400 {
			line = fmt.Sprintf("%s...%s (%d bytes)", line[:70], line[len(line)-40:], len(line))
		}
		b.WriteString(line + "\n")
	})
	if count > 20 {
		return fmt.Sprintf("%d lines\n", count)
	}
	return b.String()
}

func (s *stage) stats() string {
	var b strings.Builder
	v := reflect.ValueOf(s.node.Stats())
	for i := range v.NumField() {
		if n := v.Field(i).Int(); n != 0 {
			fmt.Fprintf(&b, "%s %d\n", v.Type().Field(i).Name, n)
		}
	}
	return b.String()
}

func number(t *testing.T, d *datadriven.TestData) int {
	n, err := strconv.Atoi(d.CmdArgs[0].Key)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return n
}

func duration(t *testing.T, d *datadriven.TestData, text string) time.Duration {
	v, err := time.ParseDuration(text)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return v
}

// A pipe is a transport in memory that notes when what was written.
type pipe struct {
	in     chan []byte
	rest   []byte // of what has arrived last
	closed chan struct{}
	end    func() // of the input

	start time.Time

	mu      sync.Mutex
	is      condition
	changed chan struct{} // closed when is changes
	out     []written
}

// A condition is what becomes of what a node writes.
type condition int

const (
	free condition = iota
	stuck
	broken
)

type written struct {
	at   time.Duration
	text string
}

func newPipe() *pipe {
	p := &pipe{
		in:      make(chan []byte, 1000),
		closed:  make(chan struct{}),
		changed: make(chan struct{}),
		start:   time.Now(),
	}
	p.end = sync.OnceFunc(func() { close(p.in) })
	return p
}

func (p *pipe) arrive(chunk []byte) { p.in <- chunk }
func (p *pipe) eof()                { p.end() }

func (p *pipe) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		select {
		case chunk, ok := <-p.in:
			if !ok {
				return 0, io.EOF
			}
			p.rest = chunk
		case <-p.closed:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.is == stuck {
		changed := p.changed
		p.mu.Unlock()
		<-changed
		p.mu.Lock()
	}
	if p.is == broken {
		return 0, io.ErrClosedPipe
	}
	p.out = append(p.out, written{time.Since(p.start), string(b)})
	return len(b), nil
}

func (p *pipe) Close() error {
	close(p.closed)
	return nil
}

func (p *pipe) set(is condition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.is = is
	close(p.changed)
	p.changed = make(chan struct{})
}

// note puts a line of the stage's own between the node's.
func (p *pipe) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = append(p.out, written{time.Since(p.start), text + "\n"})
}

// lines hands out what was written since the last time.
func (p *pipe) lines(each func(at time.Duration, line string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.out {
		for line := range strings.Lines(w.text) {
			each(w.at, strings.TrimSuffix(line, "\n"))
		}
	}
	p.out = nil
}

// A lockedBuffer takes a node's log.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.buf.Reset()
	return b.buf.String()
}
