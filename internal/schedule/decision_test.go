package schedule

import "testing"

// Every value has a text, also one that does not exist.
func TestTexts(t *testing.T) {
	for action, want := range map[Action]string{
		GiveUp: "give up", Send: "send", Wait: "wait", Pause: "pause", Settle: "settle", 5: "action 5", 255: "action 255",
	} {
		if got := action.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for reason, want := range map[Reason]string{
		NoReason: "", AttemptsUsedUp: "attempts used up", DeadlinePassed: "deadline passed",
		BudgetExhausted: "retry refused by the budget", ErrorNotRetried: "error not retried",
		BreakerOpen: "attempt refused by the circuit breaker", Vetoed: "attempt vetoed by a hook", 7: "reason 7",
	} {
		if got := reason.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
