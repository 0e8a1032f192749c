package retry

import "fmt"

// Late says whether a late reply counts: one that comes after the timeout of its
// attempt.
type Late uint8

const (
	// Accept takes a reply to any attempt as the reply to the call. It is the
	// default: over a network that takes 600 ms for each reply, every call with a
	// timeout of 500 ms would otherwise fail although its attempts get replies.
	Accept Late = iota
	// Ignore takes only a reply that comes before the timeout of its attempt.
	Ignore
)

// String returns "accept" or "ignore".
func (l Late) String() string {
	text, _ := l.name()
	return text
}

// MarshalText returns "accept" or "ignore".
func (l Late) MarshalText() ([]byte, error) {
	text, err := l.name()
	return []byte(text), err
}

// UnmarshalText reads "accept" or "ignore".
func (l *Late) UnmarshalText(text []byte) error {
	switch string(text) {
	case "accept":
		*l = Accept
	case "ignore":
		*l = Ignore
	default:
		return fmt.Errorf("%q must be %s", text, rule("late"))
	}
	return nil
}

func (l Late) name() (string, error) { return name("late", uint8(l), []string{"accept", "ignore"}) }
