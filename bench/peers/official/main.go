// Command official is an echo and relay node on the official Go library,
// written as its users write one: SyncRPC under a context with a timeout, in a loop.
//
// The library logs every message; -quiet turns that off as its users do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

func main() {
	quiet := flag.Bool("quiet", false, "turn off the log of the library")
	defaultTimeout := flag.Duration("timeout", 500*time.Millisecond, "how long each attempt waits")
	defaultTries := flag.Int("max-retries", 3, "attempts in all")
	flag.Parse()
	if *quiet {
		log.SetOutput(io.Discard)
	}

	n := maelstrom.NewNode()
	n.Handle("echo", func(msg maelstrom.Message) error { return echo(n, msg) })
	n.Handle("relay", func(msg maelstrom.Message) error {
		return relay(n, msg, *defaultTimeout, *defaultTries)
	})
	if err := n.Run(); err != nil {
		log.SetOutput(flag.CommandLine.Output())
		log.Fatal(err)
	}
}

func echo(n *maelstrom.Node, msg maelstrom.Message) error {
	var body map[string]any
	if err := json.Unmarshal(msg.Body, &body); err != nil {
		return err
	}
	body["type"] = "echo_ok"
	delete(body, "msg_id")
	return n.Reply(msg, body)
}

func relay(n *maelstrom.Node, msg maelstrom.Message, timeout time.Duration, tries int) error {
	var body struct {
		Target     string          `json:"target"`
		Payload    json.RawMessage `json:"payload"`
		TimeoutMS  int             `json:"timeout_ms"`
		MaxRetries int             `json:"max_retries"`
	}
	if err := json.Unmarshal(msg.Body, &body); err != nil {
		return err
	}
	if body.TimeoutMS > 0 {
		timeout = time.Duration(body.TimeoutMS) * time.Millisecond
	}
	if body.MaxRetries > 0 {
		tries = body.MaxRetries
	}

	for attempt := 1; attempt <= tries; attempt++ {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		reply, err := n.SyncRPC(ctx, body.Target, body.Payload)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			continue
		}
		var rpcErr *maelstrom.RPCError
		if err != nil && !errors.As(err, &rpcErr) {
			return err
		}
		return n.Reply(msg, map[string]any{
			"type":     "relay_ok",
			"attempts": attempt,
			"result":   reply.Body,
		})
	}
	return maelstrom.NewRPCError(maelstrom.Timeout, fmt.Sprintf("RPC failed after %d attempts", tries))
}
