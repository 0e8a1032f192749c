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
		c := challenge.Start(t, 3, newNode)
		c.Isolate("n1")
		ids := map[string]bool{}
		for _, a := range c.Load(1000, time.Second, func(int) any { return map[string]any{"type": "generate"} }) {
			id, ok := a.Body.Get("id").Text()
			if !ok || ids[id] {
				t.Fatalf("reply %s has no id, or one that was given before", a.Body)
			}
			ids[id] = true
		}
		challenge.Row(t, "2 Unique ids", fmt.Sprintf("%s | %.2f | 3 nodes, 1000/s", challenge.Program(t), c.PerOp()))
	})
}
