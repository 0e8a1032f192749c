package eddytest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// newEcho returns the node under test.
func newEcho() *eddy.Node {
	var n eddy.Node
	n.Handle("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return map[string]any{"echo": req.Body.Get("echo")}, nil
	})
	return &n
}

// Twenty seeds of one workload, under faults.
func ExampleCheck() {
	TestEcho := func(t *testing.T) {
		eddytest.Check(t, newEcho, eddytest.Test{
			Workload: "echo", Nodes: 3, Time: 5 * time.Second,
			ClientLatency: "exponential:20ms", Nemesis: "kill,pause",
		})
	}
	_ = TestEcho // go test runs it
}

// A program that reads lines and writes lines, without a library.
func ExampleCheck_program() {
	program := func(p *eddytest.Process) error {
		in := bufio.NewScanner(p.Stdin)
		for in.Scan() {
			fmt.Fprintln(p.Stdout, strings.Replace(in.Text(), "echo", "echo_ok", 1))
		}
		return in.Err()
	}
	TestEcho := func(t *testing.T) {
		eddytest.Check(t, program, eddytest.Test{Workload: "echo", Nodes: 1})
	}
	_ = TestEcho
}

// echoReader looks at each reply of a bankWorkload by itself.
type echoReader struct{ bankWorkload }

func (echoReader) Read(request, reply eddy.Raw) error {
	if reply.Get("balance") == nil && request.Get("type").String() == `"balance"` {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// A workload of one's own. See bank_test.go for a whole one.
func ExampleWorkload() {
	var own eddytest.Workload = &echoReader{bankWorkload{nodes: 3}}
	_, readsReplies := own.(eddytest.ReplyReader)
	wrong := own.Check([]eddytest.Op{
		{Node: "n1", Outcome: eddytest.OK, Final: true, Reply: eddy.Raw(`{"type":"balance_ok","balance":150}`)},
		{Node: "n2", Outcome: eddytest.OK, Final: true, Reply: eddy.Raw(`{"type":"balance_ok","balance":50}`)},
		{Node: "n3", Outcome: eddytest.Outcome(eddytest.OK), Final: true, Reply: eddy.Raw(`{"type":"balance_ok","balance":99}`)},
	})
	fmt.Println(readsReplies, wrong)
	// Output: true [the balances are map[n1:150 n2:50 n3:99], together 299 and not 300]
}
