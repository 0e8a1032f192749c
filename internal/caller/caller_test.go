package caller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/outbox"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/wire"
	"github.com/eddyrpc/eddy/retry"
)

const ms = time.Millisecond

// A harness is a Caller over an outbox, and the events of its calls. The owner of a call is
// its name.
type harness struct {
	t      *testing.T
	out    outbox.Outbox
	caller Caller[string]
	ended  func(End[string]) // what the test does at the end of a call, may be nil

	mu     sync.Mutex
	events []string
	block  chan bool // if it is not nil, Write waits until it is closed
}

// in runs a test in virtual time.
func in(t *testing.T, test func(h *harness)) {
	synctest.Test(t, func(t *testing.T) {
		h := &harness{t: t}
		start := time.Now()
		note := func(format string, args ...any) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.events = append(h.events, fmt.Sprint(time.Since(start), " ", fmt.Sprintf(format, args...)))
		}
		h.caller.Open(Settings[string]{
			Out: &h.out, Start: start, Quiet: func() {},
			Ended: func(e End[string]) {
				note("end of %s: %s", e.Call.Owner, describe(e))
				if h.ended != nil {
					h.ended(e)
				}
			},
			Retried: func(r Retry[string]) {
				note("attempt %d of %s, waited %v, error %v", r.Attempt, r.Owner, r.Waited, r.After)
			},
		})
		h.out.Open(h, wire.Dialect{}, 0, &h.caller, func(err error) { t.Error(err) })
		h.out.SetName("n1")
		test(h)
		h.caller.CancelAll(errors.New("the test is over"))
		h.out.Close(context.Background())
	})
}

func describe(e End[string]) string {
	switch {
	case e.Cause != nil:
		return e.Cause.Error()
	case e.Action == schedule.GiveUp:
		return e.Reason.String()
	}
	return "settled"
}

// Write takes messages.
func (h *harness) Write(lines []byte) (int, error) {
	h.mu.Lock()
	block := h.block
	h.mu.Unlock()
	if block != nil {
		<-block
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for line := range bytes.Lines(lines) {
		if !bytes.Contains(line, []byte("filler")) {
			h.events = append(h.events, "  "+string(bytes.TrimSpace(line)))
		}
	}
	return len(lines), nil
}

// call begins a call.
func (h *harness) call(name string, policy *retry.Policy, blocking bool) *calls.Call[string] {
	c := &calls.Call[string]{Policy: policy, Blocking: blocking, Fields: `"type":"` + name + `"`, Owner: name}
	if d := h.begin(c, schedule.Start{}); d.Action != schedule.Send {
		h.t.Fatalf("%s: %v", name, d)
	}
	return c
}

func (h *harness) begin(c *calls.Call[string], start schedule.Start) schedule.Decision {
	h.out.Lock()
	defer h.out.Unlock()
	d := h.caller.Begin(c, "n2", start)
	h.out.Flush()
	return d
}

// reply lets a reply come and returns how the call ended, "" if none did.
func (h *harness) reply(id int64, failure *schedule.Failure) string {
	r := calls.Reply{ID: id, Src: "n2", At: h.caller.now(), Failure: failure}
	if failure != nil {
		r.Err = fmt.Errorf("code %d", failure.Code)
	}
	if end, ok := h.caller.Reply(r, nil); ok {
		return describe(end)
	}
	return ""
}

// fill makes the outbox full.
func (h *harness) fill() {
	h.out.Lock()
	defer h.out.Unlock()
	for !h.out.Full() {
		h.out.Send("n3", `"type":"filler","text":"`+strings.Repeat("x", 100)+`"`)
	}
}

// expect compares the events until now.
func (h *harness) expect(want string) {
	h.t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := "\n" + strings.Join(h.events, "\n"); got != want {
		h.t.Errorf("the events are%s\nwant%s", got, want)
	}
}

// forget forgets the events until now and returns how many they were.
func (h *harness) forget() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.events)
	h.events = nil
	return n
}

