package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/retry"
)

// A relay with a preset passes a test that is told of the preset, and fails one that expects
// the default if it sends attempts sooner. The relay is a WebAssembly program, so time is
// virtual.
func TestPresetsPassTheirTests(t *testing.T) {
	t.Parallel()
	relay := filepath.Join(t.TempDir(), "relay.wasm")
	build := exec.Command("go", "build", "-o", relay, "../relay")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	test := func(expects, follows string) *results {
		return eddyTest(t, "-w", "relay", "--bin", relay, "--nodes", "n1,n2", "--policy", expects, "--seed", "1",
			"--loss", "0.1", "--time-limit", "3", "--nemesis", "kill,pause", "--", "--policy", follows)
	}
	for _, name := range retry.Presets() {
		if r := test(name, name); r.Verdict != "pass" {
			t.Errorf("%s: %s\n%s", name, r.Verdict, r.text())
		}
	}
	if r := test("default", "hedged"); r.Verdict != "fail" || !strings.Contains(r.checks(), "attempt-too-soon") {
		t.Errorf("hedged under a test of the default: %s\n%s", r.Verdict, r.text())
	}
}

// The flags --call-... go over the policy, and without a policy over the default.
func TestCallFlags(t *testing.T) {
	type calls struct {
		timeout  time.Duration
		attempts int
		backoff  time.Duration
		ignore   bool
		policy   bool
	}
	for _, tt := range []struct {
		args []string
		want calls
	}{
		{nil, calls{500 * time.Millisecond, 3, 0, false, false}},
		{[]string{"--call-timeout", "0.2", "--call-attempts", "5", "--call-backoff", "30ms", "--call-late", "ignore"},
			calls{200 * time.Millisecond, 5, 30 * time.Millisecond, true, false}},
		{[]string{"--policy", "hedged"}, calls{100 * time.Millisecond, 2, 0, false, true}},
		{[]string{"--policy", "patient"}, calls{time.Second, 8, 2 * time.Second, false, true}},
		{[]string{"--policy", "patient", "--call-attempts", "3", "--call-backoff", "0", "--call-late", "accept"}, calls{time.Second, 3, 0, false, true}},
		{[]string{"--policy", "patient", "--call-backoff", "30ms", "--call-late", "ignore"}, calls{time.Second, 8, 30 * time.Millisecond, true, true}},
		{[]string{"--policy", "hedged", "--call-timeout", "200ms"}, calls{200 * time.Millisecond, 2, 0, false, true}},
	} {
		cfg, err := parsedConfig(t, tt.args)
		if err != nil {
			t.Fatal(err)
		}
		got := calls{cfg.CallTimeout, cfg.CallAttempts, cfg.CallBackoff, cfg.IgnoreLate, cfg.CallPolicy != nil}
		if got != tt.want {
			t.Errorf("%q: %+v, want %+v", tt.args, got, tt.want)
		}
	}
	for _, args := range [][]string{
		{"--policy", "nope"}, {"--policy", "hedged", "--call-late", "ignore"}, {"--policy", "default", "--call-attempts=-1"},
		{"--call-timeout", "0"}, {"--call-attempts", "0"}, {"--call-backoff=-1s"},
	} {
		if cfg, err := parsedConfig(t, args); err == nil {
			t.Errorf("%q: %+v", args, cfg)
		}
	}
}

func parsedConfig(t *testing.T, args []string) (*trial.Config, error) {
	line := &cli{}
	if _, err := newParser(line).Parse(append([]string{"test", "-w", "relay", "--bin", "x"}, args...)); err != nil {
		t.Fatal(err)
	}
	cfg, err := line.Test.config()
	if err != nil {
		return nil, err
	}
	return &cfg.Config, nil
}
