package schedule

import (
	"cmp"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// Races decide for an update of a value that other clients update too. Each of its rounds
// reads the value and swaps it; a round whose swap comes too late is a lost race. Races use a
// Schedule, as a call does whose attempts are the rounds.
type Races struct {
	policy   retry.Policy
	schedule Schedule
}

// defaultRaces let each of 50 clients update one value at the same time, even if every
// message takes 100 ms (TestUpdatesInContention).
var defaultRaces = retry.Policy{
	Attempts: 50,
	Backoff:  retry.Backoff{Kind: retry.Exponential, Base: 10 * time.Millisecond, Cap: 2 * time.Second, Jitter: retry.FullJitter},
}

// lostRace is the only code that the policy of Races retries.
const lostRace = 0

// Begin begins the first round. Only the attempts and the backoff of p count, and those that
// p does not set have a default. The error names the field of p that is invalid.
func (r *Races) Begin(p *retry.Policy, start Start) error {
	r.policy = defaultRaces
	if p != nil {
		if err := p.Validate(); err != nil {
			return err
		}
		r.policy.Attempts = cmp.Or(p.Attempts, r.policy.Attempts)
		r.policy.Backoff = cmp.Or(p.Backoff, r.policy.Backoff)
	}
	r.policy.RetryOn = []int{lostRace}
	r.schedule.Begin(&r.policy, start)
	r.schedule.Written(start.Now)
	return nil
}

// Lost says that the round has lost its race. retryAfter is how long the service asks to be
// left alone. Lost returns Send, Pause or GiveUp. After the pause, call Resume.
func (r *Races) Lost(now, retryAfter time.Duration) Decision {
	failure := Failure{Code: lostRace, Definite: true, RetryAfter: retryAfter}
	return r.next(now, r.schedule.ErrorReply(now, r.schedule.Sent(), -1, failure))
}

// Resume says that a pause is over. It returns Send or GiveUp.
func (r *Races) Resume(now time.Duration) Decision { return r.next(now, r.schedule.Due(now)) }

func (r *Races) next(now time.Duration, d Decision) Decision {
	if d.Action == Send {
		r.schedule.Written(now)
	}
	return d
}

// Rounds returns how many rounds began.
func (r *Races) Rounds() int { return r.schedule.Sent() }
