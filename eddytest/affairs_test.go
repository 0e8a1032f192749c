package eddytest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/trial"
)

// judge runs one seed of a test.
func judge(t *testing.T, run func(*program.Process), test eddytest.Test, sick trial.Sick) eddytest.Judged {
	t.Helper()
	return eddytest.RunSeed(t, virtually(run), test, 1, func(cfg *trial.Config) { cfg.Sick = sick })
}

func sorted(words []string) string { return strings.Join(slices.Sorted(slices.Values(words)), " ") }

// What nodes say to each other gives warnings, and with --sick fail a violation.
func TestAffairs(t *testing.T) {
	slowWithRaces(t)
	t.Parallel()
	for name, node := range testnode.Affairs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := eddytest.Test{Workload: node.Workload, Nodes: 3, Concurrency: 3, Rate: 60, Time: time.Second}
			want := sorted(strings.Fields(node.Warnings))
			if got := judge(t, node.Run, test, trial.SickWarn); got.Verdict != "pass" || sorted(got.Warnings) != want {
				t.Errorf("%s with warnings %q, want %q\n%s", got.Verdict, got.Warnings, want, got.Text)
			}
			if got := judge(t, node.Run, test, trial.SickFail); want != "" && (got.Verdict != "fail" || sorted(got.Failed) != want) {
				t.Errorf("with SickFail %s by %q, want %q\n%s", got.Verdict, got.Failed, want, got.Text)
			}
		})
	}
}

// A client that gets two replies to one request sees that, whichever nodes sent them.
func TestTwoNodesReply(t *testing.T) {
	t.Parallel()
	test := eddytest.Test{Workload: "echo", Nodes: 2, Rate: 40, Time: 500 * time.Millisecond}
	if got := judge(t, testnode.BothReply, test, trial.SickWarn); got.Verdict != "fail" || sorted(got.Checks) != "extra-reply" {
		t.Errorf("%s by %q\n%s", got.Verdict, got.Checks, got.Text)
	}
}

// A lin-kv store must answer reads of all its keys in the end.
func TestFinalReadsOfKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		node           string
		clients        int
		verdict, check string
	}{
		{"one-key", 10, "fail", "not-linearizable"}, // two groups of clients work on two keys
		{"refuses", 1, "unknown", "no-final-read"},
		{"recovers", 1, "pass", ""},
	} {
		got := judge(t, testnode.Keys[test.node], eddytest.Test{
			Workload: "lin-kv", Nodes: 1, Concurrency: test.clients, Rate: 300, Time: time.Second,
			ClientLatency: "exponential:1ms", // so that requests overlap
		}, trial.SickWarn)
		if got.Verdict != test.verdict || !strings.Contains(sorted(got.Checks), test.check) {
			t.Errorf("%s: %s by %q\n%s", test.node, got.Verdict, got.Checks, got.Text)
		}
	}
}
