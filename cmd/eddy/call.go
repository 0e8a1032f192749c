package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/quantile"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/natsnet"
)

// callCommand is `eddy call`.
type callCommand struct {
	natsFlags
	Policy string        `default:"default" placeholder:"FILE|PRESET" help:"The retry policy: a file, or one of ${presets}."`
	As     string        `placeholder:"NAME" help:"The name of the client, which nobody else may have. Without it, a random name."`
	Calls  int           `short:"n" default:"1" help:"Make this many calls and print a summary (${default})."`
	Rate   float64       `default:"0" placeholder:"N" help:"Begin this many calls per second. 0 means as many as get a reply, at most 64 at a time."`
	Wait   time.Duration `default:"5s" help:"Wait at most this long for a server (${default})."`

	FailFast bool `help:"Let an attempt fail at once, with error 1, if nobody has joined as the node, instead of waiting for a reply."`

	Dest string `arg:"" help:"The node to call."`
	Body string `arg:"" help:"The request's body: a JSON object with a type."`
}

func (callCommand) Help() string {
	return `It prints the body of the reply on standard output and the outcome of each attempt on standard error.

The exit status is 0 after a reply, 1 after an error reply, 2 without a reply. For many calls it is the greatest of these.`
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
	case c.Calls < 1 || !(c.Rate >= 0):
		return usageError("-n must be at least 1, and --rate must be 0 or more")
	case c.As == "":
		c.As = randomName()
	}
	warn(c.Policy, policy)
	ctx, stop := untilSignal()
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
		fmt.Fprintf(stderr, "%d %s not sent: no server was connected, or the body or a name is too long\n", n, plural("message was", n))
	}
	if n := counts.NoReceiver; err != nil && n > 0 {
		fmt.Fprintf(stderr, "nobody had joined cluster %s as %s when %d %s\n", c.Cluster, c.Dest, n, plural("message was sent", n))
	}
	return err
}

func randomName() string { return "c-" + strings.ToLower(rand.Text()) }

// join joins the cluster as a node without handlers.
func (c *callCommand) join(ctx context.Context) (node *eddy.Node, conn *natsnet.Conn, leave func(), err error) {
	net, err := c.config(c.As)
	if err != nil {
		return nil, nil, nil, err
	}
	net.Nodes, net.FailFast = []string{c.As}, c.FailFast
	conn, err = natsnet.Dial(net)
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
	node = &eddy.Node{Log: slog.New(slog.DiscardHandler), MaxOpen: max(c.Calls, 1), StopAtEOF: true}
	node.OnInit(func(context.Context) error { close(ready); return nil })
	serving, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		node.Serve(serving, conn)
	}()
	<-ready
	return node, conn, func() { end(); <-ended }, nil
}

// one makes one call and prints its reply and its attempts.
func (c *callCommand) one(ctx context.Context, n *eddy.Node, p *eddy.Policy, stdout, stderr io.Writer) error {
	begun := time.Now()
	reply, attempts, err := n.RPCWithRetry(ctx, c.Dest, eddy.Raw(c.Body), p)
	if reply.Body != nil {
		if _, err := fmt.Fprintf(stdout, "%s\n", quote.JSON(reply.Body)); err != nil {
			return fmt.Errorf("write the reply: %w", err)
		}
	}
	if failed, ok := errors.AsType[*eddy.CallError](err); ok {
		for i, a := range failed.Attempts() {
			fmt.Fprintf(stderr, "attempt %d: %s after %v\n", i+1, quote.Printable(fmt.Sprint(a.Err)), a.Waited.Round(time.Microsecond))
		}
	}
	took := time.Since(begun).Round(time.Microsecond)
	switch {
	case err == nil:
		fmt.Fprintf(stderr, "%s replied after %d %s, %v\n", quote.Printable(c.Dest), attempts, plural("attempt", attempts), took)
		return nil
	case reply.Body != nil:
		return statusErr{statusErrorReply, printableError{err}}
	case attempts == 0:
		return usageError("%w", err)
	}
	return statusErr{statusNoReply, fmt.Errorf("no reply from %s within %v: %w", quote.Printable(c.Dest), took, printableError{err})}
}

