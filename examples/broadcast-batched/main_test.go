package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/examples/internal/challenge"
)

// The node meets the targets of the stages. Time is virtual, so the machine does not matter.
func TestTargets(t *testing.T) {
	for _, stage := range []struct {
		name             string
		period           time.Duration
		mostPerOp        float64
		mostMedian, most time.Duration
	}{
		{"3d", 400 * time.Millisecond, 30, 400 * time.Millisecond, 600 * time.Millisecond},
		{"3e", time.Second, 20, time.Second, 2 * time.Second},
	} {
		t.Run(stage.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := challenge.Start(t, 25, func() *eddy.Node { return newNode(stage.period) })
				c.Latency(100 * time.Millisecond)
				spread, perOp := c.Broadcast(t, 100, 3*time.Second), c.PerOp()
				if perOp >= stage.mostPerOp || spread.Median >= stage.mostMedian || spread.Max >= stage.most {
					t.Errorf("%.1f messages for each operation, known everywhere after %v (median) and %v (most)", perOp, spread.Median, spread.Max)
				}
				setting := fmt.Sprintf("25 nodes, 100/s, -period %v", stage.period)
				challenge.Row(t, stage.name+" Efficient broadcast", fmt.Sprintf("%s | %.2f | %s", challenge.Program(t), perOp, setting))
				challenge.Row(t, stage.name, fmt.Sprintf("< %.0f | %.2f | < %d ms | %d ms | < %d ms | %d ms", stage.mostPerOp, perOp,
					stage.mostMedian.Milliseconds(), spread.Median.Milliseconds(), stage.most.Milliseconds(), spread.Max.Milliseconds()))
			})
		})
	}
}

func TestOutlast(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			challenge.Start(t, 5, func() *eddy.Node { return newNode(time.Second) }).Outlast(t, seed)
		})
	}
}
