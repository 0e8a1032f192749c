package trial

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// The wait before the final phase is as short as the workload allows, unless it is
// configured.
func TestQuiesce(t *testing.T) {
	for _, test := range []struct {
		workload    string
		given, want time.Duration
	}{
		{"echo", -1, 0},
		{"unique-ids", -1, 0},
		{"lin-kv", -1, 0},
		{"broadcast", -1, time.Minute},
		{"relay", -1, time.Minute},
		{"g-set", -1, time.Minute},
		{"g-counter", -1, time.Minute},
		{"pn-counter", -1, time.Minute},
		{"echo", time.Second, time.Second},
		{"broadcast", 0, 0},
	} {
		spec, err := workload.Find(test.workload)
		if err != nil {
			t.Fatal(err)
		}
		cfg := Config{Spec: spec, Quiesce: test.given, Network: sim.Config{Latency: sim.Constant(time.Minute)}}
		if got := cfg.quiesce(); got != test.want {
			t.Errorf("%s, %v given: %v, want %v", test.workload, test.given, got, test.want)
		}
	}
}
