package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// A Chance is what chance does to one message: it loses it, for example. The message is
// identified by its draw, so that the same chance can befall the same message in
// another test with the same seed. Its text is such as "lost 1f0a9c3e55d20b47".
type Chance struct {
	draw     draw
	decision uint64
}

// chanceNames are the decisions about chances.
var chanceNames = map[uint64]string{
	drawLoss:           "lost",
	drawDuplicate:      "duplicated",
	drawDuplicateLoss:  "duplicate-lost",
	drawFaultLoss:      "lost-by-fault",
	drawFaultDuplicate: "duplicated-by-fault",
}

func (c Chance) String() string {
	return fmt.Sprintf("%s %016x", chanceNames[c.decision], uint64(c.draw))
}

// MarshalText writes the chance's text.
func (c Chance) MarshalText() ([]byte, error) {
	if chanceNames[c.decision] == "" {
		return nil, fmt.Errorf("decision %d is not one about a chance", c.decision)
	}
	return []byte(c.String()), nil
}

// UnmarshalText parses a chance's text.
func (c *Chance) UnmarshalText(text []byte) error {
	name, number, _ := strings.Cut(string(text), " ")
	drawn, err := strconv.ParseUint(number, 16, 64)
	for decision, known := range chanceNames {
		if name == known && err == nil {
			*c = Chance{draw(drawn), decision}
			return nil
		}
	}
	return fmt.Errorf("chance %q: must be such as %q", text, Chance{0x1f0a9c3e55d20b47, drawLoss})
}

// Chances returns everything that chance has done so far.
func (n *Network) Chances() []Chance { return n.chances }

// SetChances makes these chances happen, and no others. A chance of a flaky link happens
// only while the link is flaky, and none happens after Quiesce. Latency stays as it is
// drawn. Call it before the first message is sent.
func (n *Network) SetChances(chances []Chance) {
	n.given = make(map[Chance]bool, len(chances))
	for _, c := range chances {
		n.given[c] = true
	}
}

// happens decides about a chance that has a probability.
func (n *Network) happens(d draw, decision uint64, probability float64) bool {
	if probability <= 0 {
		return false
	}
	c := Chance{d, decision}
	if n.given != nil && !n.given[c] || n.given == nil && d.unit(decision) >= probability {
		return false
	}
	n.chances = append(n.chances, c)
	return true
}
