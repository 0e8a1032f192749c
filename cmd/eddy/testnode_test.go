package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

// testNodes are node programs for the scripts, by name. They number their messages
// from 0 and reply to init and echo, with the differences described below.
var testNodes = map[string]func(){
	// node-echo supports no other type.
	"node-echo": func() { testnode.New(program.OS()).Serve() },

	// node-quiet replies only to init.
	"node-quiet": func() {
		n := testnode.New(program.OS())
		n.On = func(testnode.Message) bool { return true }
		n.Serve()
	},

	// node-relay makes two attempts and waits without a timeout.
	"node-relay": func() {
		n := testnode.New(program.OS())
		var request testnode.Message
		attempt := 0
		n.On = func(m testnode.Message) bool {
			switch {
			case m.Body.Type == "relay":
				request, attempt = m, 1
				n.Send(m.Body.Target, string(m.Body.Payload))
				attempt++
				n.Send(m.Body.Target, string(m.Body.Payload))
			case m.Body.InReplyTo != nil:
				n.Reply(request, fmt.Sprintf(`{"type":"relay_ok","attempts":%d,"result":%s}`, attempt, m.Raw))
			default:
				return false
			}
			return true
		}
		n.Serve()
	},

	// node-ask obeys requests: ask sends a request to a target, line and stderr write
	// a text.
	"node-ask": func() {
		n := testnode.New(program.OS())
		n.On = func(m testnode.Message) bool {
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

	// node-die exits with 3 on the request die, and with 4 at the end of its input.
	"node-die": func() {
		n := testnode.New(program.OS())
		n.On = func(m testnode.Message) bool {
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

	// node-rude replies with characters that control terminals.
	"node-rude": func() {
		n := testnode.New(program.OS())
		n.On = func(m testnode.Message) bool {
			n.Reply(m, `{"type":"echo_ok","echo":"`+"\u009b31m\u202e\x7f"+`"}`)
			return true
		}
		n.Serve()
	},

	// node-hostile writes what a terminal would obey, to standard error and in replies.
	"node-hostile": func() {
		const text = "\x1b[31mred\a\u009b1m\x7f\u202e"
		fmt.Fprintln(os.Stderr, text)
		escaped := strings.NewReplacer("\x1b", `\u001b`, "\a", `\u0007`).Replace(text) + `\nforged`
		n := testnode.New(program.OS())
		n.On = func(m testnode.Message) bool {
			switch m.Body.Type {
			case "ok":
				n.Reply(m, `{"type":"ok_ok","text":"`+escaped+`"}`)
			case "error":
				n.Reply(m, `{"type":"error","code":22,"text":"`+escaped+`"}`)
			default:
				return false
			}
			return true
		}
		n.Serve()
	},

	// node-member is a relay that uses package eddy. It exits on the request die.
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

	// node-unflushed flushes only its reply to init.
	"node-unflushed": func() {
		n := testnode.New(program.OS())
		var held []testnode.Message
		n.On = func(m testnode.Message) bool {
			if m.Body.Type == "init" {
				return false
			}
			held = append(held, m)
			return true
		}
		n.Serve()
		for _, m := range held {
			n.Echo(m)
		}
	},

	// node-exit exits at once.
	"node-exit": func() {},

	// node-hang does not exit at the end of its input.
	"node-hang": func() { testnode.New(program.OS()).Serve(); select {} },

	// node-big replies with the requested number of bytes.
	"node-big": func() {
		n := testnode.New(program.OS())
		n.On = func(m testnode.Message) bool {
			n.Reply(m, `{"type":"big_ok","data":"`+strings.Repeat("x", m.Body.Size)+`"}`)
			return true
		}
		n.Serve()
	},
}
