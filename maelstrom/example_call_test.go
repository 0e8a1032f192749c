package maelstrom_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/eddyrpc/eddy/maelstrom"
)

// serve runs a node with the name n1 on these lines, one after the other, and prints what it
// writes.
func serve(n *maelstrom.Node, lines ...string) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	n.Init("n1", []string{"n1", "n2"})
	both := inLockstep(os.Stdout, lines...)
	n.Stdin, n.Stdout = both, both
	if err := n.Run(); err != nil {
		fmt.Println("Run:", err)
	}
}

// A handler calls another node. It may hold a mutex while it waits.
func ExampleNode_SyncRPC() {
	n := maelstrom.NewNode()
	n.Handle("ask", func(msg maelstrom.Message) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		reply, err := n.SyncRPC(ctx, "n2", map[string]any{"type": "read"})
		if err != nil {
			return err
		}
		return n.Reply(msg, map[string]any{"type": "ask_ok", "reply": reply.Body})
	})
	serve(n, `{"src":"c1","dest":"n1","body":{"type":"ask","msg_id":1}}`,
		`{"src":"n2","dest":"n1","body":{"type":"read_ok","value":7,"in_reply_to":1}}`)
	// Output:
	// {"src":"n1","dest":"n2","body":{"msg_id":1,"type":"read"}}
	// {"src":"n1","dest":"c1","body":{"in_reply_to":1,"reply":{"type":"read_ok","value":7,"in_reply_to":1},"type":"ask_ok"}}
}

// A callback gets the reply.
func ExampleNode_RPC() {
	n := maelstrom.NewNode()
	n.Handle("ask", func(msg maelstrom.Message) error {
		return n.RPC("n2", map[string]any{"type": "read"}, func(reply maelstrom.Message) error {
			if err := reply.RPCError(); err != nil {
				return n.Reply(msg, err)
			}
			return n.Reply(msg, map[string]any{"type": "ask_ok"})
		})
	})
	serve(n, `{"src":"c1","dest":"n1","body":{"type":"ask","msg_id":1}}`,
		`{"src":"n2","dest":"n1","body":{"type":"error","code":20,"text":"no such key","in_reply_to":1}}`)
	// Output:
	// {"src":"n1","dest":"n2","body":{"msg_id":1,"type":"read"}}
	// {"src":"n1","dest":"c1","body":{"code":20,"in_reply_to":1,"text":"no such key","type":"error"}}
}

// If no reply comes in time, the node sends the request again. After the last attempt the
// handler returns the error, which is the reply.
func ExampleNode_RPCWithRetry() {
	n := maelstrom.NewNode()
	policy := &maelstrom.Policy{Attempts: 2, Timeout: 100 * time.Millisecond}
	n.Handle("ask", func(msg maelstrom.Message) error {
		_, attempts, err := n.RPCWithRetry(context.Background(), "n2", map[string]any{"type": "read"}, policy)
		if err != nil {
			return err
		}
		return n.Reply(msg, map[string]any{"type": "ask_ok", "attempts": attempts})
	})
	serve(n, `{"src":"c1","dest":"n1","body":{"type":"ask","msg_id":1}}`)
	// Output:
	// {"src":"n1","dest":"n2","body":{"msg_id":1,"type":"read"}}
	// {"src":"n1","dest":"n2","body":{"msg_id":2,"type":"read"}}
	// {"src":"n1","dest":"c1","body":{"code":0,"in_reply_to":1,"text":"RPC failed after 2 attempts","type":"error"}}
}

