// Command eddyblocking is an echo and relay node on package eddy whose relay
// waits for its call, as most handlers are written.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/eddyrpc/eddy"
)

type relayOK struct {
	Type     string   `json:"type"`
	Attempts int      `json:"attempts"`
	Result   eddy.Raw `json:"result"`
}

func main() {
	var level slog.Level
	maxOpen := flag.Int("max-open", 100_000, "calls, and apart from them requests, that may be open")
	timeout := flag.Duration("timeout", 500*time.Millisecond, "how long each attempt waits")
	tries := flag.Int("max-retries", 3, "attempts in all")
	flag.TextVar(&level, "log-level", slog.LevelInfo, "least level that is logged")
	flag.Parse()

	logs := eddy.NewLogQueue(os.Stderr)
	defer logs.Flush(time.Second)
	n := &eddy.Node{
		MaxOpen: *maxOpen,
		Log:     slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: level})),
	}

	n.Handle("echo", func(ctx context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})

	policy := &eddy.Policy{Timeout: *timeout, Attempts: *tries}
	n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
		target, _ := req.Body.Get("target").Text()
		reply, attempts, err := n.RPCWithRetry(ctx, target, req.Body.Get("payload"), policyOf(req.Body, policy))
		if err != nil {
			return nil, err
		}
		return relayOK{Type: "relay_ok", Attempts: attempts, Result: reply.Body}, nil
	})

	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}

// policyOf is the policy, or one of a request's own if it sets something of it.
func policyOf(body eddy.Raw, policy *eddy.Policy) *eddy.Policy {
	ms, timed := body.Get("timeout_ms").Int()
	tries, limited := body.Get("max_retries").Int()
	if !timed && !limited {
		return policy
	}
	own := *policy
	if timed {
		own.Timeout = time.Duration(ms) * time.Millisecond
	}
	if limited {
		own.Attempts = int(tries)
	}
	return &own
}
