package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/retry"
)

// handlers registers what a transcript's node serves. Those marked "own" run on
// goroutines of their own, the others are inline.
//
//	echo          replies with the request's own fields
//	add           {a,b}: replies with a Go value
//	ask           {to,body,timeout_ms,hedge_ms,final_ms,attempts,late}, or {to,body,policy}: calls
//	              to with body and waits; replies with the reply and the attempts, or with the
//	              error; own
//	ask-later     the same with a callback
//	explain       the same, and replies with all that the caller learns; own
//	hurry         {after,to,body,ms,cause}: the same, after a while, with a context that ends
//	              after ms: by a deadline, or with a code as its cause; says how long it took;
//	              own
//	own           {reply}: replies with that
//	race          {to:[...],body}: calls all of them with callbacks; the first reply wins
//	chain         {to:[...],body}: calls one after the other with callbacks
//	tell          {to,body}: sends a one-way message
//	fail          {code,text}: returns that error; without a code, one that has none
//	busy          {ms}: returns temporarily-unavailable, to be tried again after ms
//	count         {ms}: counts each call once, and replies with the count after a while; own
//	count-busy    the same, but the first reply is temporarily-unavailable; own
//	count-ids     count with ByMsgID; own
//	patience      replies how long its context still lasts, and waits for its end; own
//	patience-inline
//	              replies how long its context still lasts
//	wrap          returns precondition-failed, wrapped
//	slow          {ms}: sleeps; own
//	stand         the same, inline, which an inline handler must not do
//	wait          ask, inline, which an inline handler must not do
//	panic, panic-inline, panic-later, exit, exit-inline, exit-later, forget, forget-own,
//	forget-later, later-never, twice, nonsense
//	              make the mistake that they are called after; exit is runtime.Goexit;
//	              panic, exit and forget-own are own
func handlers(n *eddy.Node) {
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	n.HandleInline("add", func(_ context.Context, req *eddy.Request) (any, error) {
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
	n.HandleInline("tell", func(_ context.Context, req *eddy.Request) (any, error) {
		to, body, _ := question(req)
		return eddy.Raw(`{}`), n.Send(to, body)
	})
	n.HandleInline("own", func(_ context.Context, req *eddy.Request) (any, error) {
		return req.Body.Get("reply"), nil
	})
	slow := func(_ context.Context, req *eddy.Request) (any, error) {
		time.Sleep(milliseconds(req, "ms"))
		return eddy.Raw(`{}`), nil
	}
	n.Handle("slow", slow)
	n.HandleInline("stand", slow)
	handleWaiting(n)
	handleCallbacks(n)
	handleErrors(n)
	handleMistakes(n)
	handleCounts(n)
	handleDeadlines(n)
}

// handleWaiting registers the handlers that wait for calls.
func handleWaiting(n *eddy.Node) {
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
	n.Handle("explain", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		return explanation(n.RPCWithRetry(ctx, to, body, policy)), nil
	})
	n.Handle("hurry", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		time.Sleep(milliseconds(req, "after"))
		start := time.Now()
		if code, ok := req.Body.Get("cause").Int(); ok {
			own, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(milliseconds(req, "ms"), func() { cancel(eddy.Code(code)) })
			ctx = own
		} else {
			own, cancel := context.WithTimeout(ctx, milliseconds(req, "ms"))
			defer cancel()
			ctx = own
		}
		out := explanation(n.RPCWithRetry(ctx, to, body, policy))
		out.Took = time.Since(start).String()
		return out, nil
	})
}

// handleCallbacks registers the handlers that call with callbacks.
func handleCallbacks(n *eddy.Node) {
	n.HandleInline("ask-later", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, body, policy := question(req)
		return eddy.Later, req.Call(ctx, to, body, policy, func(r eddy.Result) {
			if r.Err != nil {
				req.Fail(r.Err)
				return
			}
			req.Reply(asked(req, r.Attempts, r.Reply))
		})
	})
	n.HandleInline("race", func(ctx context.Context, req *eddy.Request) (any, error) {
		var to []string
		req.Body.Get("to").Decode(&to)
		for _, dest := range to {
			req.Call(ctx, dest, req.Body.Get("body"), nil, func(r eddy.Result) {
				if r.Err == nil {
					req.Reply(asked(req, r.Attempts, r.Reply)) // refused for all but the first
				}
			})
		}
		return eddy.Later, nil
	})
	n.HandleInline("chain", func(ctx context.Context, req *eddy.Request) (any, error) {
		var to []string
		if err := req.Body.Get("to").Decode(&to); err != nil || len(to) == 0 {
			return nil, eddy.MalformedRequest
		}
		body := slices.Clone(req.Body.Get("body"))
		var next func(eddy.Result)
		next = func(r eddy.Result) {
			err := r.Err
			switch to = to[1:]; {
			case err != nil:
			case len(to) == 0:
				err = req.Reply(asked(req, r.Attempts, r.Reply))
			default:
				err = req.Call(ctx, to[0], body, nil, next)
			}
			if err != nil {
				req.Fail(err)
			}
		}
		return eddy.Later, req.Call(ctx, to[0], body, nil, next)
	})
}