// A callback learns how the call has ended. The policy is a preset.
func ExampleNode_Call() {
	n := maelstrom.NewNode()
	policy, err := maelstrom.LoadPolicy("hedged")
	if err != nil {
		log.Fatal(err)
	}
	n.Handle("ask", func(msg maelstrom.Message) error {
		return n.Call("n2", map[string]any{"type": "read"}, policy, func(reply maelstrom.Message, attempts int, err error) {
			if err == nil {
				n.Reply(msg, map[string]any{"type": "ask_ok", "attempts": attempts})
			}
		})
	})
	serve(n, `{"src":"c1","dest":"n1","body":{"type":"ask","msg_id":1}}`,
		`{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":1}}`)
	// Output:
	// {"src":"n1","dest":"n2","body":{"msg_id":1,"type":"read"}}
	// {"src":"n1","dest":"c1","body":{"attempts":1,"in_reply_to":1,"type":"ask_ok"}}
}

// A CallError says whether the call surely had no effect.
func ExampleCallError() {
	n := maelstrom.NewNode()
	n.Handle("pay", func(msg maelstrom.Message) error {
		_, _, err := n.RPCWithRetry(context.Background(), "n2", map[string]any{"type": "take"}, nil)
		var call *maelstrom.CallError
		if errors.As(err, &call) {
			fmt.Println("surely no effect:", call.Definite())
		}
		return err
	})
	serve(n, `{"src":"c1","dest":"n1","body":{"type":"pay","msg_id":1}}`,
		`{"src":"n2","dest":"n1","body":{"type":"error","code":14,"text":"no","in_reply_to":1}}`)
	// Output:
	// {"src":"n1","dest":"n2","body":{"msg_id":1,"type":"take"}}
	// surely no effect: true
	// {"src":"n1","dest":"c1","body":{"code":14,"in_reply_to":1,"text":"RPC to n2 failed: no (abort)","type":"error"}}
}

// The handler runs once for two attempts of one call. Both get its reply.
func ExampleNode_HandleOnce() {
	n := maelstrom.NewNode()
	var dedup maelstrom.Dedup
	count := 0
	n.HandleOnce("add", &dedup, func(msg maelstrom.Message) error {
		count++
		return n.Reply(msg, map[string]any{"type": "add_ok", "count": count})
	})
	serve(n, `{"src":"n2","dest":"n1","body":{"type":"add","msg_id":1,"call":"5e1f/1"}}`,
		`{"src":"n2","dest":"n1","body":{"type":"add","msg_id":2,"call":"5e1f/1"}}`)
	// Output:
	// {"src":"n1","dest":"n2","body":{"count":1,"in_reply_to":1,"type":"add_ok"}}
	// {"src":"n1","dest":"n2","body":{"count":1,"in_reply_to":2,"type":"add_ok"}}
}

// A compare-and-set that fails because the value is another one.
func ExampleKV() {
	n := maelstrom.NewNode()
	kv := maelstrom.NewLinKV(n)
	n.Handle("take", func(msg maelstrom.Message) error {
		err := kv.CompareAndSwap(context.Background(), "k", 1, 2, false)
		if maelstrom.ErrorCode(err) == maelstrom.PreconditionFailed {
			return n.Reply(msg, map[string]any{"type": "take_ok", "mine": false})
		}
		return err
	})
	serve(n, `{"src":"c1","dest":"n1","body":{"type":"take","msg_id":1}}`,
		`{"src":"lin-kv","dest":"n1","body":{"type":"error","code":22,"text":"it is 3","in_reply_to":1}}`)
	// Output:
	// {"src":"n1","dest":"lin-kv","body":{"from":1,"key":"k","msg_id":1,"to":2,"type":"cas"}}
	// {"src":"n1","dest":"c1","body":{"in_reply_to":1,"mine":false,"type":"take_ok"}}
}

// Package eddy sends gossip regularly. This begins after init and ends with the input.
func ExampleNode_Eddy() {
	n := maelstrom.NewNode()
	in, send := io.Pipe()
	n.Stdin, n.Stdout = in, os.Stdout
	n.Eddy().Every(time.Hour, func(context.Context) {
		n.Send("n2", map[string]any{"type": "gossip"})
		send.Close()
	})
	go io.WriteString(send, `{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}`+"\n")
	if err := n.Run(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"src":"n1","dest":"c1","body":{"in_reply_to":1,"type":"init_ok"}}
	// {"src":"n1","dest":"n2","body":{"type":"gossip"}}
}

