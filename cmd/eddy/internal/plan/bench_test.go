package plan

import (
	"testing"

	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// How many calls per second are simulated on one core.
func BenchmarkRun(b *testing.B) {
	for _, bb := range []struct {
		name   string
		model  Model
		policy *retry.Policy
	}{
		{"default", Model{Loss: 0.1, Latency: dist(b, "exponential:50ms")}, &retry.Policy{}},
		{"budgeted", Model{Loss: 0.1, Latency: dist(b, "exponential:50ms")}, preset(b, "budgeted")},
		{"queue", Model{Loss: 0.1, Latency: dist(b, "exponential:50ms"), Capacity: 2000, Queue: 600}, &retry.Policy{}},
		{"hops=3", Model{Loss: 0.1, Latency: dist(b, "exponential:50ms"), Hops: 3}, &retry.Policy{}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			bb.model.Calls = b.N
			Run(&bb.model, bb.policy, Watch{})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

func dist(t testing.TB, text string) sim.Dist {
	d, err := sim.ParseDist(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func preset(t testing.TB, name string) *retry.Policy {
	p, err := retry.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