// handleErrors registers the handlers that return errors.
func handleErrors(n *eddy.Node) {
	n.HandleInline("fail", func(_ context.Context, req *eddy.Request) (any, error) {
		text, _ := req.Body.Get("text").Text()
		if code, ok := req.Body.Get("code").Int(); ok {
			return nil, &eddy.Error{Code: eddy.Code(code), Text: text}
		}
		return nil, errors.New(text)
	})
	n.HandleInline("wrap", func(context.Context, *eddy.Request) (any, error) {
		return nil, fmt.Errorf("set the key: %w", eddy.PreconditionFailed)
	})
	n.HandleInline("busy", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, &eddy.Error{Code: eddy.TemporarilyUnavailable, Text: "busy", RetryAfter: milliseconds(req, "ms")}
	})
}

// handleMistakes registers the handlers that make mistakes.
func handleMistakes(n *eddy.Node) {
	panics := func(context.Context, *eddy.Request) (any, error) { panic("no such luck") }
	exits := func(context.Context, *eddy.Request) (any, error) { runtime.Goexit(); return nil, nil }
	forgets := func(context.Context, *eddy.Request) (any, error) { return nil, nil }
	later := func(callback func(eddy.Result)) eddy.Handler {
		return func(ctx context.Context, req *eddy.Request) (any, error) {
			to, body, policy := question(req)
			return eddy.Later, req.Call(ctx, to, body, policy, callback)
		}
	}
	n.Handle("panic", panics)
	n.HandleInline("panic-inline", panics)
	n.HandleInline("panic-later", later(func(eddy.Result) { panic("no such luck") }))
	n.Handle("exit", exits)
	n.HandleInline("exit-inline", exits)
	n.HandleInline("exit-later", later(func(eddy.Result) { runtime.Goexit() }))
	n.HandleInline("forget", forgets)
	n.Handle("forget-own", forgets)
	n.HandleInline("forget-later", later(func(eddy.Result) {}))
	n.HandleInline("later-never", func(context.Context, *eddy.Request) (any, error) { return eddy.Later, nil })
	n.HandleInline("twice", func(_ context.Context, req *eddy.Request) (any, error) {
		if err := req.Reply(eddy.Raw(`{"n":1}`)); err != nil {
			return nil, err
		}
		return eddy.Raw(`{"n":2}`), nil
	})
	n.HandleInline("nonsense", func(context.Context, *eddy.Request) (any, error) { return "no object", nil })
}

// handleDeadlines registers the handlers that look at the deadline of their request.
func handleDeadlines(n *eddy.Node) {
	left := func(ctx context.Context) string {
		deadline, ok := ctx.Deadline()
		if !ok {
			return "for ever"
		}
		return time.Until(deadline).String()
	}
	n.Handle("patience", func(ctx context.Context, req *eddy.Request) (any, error) {
		left := left(ctx)
		if left == "for ever" {
			return map[string]any{"left": left}, nil
		}
		<-ctx.Done()
		return eddy.Raw(fmt.Sprintf(`{"left":%q,"end":%q}`, left, ctx.Err())), nil
	})
	n.HandleInline("patience-inline", func(ctx context.Context, req *eddy.Request) (any, error) {
		return map[string]any{"left": left(ctx)}, nil
	})
}

// handleCounts registers the handlers behind a Dedup.
func handleCounts(n *eddy.Node) {
	var dedup = &eddy.Dedup{MaxReplies: 3}
	var byID = &eddy.Dedup{MaxReplies: 3, ByMsgID: true}
	var effects, asked atomic.Int64
	count := func(_ context.Context, req *eddy.Request) (any, error) {
		count := effects.Add(1)
		time.Sleep(milliseconds(req, "ms"))
		return map[string]any{"count": count}, nil
	}
	n.Handle("count", dedup.Handler(count))
	n.Handle("count-ids", byID.Handler(count))
	n.Handle("count-busy", dedup.Handler(func(ctx context.Context, req *eddy.Request) (any, error) {
		if asked.Add(1) == 1 {
			return nil, eddy.Errorf(eddy.TemporarilyUnavailable, "busy")
		}
		return count(ctx, req)
	}))
}

// question returns the call that a request asks for.
func question(req *eddy.Request) (to string, body eddy.Raw, p *eddy.Policy) {
	to, _ = req.Body.Get("to").Text()
	if text := req.Body.Get("policy"); text != nil {
		p, err := retry.Load(text)
		if err != nil {
			panic(err)
		}
		p.Attempts = min(p.Attempts, 100) // as below
		return to, req.Body.Get("body"), p
	}
	p = &eddy.Policy{
		Timeout: milliseconds(req, "timeout_ms"), Hedge: milliseconds(req, "hedge_ms"),
		LastTimeout: milliseconds(req, "final_ms"), Deadline: milliseconds(req, "deadline_ms"),
	}
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

// An explained is all that a caller learns.
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