func TestAttemptsOfACallWithoutReply(t *testing.T) {
	for _, blocking := range []bool{false, true} {
		in(t, func(h *harness) {
			h.call("a", nil, blocking)
			time.Sleep(time.Minute)
			h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":0}}
500ms attempt 2 of a, waited 500ms, error <nil>
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":1}}
1s attempt 3 of a, waited 500ms, error <nil>
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":2}}
1.5s end of a: attempts used up`)
		})
	}
}

// A reply to any attempt settles a call. Reply returns the end, and Ended is not called.
func TestReply(t *testing.T) {
	in(t, func(h *harness) {
		h.call("a", nil, false)
		time.Sleep(700 * ms)
		if got := h.reply(0, nil); got != "settled" {
			t.Errorf("the late reply to the first attempt: %q", got)
		}
		for _, id := range []int64{0, 1, 7} {
			if got := h.reply(id, nil); got != "" {
				t.Errorf("a reply to %d that no call waits for: %q", id, got)
			}
		}
		time.Sleep(time.Minute)
		h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":0}}
500ms attempt 2 of a, waited 500ms, error <nil>
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":1}}`)
	})
}

// An error reply ends a call, or leads to another attempt if the policy retries its code.
func TestErrorReply(t *testing.T) {
	in(t, func(h *harness) {
		h.call("a", &retry.Policy{Attempts: 2, RetryOn: []int{11}}, false)
		time.Sleep(10 * ms)
		if got := h.reply(0, &schedule.Failure{Code: 11}); got != "" {
			t.Errorf("the first error reply: %q", got)
		}
		time.Sleep(10 * ms)
		if got := h.reply(1, &schedule.Failure{Code: 11}); got != schedule.AttemptsUsedUp.String() {
			t.Errorf("the second error reply: %q", got)
		}
		h.call("b", nil, false)
		if got := h.reply(2, &schedule.Failure{Code: 11}); got != schedule.ErrorNotRetried.String() {
			t.Errorf("an error reply that is not retried: %q", got)
		}
		h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":0}}
10ms attempt 2 of a, waited 10ms, error code 11
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":1}}
  {"src":"n1","dest":"n2","body":{"type":"b","msg_id":2}}`)
	})
}

// A call whose deadline has passed sends nothing. One that has a deadline ends then.
func TestDeadline(t *testing.T) {
	in(t, func(h *harness) {
		time.Sleep(time.Second)
		c := &calls.Call[string]{Fields: `"type":"a"`, Owner: "a"}
		if d := h.begin(c, schedule.Start{Deadline: time.Second}); d.Action != schedule.GiveUp || d.Reason != schedule.DeadlinePassed {
			t.Errorf("%v", d)
		}
		c = &calls.Call[string]{Fields: `"type":"b"`, Owner: "b"}
		if d := h.begin(c, schedule.Start{Deadline: 1200 * ms}); d.Action != schedule.Send {
			t.Errorf("%v", d)
		}
		time.Sleep(time.Minute)
		h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"b","msg_id":0}}
1.2s end of b: deadline passed`)
	})
}

// If the policy propagates, each attempt says how long the caller still waits.
func TestPropagate(t *testing.T) {
	in(t, func(h *harness) {
		h.call("a", &retry.Policy{Attempts: 2, Deadline: 800 * ms, Propagate: true}, false)
		time.Sleep(time.Minute)
		h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"a","deadline_ms":800,"retry":false,"msg_id":0}}
500ms attempt 2 of a, waited 500ms, error <nil>
  {"src":"n1","dest":"n2","body":{"type":"a","deadline_ms":300,"retry":true,"msg_id":1}}
800ms end of a: deadline passed`)
	})
}

// The callbacks of calls that have timed out run one after the other on a goroutine of
// their own. If one blocks, calls still time out, and blocking calls end.
func TestCallbackBlocks(t *testing.T) {
	in(t, func(h *harness) {
		h.ended = func(e End[string]) {
			if e.Call.Owner == "a" {
				time.Sleep(5 * time.Second)
			}
		}
		one := &retry.Policy{Attempts: 1}
		h.call("a", one, false)
		h.call("b", one, false)
		h.call("c", &retry.Policy{Attempts: 1, Timeout: 600 * ms}, true)
		h.call("d", &retry.Policy{Attempts: 2, Timeout: 700 * ms}, false)
		time.Sleep(2 * time.Second)
		h.out.Lock()
		running := h.caller.Running()
		h.out.Unlock()
		if !running {
			t.Error("callbacks are to run, and Running is false")
		}
		time.Sleep(time.Minute)
		h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":0}}
  {"src":"n1","dest":"n2","body":{"type":"b","msg_id":1}}
  {"src":"n1","dest":"n2","body":{"type":"c","msg_id":2}}
  {"src":"n1","dest":"n2","body":{"type":"d","msg_id":3}}
500ms end of a: attempts used up
600ms end of c: attempts used up
700ms attempt 2 of d, waited 700ms, error <nil>
  {"src":"n1","dest":"n2","body":{"type":"d","msg_id":4}}
5.5s end of b: attempts used up
5.5s end of d: attempts used up`)
	})
}

