package maelstrom_test

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/eddyrpc/eddy/maelstrom"
)

// An echo node as the official library's programs write it.
func Example() {
	n := maelstrom.NewNode()
	lines := inLockstep(os.Stdout,
		`{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}`,
		`{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":2,"echo":9007199254740993}}`)
	n.Stdin, n.Stdout = lines, lines // a program does not set them
	n.Handle("echo", func(msg maelstrom.Message) error {
		var body map[string]json.RawMessage
		if err := json.Unmarshal(msg.Body, &body); err != nil {
			return err
		}
		body["type"] = json.RawMessage(`"echo_ok"`)
		return n.Reply(msg, body)
	})
	if err := n.Run(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"src":"n1","dest":"c1","body":{"in_reply_to":1,"type":"init_ok"}}
	// {"src":"n1","dest":"c1","body":{"echo":9007199254740993,"in_reply_to":2,"msg_id":2,"type":"echo_ok"}}
}
