package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/policytest"
	"github.com/eddyrpc/eddy/retry"
)

const ms = time.Millisecond

// play tells a schedule what a line says, and returns its decision:
//
//	0 begin | 0 written | 500 due | 600 reply 1 | 600 error 1 11 [retry_after_ms]
func play(t *testing.T, s *Schedule, p *retry.Policy, start Start, written map[int]time.Duration, line string) string {
	t.Helper()
	var at, n, code, after int
	var event string
	fmt.Sscan(line, &at, &event, &n, &code, &after)
	now := time.Duration(at) * ms
	var decision Decision
	switch event {
	case "begin":
		start.Now = now
		decision = s.Begin(p, start)
	case "written":
		written[s.Sent()] = now
		decision = s.Written(now)
	case "due":
		decision = s.Due(now)
	case "reply":
		decision = s.Reply(now, n, written[n])
	case "error":
		decision = s.ErrorReply(now, n, written[n], Failure{Code: code, Definite: code == 11 || code == 22, RetryAfter: time.Duration(after) * ms})
	default:
		t.Fatalf("%q is not an event", line)
	}
	return show(decision)
}

func show(d Decision) string {
	text := d.Action.String()
	if d.Until == Never {
		text += " never"
	} else if d.Until != 0 {
		text += " " + fmt.Sprint(d.Until.Milliseconds())
	}
	if d.Reason != NoReason {
		text += ", " + d.Reason.String()
	}
	return text
}

