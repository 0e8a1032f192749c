package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// A Link is one direction between two names.
type Link struct{ From, To string }

func (l Link) String() string { return l.From + "→" + l.To }

// A LinkConfig is what differs on one link; nil is as everywhere.
type LinkConfig struct {
	Latency         *Dist
	Loss, Duplicate *float64
}

// ParseLink reads FROM:TO:NAME=VALUE,..., with the names latency, loss and
// duplicate, such as n1:n2:loss=0.5,latency=exponential:50ms.
func ParseLink(text string, readFile func(string) ([]byte, error)) (Link, LinkConfig, error) {
	var cfg LinkConfig
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 3 || parts[0] == "" || parts[1] == "" {
		return Link{}, cfg, fmt.Errorf("link %q: want FROM:TO:NAME=VALUE,..., such as n1:n2:loss=0.5,latency=200", text)
	}
	for part := range strings.SplitSeq(parts[2], ",") {
		name, value, _ := strings.Cut(part, "=")
		var err error
		switch name {
		case "latency":
			var d Dist
			d, err = ParseDist(value, readFile)
			cfg.Latency = &d
		case "loss":
			cfg.Loss, err = parseShare(value)
		case "duplicate":
			cfg.Duplicate, err = parseShare(value)
		default:
			err = fmt.Errorf("%q is none of latency, loss, duplicate", name)
		}
		if err != nil {
			return Link{}, cfg, fmt.Errorf("link %q: %w", text, err)
		}
	}
	return Link{parts[0], parts[1]}, cfg, nil
}

func parseShare(text string) (*float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return nil, fmt.Errorf("%q is no number from 0 to 1", text)
	}
	return &f, nil
}