// A printableError is an error with the text of a peer, which must not span lines.
type printableError struct{ error }

func (e printableError) Error() string { return quote.Printable(e.error.Error()) }
func (e printableError) Unwrap() error { return e.error }

func plural[T int | int64](text string, n T) string {
	switch {
	case n == 1:
		return text
	case strings.Contains(text, " was"):
		return strings.Replace(text, " was", "s were", 1)
	}
	return text + "s"
}

// A tally counts the outcomes of many calls.
type tally struct {
	mu                               sync.Mutex
	replies, errorReplies, noReplies int
	attempts                         int
	times                            []time.Duration // of calls with a reply
	errors                           map[string]int
}

func (t *tally) done() int { return t.replies + t.errorReplies + t.noReplies }

// add counts a call and returns how many have ended.
func (t *tally) add(reply eddy.Message, attempts int, err error, took time.Duration) (done int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts += attempts
	switch {
	case err == nil:
		t.replies++
		t.times = append(t.times, took)
	case reply.Body != nil:
		t.errorReplies++
	default:
		t.noReplies++
	}
	if err != nil {
		t.addError(err.Error())
	}
	return t.done()
}

// maxTexts limits the number of error texts that are kept: each may differ.
const maxTexts = 1000

func (t *tally) addError(text string) {
	if t.errors == nil {
		t.errors = make(map[string]int)
	}
	text = quote.Excerpt(text)
	if _, known := t.errors[text]; !known && len(t.errors) >= maxTexts {
		text = "other errors"
	}
	t.errors[text]++
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
			select {
			case <-time.After(time.Until(begun.Add(beginOf(i, c.Rate)))):
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
	var summary strings.Builder
	t.print(&summary, time.Since(begun))
	if _, err := io.WriteString(stdout, summary.String()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	switch made := t.done(); {
	case made < c.Calls:
		return statusErr{statusNoReply, fmt.Errorf("interrupted: %d of %d calls were not made", c.Calls-made, c.Calls)}
	case t.noReplies > 0:
		return statusErr{status: statusNoReply}
	case t.errorReplies > 0:
		return statusErr{status: statusErrorReply}
	}
	return nil
}

// beginOf returns when call i begins, at most after a century.
func beginOf(i int, rate float64) time.Duration {
	const century = 100 * 365 * 24 * time.Hour
	return time.Duration(min(float64(i)/rate*float64(time.Second), float64(century)))
}

func (t *tally) print(to io.Writer, took time.Duration) {
	calls := t.done()
	fmt.Fprintf(to, "%d calls in %v: %d with a reply, %d with an error reply, %d without a reply\n",
		calls, took.Round(time.Millisecond), t.replies, t.errorReplies, t.noReplies)
	fmt.Fprintf(to, "%d attempts, %.4g per call; %.0f calls per second\n",
		t.attempts, float64(t.attempts)/float64(max(calls, 1)), float64(calls)/took.Seconds())
	if len(t.times) > 0 {
		slices.Sort(t.times)
		at := func(q float64) time.Duration { return quantile.Of(t.times, q).Round(time.Microsecond) }
		fmt.Fprintf(to, "time to the reply: p50 %v, p90 %v, p99 %v, longest %v\n", at(0.5), at(0.9), at(0.99), at(1))
	}
	texts := slices.SortedFunc(maps.Keys(t.errors), func(a, b string) int {
		return cmp.Or(t.errors[b]-t.errors[a], strings.Compare(a, b))
	})
	for _, text := range texts[:min(len(texts), 5)] {
		fmt.Fprintf(to, "%d times: %s\n", t.errors[text], text)
	}
}