func TestSchedule(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy string
		start  Start
		lines  string
	}{
		{"three timeouts", `{}`, Start{}, `
			0 begin      send never
			5 written    wait 505
			505 due      send never
			505 written  wait 1005
			900 due      wait 1005
			1005 due     send never
			1010 written wait 1510
			1510 due     give up, attempts used up`},
		{"a late reply", `{}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     send never
			550 reply 1 settle`},
		{"a late reply, ignored", `{"late":"ignore"}`, Start{}, `
			0 begin      send never
			0 written    wait 500
			500 due      send never
			520 reply 1  wait never
			550 written  wait 1050
			600 reply 1  wait 1050
			700 reply 2  settle`},
		{"no policy", `null`, Start{}, `
			0 begin        send never
			0 written      wait 500
			10 error 1 11  give up, error not retried`},
		{"the last timeout is longer", `{"attempts":2,"last_timeout":"2s"}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     send never
			500 written wait 2500
			2500 due    give up, attempts used up`},
		{"hedge", `{"attempts":2,"hedge":"50ms","timeout":"1s"}`, Start{}, `
			0 begin    send never
			0 written  wait 50
			50 due     send never
			50 written wait 1050
			60 reply 1 settle`},
		{"the deadline ends the last timeout", `{"deadline":"700ms"}`, Start{}, `
			0 begin     send 700
			0 written   wait 500
			500 due     send 700
			500 written wait 700
			700 due     give up, deadline passed`},
		{"no attempt begins at the deadline", `{"deadline":"500ms"}`, Start{}, `
			0 begin     send 500
			0 written   wait 500
			500 due     give up, deadline passed`},
		{"the attempt is not written out before the deadline", `{"deadline":"500ms"}`, Start{}, `
			0 begin     send 500
			500 due     give up, deadline passed`},
		{"the context's deadline is earlier", `{"deadline":"1s"}`, Start{Deadline: 300 * ms}, `
			100 begin   send 300
			100 written wait 300`},
		{"the deadline has passed", `{}`, Start{Deadline: 300 * ms}, `
			300 begin   give up, deadline passed`},
		{"a pause that would pass the deadline is not begun", `{"deadline":"600ms","backoff":{"kind":"constant"}}`, Start{}, `
			0 begin     send 600
			0 written   wait 500
			500 due     wait 600, deadline passed
			550 reply 1 settle`},
		{"the same, and there is no late reply", `{"deadline":"600ms","backoff":{"kind":"constant"}}`, Start{}, `
			0 begin     send 600
			0 written   wait 500
			500 due     wait 600, deadline passed
			600 due     give up, deadline passed`},
		{"the same, and late replies are ignored", `{"deadline":"600ms","backoff":{"kind":"constant"},"late":"ignore"}`, Start{}, `
			0 begin     send 600
			0 written   wait 500
			500 due     give up, deadline passed`},
		{"pauses", `{"attempts":2,"backoff":{"kind":"exponential","base":"100ms"}}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     pause 600
			600 due     send never
			600 written wait 1100
			1100 due    give up, attempts used up`},
		{"a reply during a pause", `{"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     pause 600
			550 reply 1 settle`},
		{"a reply during a pause, ignored", `{"backoff":{"kind":"constant"},"late":"ignore"}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     pause 600
			550 reply 1 pause 600`},
		{"an error that is retried", `{"attempts":2,"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			10 error 1 11  send never
			10 written     wait 510
			20 error 2 11  give up, attempts used up`},
		{"an error that is not", `{"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			10 error 1 22  give up, error not retried`},
		{"a retried error of an earlier attempt", `{"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			510 error 1 11 wait 1000
			520 error 2 11 send never`},
		{"a retried error, while another attempt may still be answered", `{"attempts":2,"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			520 error 2 11 wait 1000, attempts used up
			600 error 1 11 give up, attempts used up`},
		{"the same, and it is not answered", `{"attempts":2,"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			520 error 2 11 wait 1000, attempts used up
			999 due        wait 1000, attempts used up
			1000 due       give up, attempts used up`},
		{"pushback", `{"retry_on":[11],"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin           send never
			0 written         wait 500
			10 error 1 11 300 pause 310
			310 due           send never
			310 written       wait 810
			320 error 2 11 50 pause 420`},
		{"pushback is limited", `{"retry_on":[11],"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin             send never
			0 written           wait 500
			10 error 1 11 60000 pause 5110`},
		{"pushback without backoff", `{"retry_on":[11]}`, Start{}, `
			0 begin             send never
			0 written           wait 500
			10 error 1 11 60000 pause 5010`},
		{"pushback past the deadline", `{"retry_on":[11],"deadline":"2s"}`, Start{}, `
			0 begin            send 2000
			0 written          wait 500
			10 error 1 11 3000 give up, deadline passed`},
		{"pushback during a pause", `{"retry_on":[11],"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin            send never
			0 written          wait 500
			500 due            pause 600
			510 error 1 11     pause 600
			600 due            send never`},
		{"pushback makes a pause longer", `{"retry_on":[11],"backoff":{"kind":"constant"},"deadline":"2s"}`, Start{}, `
			0 begin            send 2000
			0 written          wait 500
			500 due            pause 600
			510 error 1 11 300 pause 810
			810 due            send 2000`},
		{"pushback makes a pause too long", `{"retry_on":[11],"backoff":{"kind":"constant"},"deadline":"2s"}`, Start{}, `
			0 begin             send 2000
			0 written           wait 500
			500 due             pause 600
			510 error 1 11 3000 give up, deadline passed`},
		{"propagate: an indefinite error waits for the others", `{"propagate":true}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			510 error 2 0  wait 1000
			600 reply 1    settle`},
		{"propagate: an indefinite error to the only attempt", `{"propagate":true}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			10 error 1 0   give up, error not retried`},
		{"propagate: a definite error", `{"propagate":true}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			510 error 2 22 give up, error not retried`},
		{"propagate: a retried error after an indefinite one", `{"propagate":true,"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			510 error 2 13 wait 1000
			520 error 1 11 send never`},
		{"propagate: no retry on behalf of a retry", `{"propagate":true,"last_timeout":"700ms"}`, Start{OnBehalfOfRetry: true}, `
			0 begin     send never
			0 written   wait 700
			700 due     give up, attempts used up`},
		{"no propagate: a retry on behalf of a retry", `{}`, Start{OnBehalfOfRetry: true}, `
			0 begin     send never
			0 written   wait 500
			500 due     send never`},
		{"adaptive without a destination", `{"adaptive":{}}`, Start{}, `
			0 begin     send never
			0 written   wait 500`},
		{"adaptive, last timeout", `{"attempts":1,"adaptive":{},"last_timeout":"3s"}`, Start{}, `
			0 begin     send never
			0 written   wait 3000`},
		{"adaptive, the last attempt", `{"attempts":1,"adaptive":{}}`, Start{Dest: &Destination{}}, `
			0 begin     send never
			0 written   wait 500
			500 due     give up, attempts used up
			500 begin   send never
			500 written wait 1500`},
		{"adaptive, hedged", `{"attempts":2,"adaptive":{},"hedge":"100ms"}`, Start{Dest: &Destination{}}, `
			0 begin     send never
			0 written   wait 100
			100 due     send never
			100 written wait 600
			200 reply 2 settle
			200 begin   send never
			200 written wait 300
			300 due     send never
			300 written wait 600`},
		{"adaptive learns from late replies that are ignored", `{"adaptive":{},"late":"ignore"}`, Start{Dest: &Destination{}}, `
			0 begin      send never
			0 written    wait 500
			500 due      send never
			500 written  wait 1500
			600 reply 1  wait 1500
			700 reply 2  settle
			800 begin    send never
			800 written  wait 2650`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy := load(t, tt.policy)
			var s Schedule
			written := map[int]time.Duration{}
			for _, line := range strings.Split(strings.TrimSpace(tt.lines), "\n") {
				line = strings.TrimSpace(line)
				event, want := cutLine(line)
				if got := play(t, &s, policy, tt.start, written, event); got != want {
					t.Fatalf("%s: got %q", line, got)
				}
			}
		})
	}
}

