package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// A Link is one direction of the connection between two nodes or clients.
type Link struct{ From, To string }

func (l Link) String() string { return l.From + "→" + l.To }

// A LinkConfig overrides the network's configuration on one link. nil means no
// change.
type LinkConfig struct {
	Latency         *Dist
	Loss, Duplicate *float64
}

// ParseLink parses FROM:TO:NAME=VALUE,..., such as
// n1:n2:loss=0.5,latency=exponential:50ms. The names are latency, loss and
// duplicate.
func ParseLink(text string, readFile func(string) ([]byte, error)) (Link, LinkConfig, error) {
	var cfg LinkConfig
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 3 || parts[0] == "" || parts[1] == "" {
		return Link{}, cfg, fmt.Errorf("link %q: must have the form FROM:TO:NAME=VALUE,..., such as n1:n2:loss=0.5,latency=200", text)
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
			err = fmt.Errorf("%q must be latency, loss or duplicate", name)
		}
		if err != nil {
			return Link{}, cfg, fmt.Errorf("link %q: %w", text, err)
		}
	}
	return Link{parts[0], parts[1]}, cfg, nil
}

// parseShare parses a number from 0 to 1.
func parseShare(text string) (*float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return nil, fmt.Errorf("%q must be a number from 0 to 1", text)
	}
	return &f, nil
}
