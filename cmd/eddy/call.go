package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/quantile"
	"github.com/eddyrpc/eddy/natsnet"
)

// callCommand is `eddy call`.
type callCommand struct {
	natsFlags
	Policy string        `default:"default" placeholder:"FILE|PRESET" help:"How often it is attempted, and how long each attempt waits: a file, or one of ${presets}."`
	As     string        `placeholder:"NAME" help:"The client's name; it must be nobody else's. By default a random one."`
	Calls  int           `short:"n" default:"1" help:"Make so many calls, and print a summary."`
	Rate   float64       `default:"0" placeholder:"R" help:"Begin so many calls a second; 0 as fast as they are answered, 64 at a time."`
	Wait   time.Duration `default:"5s" help:"Wait at most this long for a server (${default})."`

	Dest string `arg:"" help:"The node to call."`
	Body string `arg:"" help:"The request's body: a JSON object with a type."`
}

func (callCommand) Help() string {
	return `It prints the reply's body on standard output, and what each attempt has met on standard error.

The exit status is 0 after a reply, 1 after an error reply, 2 without a reply. Of many calls it is the worst.`
}

// The exit statuses of eddy call.
const (
	statusErrorReply = 1
	statusNoReply    = 2
)

func (c *callCommand) Run() error {
	policy, err := eddy.LoadPolicy(c.Policy)
	switch {
	case err != nil:
		return usageError("--policy %s: %w", c.Policy, err)
	case c.Calls < 1 || c.Rate < 0:
		return usageError("-n must be at least 1, --rate not negative")
	case c.As == "":
		c.As = "c-" + randomName()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return c.call(ctx, policy, newStatusLine(os.Stderr), os.Stdout, os.Stderr)
}

func (c *callCommand) call(ctx context.Context, policy *eddy.Policy, status *statusLine, stdout, stderr io.Writer) error {
	node, conn, leave, err := c.join(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if c.Calls == 1 {
		err = c.one(ctx, node, policy, stdout, stderr)
	} else {
		err = c.many(ctx, node, policy, status, stdout)
	}
	counts := conn.Counts()
	if n := counts.Unsent; err != nil && n > 0 {
		fmt.Fprintf(stderr, "%d %s not sent: no server was reached, or the body or a name is too long\n", n, plural("message was", n))
	}
	if n := counts.NoReceiver; err != nil && n > 0 {
		fmt.Fprintf(stderr, "nobody had joined cluster %s as %s when %d %s\n", c.Cluster, c.Dest, n, plural("message was sent", n))
	}
	return err
}

func randomName() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// join makes us a node that serves nothing.
func (c *callCommand) join(ctx context.Context) (*eddy.Node, *natsnet.Conn, func(), error) {
	net, err := c.config(c.As)
	if err != nil {
		return nil, nil, nil, err
	}
	net.Nodes = []string{c.As}
	conn, err := natsnet.Dial(net)
	if err != nil {
		return nil, nil, nil, usageError("%w", err)
	}
	waiting, cancel := context.WithTimeoutCause(ctx, c.Wait, fmt.Errorf("after %v", c.Wait))
	defer cancel()
	if err := conn.Joined(waiting); err != nil {
		conn.Close()
		return nil, nil, nil, statusErr{statusNoReply, fmt.Errorf("no NATS server at %s: %w", c.NATS, err)}
	}
	ready := make(chan struct{})
	node := &eddy.Node{Log: slog.New(slog.DiscardHandler), MaxOpen: max(c.Calls, 1), StopAtEOF: true}
	node.OnInit(func(context.Context) error { close(ready); return nil })
	serving, end := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		node.Serve(serving, conn)
	}()
	<-ready
	return node, conn, func() { end(); <-over }, nil
}

// one makes one call, and tells all of it.
func (c *callCommand) one(ctx context.Context, n *eddy.Node, p *eddy.Policy, stdout, stderr io.Writer) error {
	begun := time.Now()
	reply, attempts, err := n.RPCWithRetry(ctx, c.Dest, eddy.Raw(c.Body), p)
	if reply.Body != nil {
		fmt.Fprintf(stdout, "%s\n", reply.Body)
	}
	if failed, ok := errors.AsType[*eddy.CallError](err); ok {
		for i, a := range failed.Attempts() {
			fmt.Fprintf(stderr, "attempt %d: %v after %v\n", i+1, a.Err, a.Waited.Round(time.Microsecond))
		}
	}
	took := time.Since(begun).Round(time.Microsecond)
	switch {
	case err == nil:
		fmt.Fprintf(stderr, "answered after %d %s, %v\n", attempts, plural("attempt", attempts), took)
		return nil
	case reply.Body != nil:
		return statusErr{statusErrorReply, err}
	case attempts == 0:
		return usageError("%w", err)
	}
	return statusErr{statusNoReply, err}
}

func plural[T int | int64](text string, n T) string {
	switch {
	case n == 1:
		return text
	case strings.Contains(text, " was"):
		return strings.Replace(text, " was", "s were", 1)
	}
	return text + "s"
}

// A tally is what has become of many calls.
type tally struct {
	mu                        sync.Mutex
	answered, refused, silent int
	attempts                  int
	times                     []time.Duration
	errors                    map[string]int
}

func (t *tally) add(reply eddy.Message, attempts int, err error, took time.Duration) (done int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts += attempts
	switch {
	case err == nil:
		t.answered++
		t.times = append(t.times, took)
	case reply.Body != nil:
		t.refused++
	default:
		t.silent++
	}
	if err != nil {
		if t.errors == nil {
			t.errors = make(map[string]int)
		}
		t.errors[err.Error()]++
	}
	return t.answered + t.refused + t.silent
}

// many makes many calls and prints a summary.
func (c *callCommand) many(ctx context.Context, n *eddy.Node, p *eddy.Policy, status *statusLine, stdout io.Writer) error {
	var t tally
	var open sync.WaitGroup
	show := status.bar("calls", c.Calls)
	begun := time.Now()
	room := make(chan struct{}, 64)
	for i := range c.Calls {
		if c.Rate > 0 {
			due := begun.Add(time.Duration(float64(i) / c.Rate * float64(time.Second)))
			select {
			case <-time.After(time.Until(due)):
			case <-ctx.Done():
			}
		} else {
			room <- struct{}{}
		}
		if ctx.Err() != nil {
			break
		}
		open.Go(func() {
			from := time.Now()
			reply, attempts, err := n.RPCWithRetry(ctx, c.Dest, eddy.Raw(c.Body), p)
			done := t.add(reply, attempts, err, time.Since(from))
			if c.Rate == 0 {
				<-room
			}
			t.mu.Lock()
			defer t.mu.Unlock()
			show(done)
		})
	}
	open.Wait()
	status.clear()
	t.print(stdout, time.Since(begun))
	made := t.answered + t.refused + t.silent
	switch {
	case made < c.Calls:
		return statusErr{statusNoReply, fmt.Errorf("interrupted: %d of %d calls were not made", c.Calls-made, c.Calls)}
	case t.silent > 0:
		return statusErr{status: statusNoReply}
	case t.refused > 0:
		return statusErr{status: statusErrorReply}
	}
	return nil
}

func (t *tally) print(to io.Writer, took time.Duration) {
	calls := t.answered + t.refused + t.silent
	fmt.Fprintf(to, "%d calls in %v: %d answered, %d answered with an error, %d without a reply\n",
		calls, took.Round(time.Millisecond), t.answered, t.refused, t.silent)
	fmt.Fprintf(to, "%d attempts, %.4g a call; %.0f calls a second\n",
		t.attempts, float64(t.attempts)/float64(max(calls, 1)), float64(calls)/took.Seconds())
	if len(t.times) > 0 {
		slices.Sort(t.times)
		at := func(q float64) time.Duration { return quantile.Of(t.times, q).Round(time.Microsecond) }
		fmt.Fprintf(to, "time to the reply: p50 %v, p90 %v, p99 %v, longest %v\n", at(0.5), at(0.9), at(0.99), at(1))
	}
	texts := make([]string, 0, len(t.errors))
	for text := range t.errors {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int { return t.errors[b] - t.errors[a] })
	for _, text := range texts[:min(len(texts), 5)] {
		fmt.Fprintf(to, "%d times: %s\n", t.errors[text], text)
	}
}
