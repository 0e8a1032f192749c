package plan

import "github.com/eddyrpc/eddy/retry"

// sweepCalls is how many calls each point of a curve against loss is made of.
const sweepCalls = 20_000

// sweepStep is the step from one loss to the next, sweepEnd the last, in percent.
const sweepStep, sweepEnd = 5, 50

// Sweep runs a policy under losses from none to half of all messages, for fewer
// calls each and without the outage. Only the watch's Progress is told, with how
// many calls of all have begun; it stops nothing.
func Sweep(m *Model, p *retry.Policy, w Watch) []Swept {
	var all []Swept
	each := sweepEach(m)
	for percent := 0; percent <= sweepEnd; percent += sweepStep {
		at := *m
		at.Loss, at.Outage, at.Duration, at.Calls = float64(percent)/100, Window{}, 0, each
		before := len(all) * each
		all = append(all, Swept{at.Loss, Run(&at, p, Watch{Progress: func(done int) bool {
			if w.Progress != nil {
				w.Progress(before + done)
			}
			return false
		}})})
	}
	return all
}

func sweepEach(m *Model) int { return min(int(m.calls()), sweepCalls) }

// SweepCalls is how many calls a sweep has in all.
func SweepCalls(m *Model) int { return sweepEach(m) * (sweepEnd/sweepStep + 1) }
