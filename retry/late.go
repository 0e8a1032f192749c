package retry

import "fmt"

// Late says what becomes of a late reply.
type Late uint8

const (
	// Accept takes the reply to any attempt as the reply to the call. It is
	// the default: a network that takes 600 ms to answer every message would
	// otherwise fail every call that waits 500 ms, after three answers.
	Accept Late = iota
	// Ignore takes only a reply that came within its attempt's timeout.
	Ignore
)

func (l Late) String() string {
	if l == Ignore {
		return "ignore"
	}
	return "accept"
}

// UnmarshalText reads "accept" or "ignore".
func (l *Late) UnmarshalText(text []byte) error {
	switch string(text) {
	case "accept":
		*l = Accept
	case "ignore":
		*l = Ignore
	default:
		return fmt.Errorf("%q is neither accept nor ignore", text)
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (l Late) MarshalText() ([]byte, error) { return []byte(l.String()), nil }
