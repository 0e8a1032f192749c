package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/sick"
)

// testNodes are node programs for the scripts, by name. They number what they
// send from 0, answer init and echo, and each has one thing of its own.
var testNodes = map[string]func(){
	// node-echo knows no other type.
	"node-echo": func() { sick.New().Serve() },

	// node-quiet answers init alone.
	"node-quiet": func() {
		n := sick.New()
		n.On = func(sick.Message) bool { return true }
		n.Serve()
	},

	// node-relay relays with two attempts; after the second it waits for ever.
	"node-relay": func() {
		n := sick.New()
		var asked sick.Message
		attempt := 0
		n.On = func(m sick.Message) bool {
			switch {
			case m.Body.Type == "relay":
				asked, attempt = m, 1
				n.Send(m.Body.Target, string(m.Body.Payload))
				attempt++
				n.Send(m.Body.Target, string(m.Body.Payload))
			case m.Body.InReplyTo != nil:
				n.Reply(asked, fmt.Sprintf(`{"type":"relay_ok","attempts":%d,"result":%s}`, attempt, m.Raw))
			default:
				return false
			}
			return true
		}
		n.Serve()
	},

	// node-ask does what it is told: ask sends a request to a target, line and
	// stderr write a text.
	"node-ask": func() {
		n := sick.New()
		n.On = func(m sick.Message) bool {
			switch m.Body.Type {
			case "ask":
				n.Send(m.Body.Target, string(m.Body.Payload))
			case "line":
				os.Stdout.WriteString(strings.ReplaceAll(m.Body.Text, "!ff", "\xff") + "\n")
			case "stderr":
				fmt.Fprintln(os.Stderr, m.Body.Text)
			default:
				return m.Body.InReplyTo != nil
			}
			n.Reply(m, `{"type":"done"}`)
			return true
		}
		n.Serve()
	},

	// node-die dies when told to, and with 4 at the end of its input.
	"node-die": func() {
		n := sick.New()
		n.On = func(m sick.Message) bool {
			if m.Body.Type == "die" {
				fmt.Fprint(os.Stderr, "one thing\nand \x1b[31manother\n\tthe last")
				os.Exit(3)
			}
			return false
		}
		n.Serve()
		fmt.Fprintln(os.Stderr, "no input, no life")
		os.Exit(4)
	},

	// node-rude says to terminals what they would obey.
	"node-rude": func() {
		n := sick.New()
		n.On = func(m sick.Message) bool {
			n.Reply(m, `{"type":"echo_ok","echo":"`+"\u009b31m\u202e\x7f"+`"}`)
			return true
		}
		n.Serve()
	},

	// node-member relays with package eddy, and dies when told to.
	"node-member": func() {
		var n eddy.Node
		n.Handle("echo", func(_ context.Context, req *eddy.Request) (any, error) {
			return nil, req.ReplyAs("echo_ok", req.Body)
		})
		n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
			to, _ := req.Body.Get("target").Text()
			reply, attempts, err := n.RPCWithRetry(ctx, to, req.Body.Get("payload"), nil)
			if err != nil {
				return nil, err
			}
			return eddy.Raw(fmt.Sprintf(`{"type":"relay_ok","attempts":%d,"result":%s}`, attempts, reply.Body)), nil
		})
		n.Handle("die", func(context.Context, *eddy.Request) (any, error) { os.Exit(3); return nil, nil })
		n.Run()
	},

	// node-exit has gone before anybody talks to it.
	"node-exit": func() {},

	// node-hang does not end with its input.
	"node-hang": func() { sick.New().Serve(); select {} },

	// node-big answers with as many bytes as it is told.
	"node-big": func() {
		n := sick.New()
		n.On = func(m sick.Message) bool {
			n.Reply(m, `{"type":"big_ok","data":"`+strings.Repeat("x", m.Body.Size)+`"}`)
			return true
		}
		n.Serve()
	},
}