// There is a client for each key-value service, and for others with the same messages. Here
// no reply comes.
func ExampleNewKV() {
	n := maelstrom.NewNode()
	n.Stdout = os.Stdout
	n.Init("n1", []string{"n1"})
	for _, kv := range []*maelstrom.KV{maelstrom.NewLinKV(n), maelstrom.NewSeqKV(n), maelstrom.NewLWWKV(n), maelstrom.NewKV("my-kv", n)} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		if err := kv.Write(ctx, "k", 7); err != context.DeadlineExceeded {
			fmt.Println(err)
		}
		cancel()
	}
	// Output:
	// {"src":"n1","dest":"lin-kv","body":{"key":"k","msg_id":1,"type":"write","value":7}}
	// {"src":"n1","dest":"seq-kv","body":{"key":"k","msg_id":2,"type":"write","value":7}}
	// {"src":"n1","dest":"lww-kv","body":{"key":"k","msg_id":3,"type":"write","value":7}}
	// {"src":"n1","dest":"my-kv","body":{"key":"k","msg_id":4,"type":"write","value":7}}
}

// ErrorCode finds the code of an error that is wrapped.
func ExampleErrorCode() {
	err := fmt.Errorf("while reading: %w", maelstrom.NewRPCError(maelstrom.KeyDoesNotExist, "no such key"))
	fmt.Println(err)
	fmt.Println(maelstrom.ErrorCode(err), maelstrom.ErrorCodeText(20), maelstrom.ErrorCode(io.EOF))
	var rpc *maelstrom.RPCError
	if errors.As(err, &rpc) {
		body, _ := json.Marshal(rpc)
		fmt.Println(string(body))
	}
	// Output:
	// while reading: RPCError(KeyDoesNotExist, "no such key")
	// 20 KeyDoesNotExist -1
	// {"type":"error","code":20,"text":"no such key"}
}

// A struct for a body embeds the fields that any body may have.
func ExampleMessageBody() {
	type broadcast struct {
		maelstrom.MessageBody
		Message int `json:"message"`
	}
	msg := maelstrom.Message{Src: "c1", Dest: "n1", Body: json.RawMessage(`{"type":"broadcast","msg_id":3,"message":7}`)}
	var body broadcast
	fmt.Println(json.Unmarshal(msg.Body, &body), body.Type, body.MsgID, body.Message)

	init := maelstrom.InitMessageBody{MessageBody: maelstrom.MessageBody{Type: "init"}, NodeID: "n1", NodeIDs: []string{"n1"}}
	text, _ := json.Marshal(init)
	fmt.Println(string(text))
	// Output:
	// <nil> broadcast 3 7
	// {"type":"init","node_id":"n1","node_ids":["n1"]}
}

// A HandlerFunc may wrap another one. A node that is not strict replies to a message of an
// unknown type with an error, and goes on.
func ExampleHandlerFunc() {
	n := maelstrom.NewNode()
	n.Strict = false
	named := func(name string, h maelstrom.HandlerFunc) maelstrom.HandlerFunc {
		return func(msg maelstrom.Message) error {
			if err := h(msg); err != nil {
				return maelstrom.NewRPCError(maelstrom.Abort, name+": "+err.Error())
			}
			return nil
		}
	}
	n.Handle("fail", named("fail", func(maelstrom.Message) error { return errors.New("no luck") }))
	serve(n, `{"src":"c1","dest":"n1","body":{"type":"what","msg_id":1}}`,
		`{"src":"c1","dest":"n1","body":{"type":"fail","msg_id":2}}`)
	// Output:
	// {"src":"n1","dest":"c1","body":{"code":10,"in_reply_to":1,"text":"no handler for type what","type":"error"}}
	// {"src":"n1","dest":"c1","body":{"code":14,"in_reply_to":2,"text":"fail: no luck","type":"error"}}
}
