package retry

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// presets are policies that have a name. docs/policies.md shows what each is good
// for.
var presets = []struct {
	name, purpose string
	policy        Policy
}{
	{"default", "3 attempts, 500 ms each", Policy{}},
	{"patient", "for what must get through: long waits that follow the round trips, growing pauses, half a minute in all",
		Policy{
			Attempts: 8, Timeout: time.Second, Adaptive: &Adaptive{Min: 50 * time.Millisecond, Max: 10 * time.Second},
			LastTimeout: 10 * time.Second, Deadline: 30 * time.Second,
			Backoff: Backoff{Kind: Exponential, Base: 100 * time.Millisecond, Cap: 2 * time.Second, Jitter: FullJitter},
			RetryOn: []int{11},
		}},
	{"hedged", "for what must be quick: a second message after 100 ms, within a budget",
		Policy{
			Attempts: 2, Hedge: 100 * time.Millisecond, Timeout: 1500 * time.Millisecond,
			Budget: Budget{Ratio: 0.2, PerSecond: 10},
		}},
	{"budgeted", "the default, but retries are at most a fifth of the calls, and 10 a second",
		Policy{Budget: Budget{Ratio: 0.2, PerSecond: 10}}},
}

// Presets are the names that Preset knows.
func Presets() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// Purpose tells in a few words what a preset is for; "" if there is none of that
// name.
func Purpose(name string) string {
	for _, p := range presets {
		if p.name == name {
			return p.purpose
		}
	}
	return ""
}

// Preset is the policy of that name, the caller's own.
func Preset(name string) (*Policy, error) {
	for _, preset := range presets {
		if preset.name != name {
			continue
		}
		p := preset.policy
		p.RetryOn = slices.Clone(p.RetryOn)
		if p.Adaptive != nil {
			bounds := *p.Adaptive
			p.Adaptive = &bounds
		}
		return &p, nil
	}
	return nil, fmt.Errorf("there is no preset %q; there are %s", name, strings.Join(Presets(), ", "))
}

// Find is the preset of a name, or else the policy in the file of that name, as
// read returns it: what a command's --policy means.
func Find(name string, read func(name string) ([]byte, error)) (*Policy, error) {
	p, unknown := Preset(name)
	if unknown == nil {
		return p, nil
	}
	text, err := read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, "./\\"):
		return nil, fmt.Errorf("no such file, and %w", unknown)
	case err != nil:
		return nil, err
	}
	return Load(text)
}