// cutLine cuts a line into the event and the decision that it expects.
func cutLine(line string) (event, want string) {
	for _, action := range []Action{GiveUp, Send, Wait, Pause, Settle} {
		if at := strings.Index(line, " "+action.String()); at > 0 {
			return line[:at], line[at+1:]
		}
	}
	return line, ""
}

func load(t *testing.T, text string) *retry.Policy {
	t.Helper()
	if text == "null" {
		return nil
	}
	p, err := retry.Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// If the budget refuses a hedge, the call still waits for its first attempt. If it
// refuses a retry, the call waits as long as its last attempt would.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ name, policy, lines string }{
		{"hedge", `{"hedge":"50ms","timeout":"1s","budget":{"ratio":0.1,"per_second":0.001}}`, `
			0 begin    send never
			0 written  wait 50
			50 due     wait 1000, retry refused by the budget
			1000 due   give up, retry refused by the budget`},
		{"last timeout", `{"last_timeout":"900ms","budget":{"ratio":0.1,"per_second":0.001}}`, `
			0 begin     send never
			0 written   wait 500
			500 due     wait 900, retry refused by the budget
			800 reply 1 settle`},
		{"no hedge", `{"budget":{"ratio":0.1,"per_second":0.001}}`, `
			0 begin    send never
			0 written  wait 500
			500 due    give up, retry refused by the budget`},
		{"error", `{"budget":{"ratio":0.1,"per_second":0.001},"retry_on":[11]}`, `
			0 begin       send never
			0 written     wait 500
			90 error 1 11 give up, retry refused by the budget`},
		{"late replies are ignored", `{"last_timeout":"900ms","late":"ignore","budget":{"ratio":0.1,"per_second":0.001}}`, `
			0 begin    send never
			0 written  wait 500
			500 due    give up, retry refused by the budget`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy := load(t, tt.policy)
			for _, start := range []Start{{Dest: &Destination{}}, {Node: &Window{}}, {Node: &Window{}, Dest: &Destination{}}} {
				var s Schedule
				written := map[int]time.Duration{}
				for _, line := range strings.Split(strings.TrimSpace(tt.lines), "\n") {
					event, want := cutLine(strings.TrimSpace(line))
					if got := play(t, &s, policy, start, written, event); got != want {
						t.Fatalf("%s: got %q", line, got)
					}
				}
				if start.Node != nil && start.Node.Refused() != 1 || start.Dest != nil && start.Dest.Window.Refused() != 1 {
					t.Error("a refusal was not counted")
				}
			}
		})
	}
}