// A callback may end its goroutine. The others run all the same.
func TestGoexitInCallback(t *testing.T) {
	in(t, func(h *harness) {
		h.ended = func(End[string]) { runtime.Goexit() }
		for _, name := range []string{"a", "b", "c"} {
			h.call(name, &retry.Policy{Attempts: 1}, false)
		}
		synctest.Wait()
		h.forget()
		time.Sleep(time.Minute)
		h.expect(`
500ms end of a: attempts used up
500ms end of b: attempts used up
500ms end of c: attempts used up`)
		h.out.Lock()
		defer h.out.Unlock()
		if h.caller.Running() || !h.out.Idle() {
			t.Error("a goroutine is missed")
		}
	})
}

// Cancel ends a call once, and only if it is open.
func TestCancel(t *testing.T) {
	in(t, func(h *harness) {
		a, b := h.call("a", nil, false), h.call("b", nil, false)
		h.reply(1, nil)
		time.Sleep(100 * ms)
		cause := errors.New("the user left")
		if !h.caller.Cancel(a, cause) || h.caller.Cancel(a, cause) || h.caller.Cancel(b, cause) {
			t.Error("Cancel does not report which call was open")
		}
		time.Sleep(time.Minute)
		h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":0}}
  {"src":"n1","dest":"n2","body":{"type":"b","msg_id":1}}
100ms end of a: the user left`)
	})
}

// CancelAll returns when every call has ended, also if callbacks end their goroutine. The
// Caller leaves no timer and no goroutine behind, and a call may begin afterwards.
func TestCancelAll(t *testing.T) {
	in(t, func(h *harness) {
		h.ended = func(e End[string]) {
			if !e.Call.Blocking {
				runtime.Goexit()
			}
		}
		for i := range 100 {
			h.call(fmt.Sprint("call ", i), nil, i%3 == 0)
		}
		synctest.Wait()
		h.forget()
		h.caller.CancelAll(errors.New("the node has ended"))
		if n := h.forget(); n != 100 || h.caller.Table.Open() != 0 {
			t.Errorf("%d calls ended, %d are open", n, h.caller.Table.Open())
		}
		h.ended = nil
		h.call("after", &retry.Policy{Attempts: 1}, false)
		time.Sleep(time.Minute)
		h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"after","msg_id":100}}
500ms end of after: attempts used up`)
	})
}

