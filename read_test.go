package eddy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// A piecewise transport returns one piece from each Read, and then the end of the input.
// A nil piece ends the goroutine that reads.
type piecewise struct {
	pieces [][]byte
	last   func() // called in the Read that returns the end
	mu     sync.Mutex
	out    strings.Builder
}

func (p *piecewise) Read(b []byte) (int, error) {
	if len(p.pieces) == 0 {
		if p.last != nil {
			p.last()
		}
		return 0, io.EOF
	}
	piece := p.pieces[0]
	if piece == nil {
		p.pieces = p.pieces[1:]
		runtime.Goexit()
	}
	n := copy(b, piece)
	if p.pieces[0] = piece[n:]; n == len(piece) {
		p.pieces = p.pieces[1:]
	}
	return n, nil
}

func (p *piecewise) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *piecewise) written() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(strings.Lines(p.out.String()))
}

// A transport may end the goroutine that reads, as testing.T.Fatal does. Then no line is
// served twice, and what is sent while the next Read waits is written.
func TestReadEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		var served []int64
		n.HandleInline("note", func(_ context.Context, req *eddy.Request) (any, error) {
			served = append(served, req.ID)
			return eddy.Raw(`{}`), nil
		})
		p := &piecewise{pieces: [][]byte{[]byte(initLine), []byte(requestLine("note", 1) + requestLine("note", 2)), nil, []byte(requestLine("note", 3))}}
		p.last = func() {
			before := len(p.written())
			n.Send("n2", eddy.Raw(`{"type":"news"}`))
			synctest.Wait()
			if len(p.written()) == before {
				t.Error("nothing is written while Read waits")
			}
		}
		if err := n.Serve(t.Context(), p); err != nil {
			t.Error(err)
		}
		if want := []int64{1, 2, 3}; !slices.Equal(served, want) {
			t.Errorf("%v were served, want %v", served, want)
		}
	})
}

// Many lines arrive together: bad lines, lines that are too long, requests, and the
// replies that earlier ones have caused. Handlers and callbacks wait, sleep, panic and end
// their goroutine. Each request is served once and gets the right reply, and inline
// handlers run in the order of their requests.
func TestLinesThatArriveTogether(t *testing.T) {
	for seed := range longtest.Or(uint64(20), 5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newMixedInput(t, seed).run() })
		})
	}
}

// A mixedInput is an input of all kinds of lines.
type mixedInput struct {
	t      *testing.T
	random *rand.Rand
	pipe   *pipe
	node   *eddy.Node
	log    bytes.Buffer

	lines   int              // sent
	bad     []string         // their numbers
	id      int64            // of the latest request
	inline  []int64          // the requests of inline handlers
	replies map[int64]string // the type of the reply that each request must get

	served []int64 // by inline handlers

	mu    sync.Mutex
	times map[int64]int // how often each request was served
}

func newMixedInput(t *testing.T, seed uint64) *mixedInput {
	c := &mixedInput{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), pipe: newPipe(), lines: 1,
		replies: map[int64]string{0: "init_ok"}, times: make(map[int64]int),
	}
	c.node = &eddy.Node{MaxLine: 500, Log: slog.New(slog.NewTextHandler(&c.log, nil))}
	c.handle()
	return c
}

// serve counts a request. Its body must stay its own until done is called.
func (c *mixedInput) serve(req *eddy.Request) (done func()) {
	c.mu.Lock()
	c.times[req.ID]++
	c.mu.Unlock()
	c.own(req)
	return func() { c.own(req) }
}

// own checks that the body of a request is its own.
func (c *mixedInput) own(req *eddy.Request) {
	if i, _ := req.Body.Get("i").Int(); i != req.ID {
		c.t.Errorf("the body of request %d is %s", req.ID, req.Body)
	}
}

