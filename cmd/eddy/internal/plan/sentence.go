package plan

import (
	"fmt"
	"math"
	"time"
)

// Sentence says in one sentence what a policy did, with the means of all runs.
func (p *Planned) Sentence(m *Model) string {
	s := p.Sample
	if m.Outage.For == 0 {
		return fmt.Sprintf("%s: %s of the calls succeed, for %s requests at the leaf per call; one call in a hundred takes %s or longer.",
			p.Name, percent(s.Success), short(s.Deliveries, 3), span(s.P99))
	}
	least, greatest := s.Least.recovered(), s.Greatest.recovered()
	switch {
	case math.IsInf(least, 1):
		offered, useful := p.atTheEnd(m)
		text := fmt.Sprintf("%s never recovers: long after the outage %s requests per second still arrive at the leaf", p.Name, number(load3(offered)))
		if m.Capacity > 0 {
			text += ", which can serve " + number(m.Capacity)
		}
		return text + fmt.Sprintf(", and %s of the calls succeed.", percent(useful))
	case math.IsInf(greatest, 1):
		return fmt.Sprintf("%s does not always recover: in some of %d runs at the earliest %s after the outage, in others never.", p.Name, s.Runs, span(least))
	case greatest == 0:
		return fmt.Sprintf("%s recovers at once; %s of all calls succeed.", p.Name, percent(s.Success))
	case least == greatest:
		return fmt.Sprintf("%s recovers %s after the outage; %s of all calls succeed.", p.Name, span(least), percent(s.Success))
	}
	return fmt.Sprintf("%s recovers %s to %s after the outage; %s of all calls succeed.", p.Name, span(least), span(greatest), percent(s.Success))
}

// atTheEnd returns the requests per second that reach the leaf in the last quarter of the time
// after the outage, and the share of the calls that begin then and succeed.
func (p *Planned) atTheEnd(m *Model) (offered, useful float64) {
	loads := p.Sample.Load
	after := 0
	for after < len(loads) && loads[after].At < float64(m.Outage.end())/float64(time.Millisecond) {
		after++
	}
	loads = loads[after:]
	loads = loads[len(loads)*3/4:]
	begun := 0.0
	for _, l := range loads {
		offered += l.Offered / float64(len(loads))
		useful += l.Useful
		begun += l.Begun
	}
	return offered, useful / max(begun, 1)
}

// percent shows a share. Only all is 100 %, and only none is 0 %.
func percent(share float64) string {
	for digits := 3; digits < 9; digits++ {
		text := short(share*100, digits)
		if (text != "100" || share == 1) && (text != "0" || share == 0) {
			return text + " %"
		}
	}
	return short(share*100, 10) + " %"
}

// span shows milliseconds.
func span(ms float64) string {
	if ms >= 1000 {
		return short(ms/1000, 3) + " s"
	}
	return short(ms, 3) + " ms"
}

// load3 rounds a rate to three digits.
func load3(v float64) float64 {
	if v < 1 {
		return v
	}
	step := math.Pow10(max(int(math.Log10(v))-2, 0))
	return math.Round(v/step) * step
}
