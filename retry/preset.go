package retry

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// presets are the policies that have a name. docs/policies.md shows them at work.
var presets = []struct {
	name, purpose string
	policy        Policy
}{
	{"default", "3 attempts of 500 ms each", Policy{}},
	{"patient", "for calls that must succeed: long adaptive timeouts, growing pauses, 30 s in all",
		Policy{
			Attempts: 8, Timeout: time.Second, Adaptive: &Adaptive{Min: 50 * time.Millisecond, Max: 10 * time.Second},
			LastTimeout: 10 * time.Second, Deadline: 30 * time.Second,
			Backoff: Backoff{Kind: Exponential, Base: 100 * time.Millisecond, Cap: 2 * time.Second, Jitter: FullJitter},
			RetryOn: []int{11},
		}},
	{"hedged", "for calls that must be fast: a second attempt after 100 ms, limited by a budget",
		Policy{
			Attempts: 2, Hedge: 100 * time.Millisecond, Timeout: 1500 * time.Millisecond,
			Budget: Budget{Ratio: 0.2, PerSecond: 10},
		}},
	{"budgeted", "the default with a budget: one retry for every five calls, plus 10 per second",
		Policy{Budget: Budget{Ratio: 0.2, PerSecond: 10}}},
}

// Presets returns the names of the presets.
func Presets() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// Purpose returns in a few words what a preset is for, and "" if there is no such
// preset.
func Purpose(name string) string {
	for _, p := range presets {
		if p.name == name {
			return p.purpose
		}
	}
	return ""
}

// Preset returns a copy of the preset of that name.
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
	return nil, fmt.Errorf("no preset is named %q; the presets are %s", name, strings.Join(Presets(), ", "))
}

// Find returns the preset of that name. If there is none, it loads the policy from the
// file of that name, which read returns. The flag --policy of the commands uses it.
func Find(name string, read func(name string) ([]byte, error)) (*Policy, error) {
	if p, err := Preset(name); err == nil {
		return p, nil
	}
	text, err := read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, `./\`):
		return nil, fmt.Errorf("no such file, and no such preset; the presets are %s", strings.Join(Presets(), ", "))
	case err != nil:
		return nil, err
	}
	return Load(text)
}
