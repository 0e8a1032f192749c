package main

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/samerun"
	"github.com/eddyrpc/eddy/retry"
)

// The relay does what workload relay checks, under every fault, whether or not it ignores late
// replies.
func TestAllSeeds(t *testing.T) {
	for _, late := range []eddy.Late{retry.Accept, retry.Ignore} {
		t.Run(late.String(), func(t *testing.T) {
			eddytest.Check(t, withPolicy(&eddy.Policy{Late: late}), eddytest.Test{
				Workload: "relay", Nodes: 3, Rate: 40, Time: 8 * time.Second, IgnoreLate: late == retry.Ignore,
				Latency: "exponential:30ms", Loss: 0.1, Duplicate: 0.1, NemesisInterval: time.Second,
				Nemesis: "pause,kill,kill-wipe,partition,slow,flaky,clog,partition-clients", Seeds: longtest.Or(200, 10),
			})
		})
	}
}

// A seed gives the same run in each process.
func TestSameRun(t *testing.T) { samerun.Check(t, 20) }

// withPolicy returns a function that makes relays.
func withPolicy(policy *eddy.Policy) func() *eddy.Node {
	return func() *eddy.Node {
		var n eddy.Node
		n.HandleInline("echo", echo)
		n.HandleInline("relay", relay(policy))
		return &n
	}
}

// A relay with any policy passes a test that is told of this policy.
func TestPolicies(t *testing.T) {
	policies := map[string]string{
		"late is ignored":    `{"late":"ignore","deadline":"1.2s","backoff":{"kind":"constant","base":"800ms"}}`,
		"breaker":            `{"breaker":{"failures":5,"open":"200ms"}}`,
		"calls in flight":    `{"attempts":5,"timeout":"200ms","budget":{"ratio":0.01,"per_second":0.01,"in_flight":2}}`,
		"hedges by the p95":  `{"attempts":4,"hedge":"200ms","hedge_percentile":95,"max_hedges":1}`,
		"backoff by kind":    `{"retry_on":[11],"backoff_after":{"timeout":{"kind":"decorrelated","base":"20ms","cap":"300ms"},"11":{"kind":"constant"}}}`,
		"adaptive, no bound": `{"adaptive":{"max":"2s"},"last_timeout":"3s"}`,
		"propagate":          `{"propagate":true,"call_id":true,"deadline":"2s"}`,
	}
	for _, name := range retry.Presets() {
		policies[name] = ""
	}
	for name, text := range policies {
		t.Run(name, func(t *testing.T) {
			policy, err := retry.Find(name, func(string) ([]byte, error) { return []byte(text), nil })
			if err != nil {
				t.Fatal(err)
			}
			eddytest.Check(t, withPolicy(policy), eddytest.Test{
				Workload: "relay", Nodes: 3, Rate: 40, Time: 8 * time.Second, CallPolicy: policy,
				Latency: "exponential:20ms", Loss: 0.1, NemesisInterval: time.Second,
				Nemesis: "pause,kill,partition", Seeds: longtest.Or(50, 5),
			})
		})
	}
}

// A relay with a preset passes a test that is told of the preset.
func TestPresetsPassTheirTests(t *testing.T) {
	for _, name := range retry.Presets() {
		t.Run(name, func(t *testing.T) {
			policy, err := eddy.LoadPolicy(name)
			if err != nil {
				t.Fatal(err)
			}
			newNode := func() *eddy.Node {
				var n eddy.Node
				n.HandleInline("echo", echo)
				n.HandleInline("relay", relay(policy))
				return &n
			}
			eddytest.Check(t, newNode, eddytest.Test{
				Workload: "relay", Nodes: 3, Rate: 40, Time: 8 * time.Second, CallPolicy: policy,
				Latency: "exponential:30ms", Loss: 0.1, Duplicate: 0.1, NemesisInterval: time.Second,
				Nemesis: "pause,kill,partition", Seeds: longtest.Or(100, 5),
			})
		})
	}
}
