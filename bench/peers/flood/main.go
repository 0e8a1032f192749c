// Flood is a node that sends the node after it as many messages as it can, and
// answers init and echo: it shows how many messages a network carries.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"
)

type message struct {
	Src  string `json:"src"`
	Body struct {
		Type    string          `json:"type"`
		MsgID   int             `json:"msg_id"`
		NodeID  string          `json:"node_id"`
		NodeIDs []string        `json:"node_ids"`
		Echo    json.RawMessage `json:"echo"`
	} `json:"body"`
}

var (
	rate = flag.Int("rate", 0, "messages a second; 0 for as many as can be")
	out  = bufio.NewWriterSize(os.Stdout, 64<<10)
	mu   sync.Mutex
)

func main() {
	flag.Parse()
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	node := ""
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			mu.Lock() // no line is cut in two
			os.Exit(0)
		}
		if bytes.Contains(line, []byte(`"type":"flood"`)) {
			continue
		}
		var m message
		if json.Unmarshal(line, &m) != nil {
			continue
		}
		answer := fmt.Sprintf(`"type":"echo_ok","echo":%s`, m.Body.Echo)
		if m.Body.Type == "init" {
			node, answer = m.Body.NodeID, `"type":"init_ok"`
		}
		mu.Lock()
		fmt.Fprintf(out, `{"src":%q,"dest":%q,"body":{%s,"in_reply_to":%d}}`+"\n", node, m.Src, answer, m.Body.MsgID)
		out.Flush()
		mu.Unlock()
		if m.Body.Type == "init" {
			go flood(node, next(node, m.Body.NodeIDs))
		}
	}
}

func next(node string, nodes []string) string {
	for i, n := range nodes {
		if n == node {
			return nodes[(i+1)%len(nodes)]
		}
	}
	return node
}

// flood sends messages by the batch: one every 10 ms, or one after the other.
func flood(src, dest string) {
	batch := 500
	ticks := time.NewTicker(10 * time.Millisecond)
	if *rate > 0 {
		batch = max(1, *rate/100)
	}
	for n := 0; ; {
		mu.Lock()
		for range batch {
			fmt.Fprintf(out, `{"src":%q,"dest":%q,"body":{"type":"flood","n":%d}}`+"\n", src, dest, n)
			n++
		}
		out.Flush()
		mu.Unlock()
		if *rate > 0 {
			<-ticks.C
		}
	}
}