func (c *mixedInput) handle() {
	n := c.node
	inline := func(typ string, h eddy.Handler) {
		n.HandleInline(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
			defer c.serve(req)()
			c.served = append(c.served, req.ID)
			return h(ctx, req)
		})
	}
	other := func(typ string, h eddy.Handler) {
		n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
			defer c.serve(req)()
			return h(ctx, req)
		})
	}
	// asks calls n2. The reply, if one comes, says for which request it is.
	asks := func(then func(req *eddy.Request)) eddy.Handler {
		return func(ctx context.Context, req *eddy.Request) (any, error) {
			return eddy.Later, req.Call(ctx, "n2", fmt.Appendf(nil, `{"type":"read","for":%d}`, req.ID), nil, func(r eddy.Result) {
				if r.Err == nil {
					c.reply(r.Reply, req.ID)
				}
				then(req)
			})
		}
	}
	inline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		_ = append(req.Body, strings.Repeat("}", 300)...) // what follows it in memory is not its own
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	inline("panics", func(context.Context, *eddy.Request) (any, error) { panic("in an inline handler") })
	inline("exits", func(context.Context, *eddy.Request) (any, error) { runtime.Goexit(); return nil, nil })
	inline("asks", asks(func(req *eddy.Request) { req.Reply(eddy.Raw(`{}`)) }))
	inline("asks, panics", asks(func(*eddy.Request) { panic("in a callback") }))
	inline("asks, exits", asks(func(*eddy.Request) { runtime.Goexit() }))
	other("waits", func(ctx context.Context, req *eddy.Request) (any, error) {
		reply, _, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(fmt.Sprintf(`{"type":"read","for":%d}`, req.ID)), nil)
		if err == nil {
			c.reply(reply, req.ID)
		}
		return eddy.Raw(`{}`), nil
	})
	other("waits, exits", func(ctx context.Context, req *eddy.Request) (any, error) {
		n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"read"}`), nil)
		runtime.Goexit()
		return nil, nil
	})
	other("sleeps", func(context.Context, *eddy.Request) (any, error) {
		time.Sleep(30 * time.Millisecond)
		return eddy.Raw(`{}`), nil
	})
	other("returns", ok)
	other("panics elsewhere", func(context.Context, *eddy.Request) (any, error) { panic("in a handler") })
	other("exits elsewhere", func(context.Context, *eddy.Request) (any, error) { runtime.Goexit(); return nil, nil })
}

// reply checks that a reply is the one to this request's call.
func (c *mixedInput) reply(reply eddy.Message, id int64) {
	if got, _ := reply.Body.Get("for").Int(); got != id {
		c.t.Errorf("the reply to %d's call is %s", id, reply.Body)
	}
}

var (
	inlineTypes = []string{"echo", "echo", "echo", "panics", "exits", "asks", "asks, panics", "asks, exits"}
	otherTypes  = []string{"waits", "waits", "waits, exits", "sleeps", "returns", "panics elsewhere", "exits elsewhere"}
)

// line returns some line. No call waits for the replies among them.
func (c *mixedInput) line() string {
	switch kind := c.random.IntN(12); {
	case kind == 0:
		return "{\n"
	case kind == 1:
		return strings.Repeat("x", 501+c.random.IntN(1000)) + "\n"
	case kind == 2:
		return `{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":999999}}` + "\n"
	case kind < 8:
		c.id++
		c.inline = append(c.inline, c.id)
		typ := inlineTypes[c.random.IntN(len(inlineTypes))]
		c.replies[c.id] = "error"
		if typ == "echo" || typ == "asks" {
			c.replies[c.id] = typ + "_ok"
		}
		return requestLine(typ, int(c.id))
	default:
		c.id++
		typ := otherTypes[c.random.IntN(len(otherTypes))]
		c.replies[c.id] = "error"
		if typ == "waits" || typ == "sleeps" || typ == "returns" {
			c.replies[c.id] = typ + "_ok"
		}
		return requestLine(typ, int(c.id))
	}
}

// take checks what the node has written, and returns replies to most of its calls.
func (c *mixedInput) take() (replies []string) {
	c.pipe.lines(func(_ time.Duration, line string) {
		m, err := judge(line)
		if err != nil {
			c.t.Fatal(err)
		}
		switch {
		case m.Dest != "n2":
			if want := c.replies[*m.Body.InReplyTo]; !m.is(want) {
				c.t.Errorf("request %d got %s, want %s", *m.Body.InReplyTo, line, want)
			}
			delete(c.replies, *m.Body.InReplyTo) // a second reply is an error
		case c.random.IntN(4) > 0:
			replies = append(replies, fmt.Sprintf(`{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":%d,"for":%s}}`+"\n",
				*m.Body.ID, orNull(eddy.Raw(line).Get("body").Get("for"))))
		}
	})
	return replies
}

func orNull(r eddy.Raw) eddy.Raw {
	if r == nil {
		return eddy.Raw("null")
	}
	return r
}

func (c *mixedInput) run() {
	served := make(chan error, 1)
	go func() { served <- c.node.Serve(context.Background(), c.pipe) }()
	c.pipe.arrive([]byte(initLine))
	synctest.Wait()
	for range 6 {
		replies := c.take()
		var chunk strings.Builder
		for range 1 + c.random.IntN(80) {
			chunk.WriteString(c.line())
			// The replies keep their order, with other lines in between.
			for c.random.IntN(2) > 0 && len(replies) > 0 {
				chunk.WriteString(replies[0])
				replies = replies[1:]
			}
		}
		for _, reply := range replies {
			chunk.WriteString(reply)
		}
		cut := c.random.IntN(chunk.Len()) // in two pieces, which usually cuts a line
		c.pipe.arrive([]byte(chunk.String()[:cut]))
		c.pipe.arrive([]byte(chunk.String()[cut:]))
		for line := range strings.Lines(chunk.String()) {
			if c.lines++; !strings.HasPrefix(line, `{"`) {
				c.bad = append(c.bad, fmt.Sprint(c.lines))
			}
		}
		synctest.Wait()
		time.Sleep(time.Duration(c.random.IntN(100)) * time.Millisecond)
		synctest.Wait()
	}
	c.pipe.eof()
	if err := <-served; err != nil {
		c.t.Error(err)
	}
	c.take()
	var logged []string
	for _, match := range regexp.MustCompile(`msg="bad line" line=(\d+)`).FindAllStringSubmatch(c.log.String(), -1) {
		logged = append(logged, match[1])
	}
	if !slices.Equal(logged, c.bad) {
		c.t.Errorf("the log has the bad lines %v, want %v", logged, c.bad)
	}
	for id, want := range c.replies {
		c.t.Errorf("request %d got no reply, want %s", id, want)
	}
	if !slices.Equal(c.served, c.inline) {
		c.t.Errorf("inline handlers served %v, want %v", c.served, c.inline)
	}
	for id := int64(1); id <= c.id; id++ {
		if c.times[id] != 1 {
			c.t.Errorf("request %d was served %d times", id, c.times[id])
		}
	}
}