// A timeout begins when its message has been written.
func TestTimeoutBeginsWhenWritten(t *testing.T) {
	in(t, func(h *harness) {
		h.block = make(chan bool)
		h.call("a", &retry.Policy{Attempts: 1}, false)
		time.Sleep(10 * time.Second)
		close(h.block)
		time.Sleep(time.Minute)
		h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":0}}
10.5s end of a: attempts used up`)
	})
}

// While the outbox is full, a call whose next attempt is due waits for room. A call that
// fails does not wait.
func TestFullOutbox(t *testing.T) {
	in(t, func(h *harness) {
		h.call("a", &retry.Policy{Attempts: 2, Timeout: 600 * ms}, false)
		h.call("b", &retry.Policy{Attempts: 1}, false)
		h.call("c", &retry.Policy{RetryOn: []int{11}}, false)
		synctest.Wait()
		h.block = make(chan bool)
		h.fill() // which a Write takes
		h.out.Lock()
		h.out.Flush()
		h.out.Unlock()
		synctest.Wait()
		h.fill()
		if got := h.reply(2, &schedule.Failure{Code: 11}); got != "" {
			t.Errorf("the error reply: %q", got)
		}
		time.Sleep(time.Second)
		close(h.block)
		time.Sleep(time.Minute)
		h.expect(`
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":0}}
  {"src":"n1","dest":"n2","body":{"type":"b","msg_id":1}}
  {"src":"n1","dest":"n2","body":{"type":"c","msg_id":2}}
500ms end of b: attempts used up
1s attempt 2 of c, waited 1s, error code 11
1s attempt 2 of a, waited 1s, error <nil>
  {"src":"n1","dest":"n2","body":{"type":"c","msg_id":3}}
  {"src":"n1","dest":"n2","body":{"type":"a","msg_id":4}}
1.5s attempt 3 of c, waited 500ms, error <nil>
  {"src":"n1","dest":"n2","body":{"type":"c","msg_id":5}}
1.6s end of a: attempts used up
2s end of c: attempts used up`)
	})
}

// Thousands of calls that time out together all end, in their order.
func TestManyTimeoutsAtOnce(t *testing.T) {
	in(t, func(h *harness) {
		const many = 5000
		var order []string
		h.ended = func(e End[string]) { order = append(order, e.Call.Owner) }
		h.out.Begin()
		for i := range many {
			h.call(fmt.Sprint(i), &retry.Policy{Attempts: 1}, false)
		}
		h.out.End()
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, name := range order {
			if name != fmt.Sprint(i) {
				t.Fatalf("call %s is number %d that ended", name, i)
			}
		}
		if len(order) != many {
			t.Errorf("%d calls ended", len(order))
		}
	})
}

// RetryIf decides about replies whose code is not in RetryOn. The lock is not held meanwhile:
// it makes a call itself. If there is no further attempt, a good reply is the result.
func TestRetryIf(t *testing.T) {
	in(t, func(h *harness) {
		asked := ""
		p := &retry.Policy{Attempts: 2, RetryOn: []int{11}, RetryIf: func(body []byte, err error) bool {
			asked += fmt.Sprintf("%s %v; ", body, err)
			h.call("other", &retry.Policy{Attempts: 1}, false)
			return len(body) > 2
		}}
		reply := func(id int64, body string, failure *schedule.Failure) string {
			r := calls.Reply{ID: id, Src: "n2", At: h.caller.now(), Failure: failure}
			if failure != nil {
				r.Err = fmt.Errorf("code %d", failure.Code)
			}
			if end, ok := h.caller.Reply(r, []byte(body)); ok {
				return strings.TrimSpace(describe(end) + " " + fmt.Sprint(end.Err))
			}
			return ""
		}
		h.call("a", p, false)
		for _, step := range []struct {
			id      int64
			body    string
			failure *schedule.Failure
			want    string
		}{
			{0, "old", nil, ""}, // tries again, by 2
			{0, "old", nil, ""}, // a second reply to the same attempt
			{2, "old", nil, "settled <nil>"},
		} {
			if got := reply(step.id, step.body, step.failure); got != step.want {
				t.Errorf("reply to %d: %q, want %q", step.id, got, step.want)
			}
		}
		if want := "old <nil>; old <nil>; old <nil>; "; asked != want {
			t.Errorf("RetryIf was asked %q", asked)
		}
		asked = ""
		h.caller.CancelAll(errors.New("enough"))
		h.call("b", p, false)
		h.forget()
		first := int64(5)
		reply(first, "{}", &schedule.Failure{Code: 11}) // without RetryIf
		if asked != "" || h.forget() == 0 {
			t.Errorf("RetryIf was asked %q, and there is no second attempt", asked)
		}
		if got := reply(first+1, "{}", &schedule.Failure{Code: 22}); got != "error not retried code 22" {
			t.Errorf("a reply that RetryIf does not retry: %q", got)
		}
	})
}

// If RetryIf panics, the call fails and says so.
func TestRetryIfPanics(t *testing.T) {
	in(t, func(h *harness) {
		h.call("a", &retry.Policy{RetryIf: func([]byte, error) bool { panic("oh") }}, false)
		end, ok := h.caller.Reply(calls.Reply{ID: 0, Src: "n2", At: h.caller.now()}, nil)
		if !ok || fmt.Sprint(end.Err) != "RetryIf of the policy panicked: oh" || end.Action != schedule.GiveUp {
			t.Errorf("%v, %+v", ok, end)
		}
	})
}
