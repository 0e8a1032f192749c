package retry

import "testing"

func TestStepText(t *testing.T) {
	for step, want := range map[Step]string{GiveUp: "give up", SendAgain: "send again", Wait: "wait", Pause: "pause", Settle: "settle"} {
		if step.String() != want {
			t.Errorf("got %q, want %q", step, want)
		}
	}
	for why := NoReason; why <= Answered; why++ {
		if (why.String() == "") != (why == NoReason) {
			t.Errorf("%d is %q", why, why)
		}
	}
}
