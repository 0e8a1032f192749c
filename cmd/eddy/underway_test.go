package main

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

func init() {
	// This node numbers ids with a counter, which it saves at most every 400 ms. After it
	// was killed, it returns the ids again that it had returned since.
	testNodes["node-saves-late"] = func() {
		text, _ := os.ReadFile("counter") // there is none at first
		count, _ := strconv.Atoi(string(text))
		saved := time.Now()
		n := testnode.New(program.OS())
		n.On = func(m testnode.Message) bool {
			if m.Body.Type != "generate" {
				return false
			}
			if time.Since(saved) > 400*time.Millisecond {
				saved = time.Now()
				os.WriteFile("counter", strconv.AppendInt(nil, int64(count), 10), 0o644)
			}
			count++
			n.Reply(m, fmt.Sprintf(`{"type":"generate_ok","id":"%s-%d"}`, n.ID, count))
			return true
		}
		n.Serve()
	}
}

// No client got the ids that were under way when the node was killed. They count: the node
// has given them away.
func TestIDsUnderWayAtAKill(t *testing.T) {
	t.Parallel()
	r := eddyTest(t, "-w", "unique-ids", "--bin", "node-saves-late", "--node-count", "3", "--nemesis", "kill", "--nemesis-interval", "1",
		"--client-latency", "500", "--rate", "100", "--concurrency", "8n", "--time-limit", "4", "--seed", "1")
	if r.Verdict != "fail" || r.checks() != "duplicate-id" {
		t.Errorf("%s by %s\n%s", r.Verdict, r.checks(), r.text())
	}
}
