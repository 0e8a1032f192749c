package schedule

import "testing"

func TestStepText(t *testing.T) {
	for step, want := range map[Action]string{GiveUp: "give up", Send: "send", Wait: "wait", Pause: "pause", Settle: "settle"} {
		if step.String() != want {
			t.Errorf("got %q, want %q", step, want)
		}
	}
	for why := NoReason; why <= ErrorNotRetried; why++ {
		if (why.String() == "") != (why == NoReason) {
			t.Errorf("%d is %q", why, why)
		}
	}
}
