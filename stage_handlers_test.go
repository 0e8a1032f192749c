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

// handlers are what a transcript's node serves.
//
//	echo          answers with the request's own fields; inline
//	add           {a,b}: answers with a Go value
//	ask           {to,body,timeout_ms,hedge_ms,final_ms,attempts,late}, or {to,body,policy}: calls
//	              to with body and waits; answers with the reply and the attempts, or passes the
//	              error on
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
//	busy          {ms}: returns temporarily-unavailable, to be tried again after ms
//	count         {ms}: counts, once for each call, and answers with the count after a while
//	count-busy    the same, but the first answer is temporarily-unavailable
//	patience      answers how long its context still lasts, and waits for its end
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
	n.Handle("busy", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, &eddy.Error{Code: eddy.TemporarilyUnavailable, Text: "busy", RetryAfter: milliseconds(req, "ms")}
	})
	n.Handle("patience", func(ctx context.Context, req *eddy.Request) (any, error) {
		deadline, ok := ctx.Deadline()
		if !ok {
			return eddy.Raw(`{"left":"for ever"}`), nil
		}
		left := time.Until(deadline)
		<-ctx.Done()
		return eddy.Raw(fmt.Sprintf(`{"left":%q,"end":%q}`, left, ctx.Err())), nil
	})
	countOnce(n)
	n.Handle("nonsense", func(context.Context, *eddy.Request) (any, error) { return "no object", nil })
}

// countOnce registers what takes effect once for each call.
func countOnce(n *eddy.Node) {
	once := &eddy.Once{MaxReplies: 3}
	var effects, asked atomic.Int64
	count := func(_ context.Context, req *eddy.Request) (any, error) {
		count := effects.Add(1)
		time.Sleep(milliseconds(req, "ms"))
		return map[string]any{"count": count}, nil
	}
	n.Handle("count", once.Handler(count))
	n.Handle("count-busy", once.Handler(func(ctx context.Context, req *eddy.Request) (any, error) {
		if asked.Add(1) == 1 {
			return nil, eddy.Errorf(eddy.TemporarilyUnavailable, "busy")
		}
		return count(ctx, req)
	}))
}

// question is the call that a request asks for.
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
