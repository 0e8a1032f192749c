package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/examples/internal/challenge"
)

func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 1, newNode)
		answers := c.Load(100, time.Second, func(i int) any { return map[string]any{"type": "echo", "echo": i} })
		for i, a := range answers {
			if got := a.Body.Get("echo").String(); a.Type() != "echo_ok" || got != fmt.Sprint(i) {
				t.Fatalf("reply to request %d: %s", i, a.Body)
			}
		}
		challenge.Row(t, "1 Echo", fmt.Sprintf("%s | %.2f | 1 node, 100/s", challenge.Program(t), c.PerOp()))
	})
}
