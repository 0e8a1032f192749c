package plan

import "github.com/eddyrpc/eddy/retry"

// A sweep runs sweepCalls at each loss, in steps of sweepStep percent up to sweepEnd.
const (
	sweepCalls = 20_000
	sweepStep  = 5
	sweepEnd   = 50
)

// Sweep runs a policy under losses from none to half of all messages. Each run has
// fewer calls and no outage. Of the watch, it calls only Progress, with the number of
// calls that have begun in all runs, and ignores its result.
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

// SweepCalls returns how many calls a sweep has in all.
func SweepCalls(m *Model) int { return sweepEach(m) * (sweepEnd/sweepStep + 1) }
