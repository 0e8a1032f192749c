package schedule

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

func TestRaces(t *testing.T) {
	const ms = time.Millisecond
	var r Races
	backoff := retry.Backoff{Kind: retry.Constant, Base: 10 * ms}
	r.Begin(&retry.Policy{Attempts: 3, Backoff: backoff}, Start{})
	if d := r.Lost(5*ms, 0); d.Action != Pause || d.Until != 15*ms {
		t.Errorf("after the first round: %+v", d)
	}
	if d := r.Resume(15 * ms); d.Action != Send {
		t.Errorf("after the pause: %+v", d)
	}
	if d := r.Lost(20*ms, 30*ms); d.Action != Pause || d.Until != 50*ms {
		t.Errorf("the service asks for 30 ms: %+v", d)
	}
	if d := r.Resume(50 * ms); d.Action != Send || r.Rounds() != 3 {
		t.Errorf("after the second pause: %+v", d)
	}
	if d := r.Lost(55*ms, 0); d.Action != GiveUp || d.Reason != AttemptsUsedUp {
		t.Errorf("after the last round: %+v", d)
	}
}

// A pause that would reach the deadline is not begun.
func TestRacesUntilTheDeadline(t *testing.T) {
	var r Races
	backoff := retry.Backoff{Kind: retry.Constant, Base: time.Second}
	r.Begin(&retry.Policy{Attempts: 3, Backoff: backoff}, Start{Deadline: time.Second})
	if d := r.Lost(time.Millisecond, 0); d.Action != GiveUp || d.Reason != DeadlinePassed {
		t.Errorf("%+v", d)
	}
}
