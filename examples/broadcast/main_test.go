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
		c := challenge.Start(t, 25, newNode)
		c.Latency(100 * time.Millisecond)
		c.Grid()
		spread := c.Broadcast(t, 100, 3*time.Second)
		challenge.Row(t, "3a, b, c Broadcast", fmt.Sprintf("%s | %.2f | 25 nodes in a grid, 100/s", challenge.Program(t), c.PerOp()))
		challenge.Row(t, "3a, b, c", fmt.Sprintf("none | %.2f | none | %d ms | none | %d ms", c.PerOp(), spread.Median.Milliseconds(), spread.Max.Milliseconds()))
	})
}

func TestOutlast(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			c := challenge.Start(t, 5, newNode)
			c.Grid()
			c.Outlast(t, seed)
		})
	}
}
