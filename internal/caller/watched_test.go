package caller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/observer"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/watch"
)

// While a hook decides on a veto, time passes, and messages are written. A call that ends then
// has not waited for less than nothing.
func TestTimePassesDuringAVeto(t *testing.T) {
	in(t, func(h *harness) {
		slow := &calls.Call[string]{Fields: `"type":"a"`, Owner: "a"}
		hooks := &watch.Hooks{Veto: func(*watch.Call, int) error { time.Sleep(time.Second); return nil }}
		slow.Watch(observer.Begin(context.Background(), hooks, watch.Call{}, nil))
		h.begin(slow, schedule.Start{})
		time.Sleep(ms)
		stuck := make(chan bool)
		h.mu.Lock()
		h.block = stuck
		h.mu.Unlock()
		hasDeadline := &calls.Call[string]{Fields: `"type":"b"`, Owner: "b", Blocking: true}
		var outcomes []calls.Outcome
		h.ended = func(e End[string]) {
			if e.Call == hasDeadline {
				outcomes = e.Call.Outcomes(e.At)
			}
		}
		go h.begin(hasDeadline, schedule.Start{Deadline: 500 * ms})
		time.Sleep(700*ms - time.Since(h.caller.set.Start))
		h.mu.Lock()
		h.block = nil
		h.mu.Unlock()
		close(stuck)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(outcomes) != 1 || outcomes[0].Written != 700*ms || outcomes[0].Waited != 800*ms {
			t.Errorf("%+v", outcomes)
		}
	})
}
