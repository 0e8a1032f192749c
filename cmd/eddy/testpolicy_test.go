package main

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
)

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
