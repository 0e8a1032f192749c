package calls

import (
	"errors"
	"testing"

	"github.com/eddyrpc/eddy/internal/observer"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
	"github.com/eddyrpc/eddy/watch"
)

// A reply may have been read just before it is known that its attempt was written. It has not
// come before its attempt.
func TestHooksAreToldNoNegativeTime(t *testing.T) {
	for name, policy := range map[string]*retry.Policy{"simple": {Attempts: 1}, "scheduled": {Attempts: 1, Deadline: 1000 * ms}} {
		var table Table[int]
		var told []watch.Failed
		hooks := &watch.Hooks{Failed: func(_ *watch.Call, f watch.Failed) { told = append(told, f) }}
		c := newCall(&table, "n2", policy)
		o := observer.Begin(t.Context(), hooks, watch.Call{}, nil)
		c.Watch(o)
		begin(t, &table, c, 1, schedule.Start{})
		write(&table, 10*ms)
		table.Reply(Reply{ID: 1, Src: "n2", At: 9 * ms, Failure: &schedule.Failure{Code: 13}, Err: errors.New("no")})
		o.Tell()
		if len(told) != 1 || told[0].Waited != 0 {
			t.Errorf("%s: %+v", name, told)
		}
	}
}

// The end of a pause or of a wait may be due already. Then hooks are told no negative time, and
// a call that goes on does not seem to end.
func TestNext(t *testing.T) {
	for _, test := range []struct {
		decision schedule.Decision
		want     watch.Next
	}{
		{schedule.Decision{Action: schedule.Send}, watch.Next{Again: true}},
		{schedule.Decision{Action: schedule.Pause, Until: 30 * ms}, watch.Next{Again: true, In: 10 * ms}},
		{schedule.Decision{Action: schedule.Pause, Until: 10 * ms}, watch.Next{Again: true}},
		{schedule.Decision{Action: schedule.Wait, Until: 30 * ms, Reason: schedule.BreakerOpen}, watch.Next{In: 10 * ms, Why: schedule.BreakerOpen}},
		{schedule.Decision{Action: schedule.Wait, Until: 10 * ms}, watch.Next{In: 1}},
		{schedule.Decision{Action: schedule.GiveUp, Reason: schedule.AttemptsUsedUp}, watch.Next{Why: schedule.AttemptsUsedUp}},
	} {
		if got := next(test.decision, 20*ms); got != test.want {
			t.Errorf("%+v: %+v", test.decision, got)
		}
	}
}
