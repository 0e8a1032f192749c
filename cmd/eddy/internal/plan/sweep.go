package plan

import "github.com/eddyrpc/eddy/retry"

// sweepCalls is how many calls each point of a curve against loss is made of.
const sweepCalls = 20_000

// Sweep runs a policy under losses from none to half of all messages, for fewer
// calls each and without the outage.
func Sweep(m *Model, p *retry.Policy) []Swept {
	var all []Swept
	for percent := 0; percent <= 50; percent += 5 {
		at := *m
		at.Loss, at.Outage, at.Duration = float64(percent)/100, Window{}, 0
		at.Calls = min(int(m.calls()), sweepCalls)
		all = append(all, Swept{at.Loss, Run(&at, p, Watch{})})
	}
	return all
}
