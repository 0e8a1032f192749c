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

	n.HandleInline("echo", func(ctx context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})

	policy := &eddy.Policy{Timeout: *timeout, Attempts: *tries}
	n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
		target, payload, policy := readRelay(req.Body, policy)
		reply, attempts, err := n.RPCWithRetry(ctx, target, payload, policy)
		if err != nil {
			return nil, err
		}
		return relayOK{Type: "relay_ok", Attempts: attempts, Result: reply.Body}, nil
	})

	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}

// readRelay returns what a relay asks for. The policy is its own if it sets some of it.
func readRelay(body eddy.Raw, policy *eddy.Policy) (target string, payload eddy.Raw, _ *eddy.Policy) {
	for name, value := range body.Members() {
		switch string(name) {
		case "target":
			target, _ = value.Text()
		case "payload":
			payload = value
		case "timeout_ms", "max_retries":
			policy = changed(policy, string(name), value)
		}
	}
	return target, payload, policy
}

// changed is a copy of the policy with what a request sets of it.
func changed(policy *eddy.Policy, name string, value eddy.Raw) *eddy.Policy {
	own := *policy
	n, ok := value.Int()
	switch {
	case !ok:
	case name == "timeout_ms":
		own.Timeout = time.Duration(n) * time.Millisecond
	default:
		own.Attempts = int(n)
	}
	return &own
}