// If no schedule is needed, a schedule decides as MaxAttempts, AttemptTimeout, Accepts
// and AfterTimeout do, on which a node relies.
func TestSimpleSchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policytest.Simple(t)
		if Needed(p) {
			t.Fatal("a schedule is needed")
		}
		var s Schedule
		now := time.Duration(0)
		decision := s.Begin(p, Start{})
		for decision.Action == Send {
			if decision = s.Written(now); decision.Action != Wait || decision.Until != plus(now, p.AttemptTimeout(s.Sent())) {
				t.Fatalf("attempt %d: %+v, want to wait for %v", s.Sent(), decision, p.AttemptTimeout(s.Sent()))
			}
			now = decision.Until
			if now == Never {
				return
			}
			sent, want := s.Sent(), AfterTimeout(p, s.Sent())
			if decision = s.Due(now); decision.Action != want {
				t.Fatalf("attempt %d: %v, want %v", sent, decision.Action, want)
			}
			late := s
			if got := late.Reply(now, sent, 0).Action == Settle; want == Send && got != Accepts(p, true) {
				t.Fatalf("a late reply settles: %v", got)
			}
		}
		if s.Sent() != p.MaxAttempts() {
			t.Fatalf("%d attempts of %d", s.Sent(), p.MaxAttempts())
		}
	})
}

func TestSimpleScheduleAllocatesNothing(t *testing.T) {
	var s Schedule
	for _, p := range []*retry.Policy{nil, {}, {Attempts: 5, Late: retry.Ignore, Hedge: 1}} {
		if got := testing.AllocsPerRun(100, func() {
			decision := s.Begin(p, Start{})
			for decision.Action == Send {
				decision = s.Due(s.Written(0).Until)
			}
		}); got != 0 {
			t.Errorf("%v allocations", got)
		}
	}
}

// Whatever happens to a call, it ends within MaxDuration and its deadline, with at most
// MaxAttempts. No attempt begins at or after the deadline. A call that waits is due at
// some time, which has not passed.
func TestAnySchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policytest.Any(t)
		if err := p.Validate(); err != nil {
			t.Skip(err)
		}
		dest, node := &Destination{}, &Window{}
		start := Start{Now: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "now")), Dest: dest, Node: node,
			OnBehalfOfRetry: rapid.Bool().Draw(t, "on behalf of a retry"), Incarnation: rapid.Uint64().Draw(t, "incarnation")}
		now := start.Now
		var s Schedule
		decision := s.Begin(p, start)
		answered := map[int]bool{}
		written := map[int]time.Duration{}
		pushbacks := 0
		for events := 0; decision.Action != GiveUp && decision.Action != Settle; events++ {
			if events > 1000 {
				t.Fatal("the call does not end")
			}
			if s.Sent() > p.MaxAttempts() {
				t.Fatalf("%d attempts of %d", s.Sent(), p.MaxAttempts())
			}
			if decision.Action == Send {
				if p.Deadline > 0 && now >= plus(start.Now, p.Deadline) {
					t.Fatal("an attempt began at the deadline")
				}
				if s.Retry() != (s.Sent() > 1 || start.OnBehalfOfRetry && p.Propagate) {
					t.Fatal("retry")
				}
				if left := s.Remaining(now); left < 0 || left > MaxDuration(p) {
					t.Fatalf("%v remain of %v", left, MaxDuration(p))
				}
				written[s.Sent()] = now
				decision = s.Written(now)
				continue
			}
			if decision.Until == Never && plus(start.Now, MaxDuration(p)) == Never {
				return // it waits for ever
			}
			if decision.Until < now || decision.Until == Never {
				t.Fatalf("%v: due at %v", now, decision.Until)
			}
			n := rapid.IntRange(1, s.Sent()).Draw(t, "n")
			happens := rapid.IntRange(0, 9).Draw(t, "happens")
			if answered[n] || happens < 6 {
				now = decision.Until
				decision = s.Due(now)
				continue
			}
			now += time.Duration(rapid.Int64Range(0, int64(decision.Until-now)).Draw(t, "passes"))
			answered[n] = true
			if happens == 6 {
				decision = s.Reply(now, n, written[n])
				continue
			}
			code := rapid.SampledFrom([]int{0, 11, 13, 22}).Draw(t, "code")
			pushbacks++
			decision = s.ErrorReply(now, n, written[n], Failure{code, code == 11 || code == 22, time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "after"))})
		}
		// Pushback that comes during a pause counts from then, so it can add all of itself.
		longest := plus(MaxDuration(p), times(plus(MaxPushback, longestPause(p.Backoff, p.MaxAttempts())), pushbacks))
		if p.Deadline > 0 {
			longest = p.Deadline
		}
		if now-start.Now > longest {
			t.Fatalf("it took %v of %v", now-start.Now, longest)
		}
		if decision.Action == GiveUp && decision.Reason == NoReason {
			t.Fatal("gave up without a reason")
		}
	})
}
