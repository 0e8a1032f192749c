package schedule

import (
	"testing"
	"time"
	"unsafe"

	"github.com/eddyrpc/eddy/retry"
)

// BenchmarkCall measures the decisions for one call that is answered at once.
func BenchmarkCall(b *testing.B) {
	for name, p := range map[string]*retry.Policy{
		"default":  nil,
		"budgeted": {Budget: retry.Budget{Ratio: 0.2, PerSecond: 10}},
		"adaptive": {Adaptive: &retry.Adaptive{}},
		"breaker":  {Breaker: retry.Breaker{Failures: 5, Ratio: 0.5}},
		"hedged":   {Hedge: time.Second, Timeout: 2 * time.Second, HedgePercentile: 95},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var s Schedule
			var dest Destination
			now := time.Duration(0)
			for b.Loop() {
				now += time.Millisecond
				s.Begin(p, Start{Now: now, Dest: &dest})
				s.Written(now)
				s.Reply(now, 1, now)
				s.End()
			}
		})
	}
}

// A schedule is part of every scheduled call, which the table keeps while it is open.
func TestScheduleIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Schedule{}); size > 96 {
		t.Errorf("%d bytes", size)
	}
}
