package retry

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

// play tells a schedule what stands in a line, and returns what it answers:
//
//	0 begin | 0 written | 500 due | 600 reply 1 | 600 error 1 11 [retry_after_ms]
//
// An attempt is taken to have been written out when the line says so.
func play(t *testing.T, s *Schedule, p *Policy, start Start, written map[int]time.Duration, line string) string {
	t.Helper()
	var at, n, code, after int
	var event string
	fmt.Sscan(line, &at, &event, &n, &code, &after)
	now := time.Duration(at) * ms
	var next Next
	switch event {
	case "begin":
		start.Now = now
		next = s.Begin(p, start)
	case "written":
		written[s.Sent()] = now
		next = s.Written(now)
	case "due":
		next = s.Due(now)
	case "reply":
		next = s.Reply(now, n, written[n])
	case "error":
		next = s.ErrorReply(now, n, written[n], Failure{Code: code, Definite: code == 11 || code == 22, RetryAfter: time.Duration(after) * ms})
	default:
		t.Fatalf("what is %q?", line)
	}
	return show(next)
}

func show(n Next) string {
	text := n.Step.String()
	if n.Until == Never {
		text += " never"
	} else if n.Until != 0 {
		text += " " + fmt.Sprint(n.Until.Milliseconds())
	}
	if n.Reason != NoReason {
		text += ", " + n.Reason.String()
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
		{"three times silence", `{}`, Start{}, `
			0 begin      send again never
			5 written    wait 505
			505 due      send again never
			505 written  wait 1005
			900 due      wait 1005
			1005 due     send again never
			1010 written wait 1510
			1510 due     give up, attempts used up`},
		{"a late reply", `{}`, Start{}, `
			0 begin     send again never
			0 written   wait 500
			500 due     send again never
			550 reply 1 settle`},
		{"a late reply, ignored", `{"late":"ignore"}`, Start{}, `
			0 begin      send again never
			0 written    wait 500
			500 due      send again never
			520 reply 1  wait never
			550 written  wait 1050
			600 reply 1  wait 1050
			700 reply 2  settle`},
		{"no policy", `null`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			10 error 1 11  give up, answered with an error`},
		{"final is longer", `{"attempts":2,"final":"2s"}`, Start{}, `
			0 begin     send again never
			0 written   wait 500
			500 due     send again never
			500 written wait 2500
			2500 due    give up, attempts used up`},
		{"hedge", `{"attempts":2,"hedge":"50ms","timeout":"1s"}`, Start{}, `
			0 begin    send again never
			0 written  wait 50
			50 due     send again never
			50 written wait 1050
			60 reply 1 settle`},
		{"the deadline cuts the last wait", `{"deadline":"700ms"}`, Start{}, `
			0 begin     send again 700
			0 written   wait 500
			500 due     send again 700
			500 written wait 700
			700 due     give up, deadline passed`},
		{"no attempt begins at the deadline", `{"deadline":"500ms"}`, Start{}, `
			0 begin     send again 500
			0 written   wait 500
			500 due     give up, deadline passed`},
		{"nothing is written until the deadline", `{"deadline":"500ms"}`, Start{}, `
			0 begin     send again 500
			500 due     give up, deadline passed`},
		{"the context's deadline is earlier", `{"deadline":"1s"}`, Start{Deadline: 300 * ms}, `
			100 begin   send again 300
			100 written wait 300`},
		{"the deadline has passed", `{}`, Start{Deadline: 300 * ms}, `
			300 begin   give up, deadline passed`},
		{"a pause that would pass the deadline is not begun", `{"deadline":"600ms","backoff":{"kind":"constant"}}`, Start{}, `
			0 begin     send again 600
			0 written   wait 500
			500 due     wait 600, deadline passed
			550 reply 1 settle`},
		{"and then there is nothing", `{"deadline":"600ms","backoff":{"kind":"constant"}}`, Start{}, `
			0 begin     send again 600
			0 written   wait 500
			500 due     wait 600, deadline passed
			600 due     give up, deadline passed`},
		{"and nothing to wait for", `{"deadline":"600ms","backoff":{"kind":"constant"},"late":"ignore"}`, Start{}, `
			0 begin     send again 600
			0 written   wait 500
			500 due     give up, deadline passed`},
		{"pauses", `{"attempts":2,"backoff":{"kind":"exponential","base":"100ms"}}`, Start{}, `
			0 begin     send again never
			0 written   wait 500
			500 due     pause 600
			600 due     send again never
			600 written wait 1100
			1100 due    give up, attempts used up`},
		{"a reply during a pause", `{"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin     send again never
			0 written   wait 500
			500 due     pause 600
			550 reply 1 settle`},
		{"a reply during a pause, ignored", `{"backoff":{"kind":"constant"},"late":"ignore"}`, Start{}, `
			0 begin     send again never
			0 written   wait 500
			500 due     pause 600
			550 reply 1 pause 600`},
		{"an error that is retried", `{"attempts":2,"codes":[11]}`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			10 error 1 11  send again never
			10 written     wait 510
			20 error 2 11  give up, attempts used up`},
		{"an error that is not", `{"codes":[11]}`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			10 error 1 22  give up, answered with an error`},
		{"a retried error of an earlier attempt", `{"codes":[11]}`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			500 due        send again never
			500 written    wait 1000
			510 error 1 11 wait 1000
			520 error 2 11 send again never`},
		{"a retried error, while another attempt may still be answered", `{"attempts":2,"codes":[11]}`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			500 due        send again never
			500 written    wait 1000
			520 error 2 11 wait 1000, attempts used up
			600 error 1 11 give up, attempts used up`},
		{"the same, and it is not", `{"attempts":2,"codes":[11]}`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			500 due        send again never
			500 written    wait 1000
			520 error 2 11 wait 1000, attempts used up
			999 due        wait 1000, attempts used up
			1000 due       give up, attempts used up`},
		{"pushback", `{"codes":[11],"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin           send again never
			0 written         wait 500
			10 error 1 11 300 pause 310
			310 due           send again never
			310 written       wait 810
			320 error 2 11 50 pause 420`},
		{"pushback has an end", `{"codes":[11],"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin             send again never
			0 written           wait 500
			10 error 1 11 60000 pause 5110`},
		{"pushback without backoff", `{"codes":[11]}`, Start{}, `
			0 begin             send again never
			0 written           wait 500
			10 error 1 11 60000 pause 5010`},
		{"pushback past the deadline", `{"codes":[11],"deadline":"2s"}`, Start{}, `
			0 begin            send again 2000
			0 written          wait 500
			10 error 1 11 3000 give up, deadline passed`},
		{"pushback during a pause", `{"codes":[11],"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin            send again never
			0 written          wait 500
			500 due            pause 600
			510 error 1 11     pause 600
			600 due            send again never`},
		{"pushback makes a pause longer", `{"codes":[11],"backoff":{"kind":"constant"},"deadline":"2s"}`, Start{}, `
			0 begin            send again 2000
			0 written          wait 500
			500 due            pause 600
			510 error 1 11 300 pause 810
			810 due            send again 2000`},
		{"too long", `{"codes":[11],"backoff":{"kind":"constant"},"deadline":"2s"}`, Start{}, `
			0 begin             send again 2000
			0 written           wait 500
			500 due             pause 600
			510 error 1 11 3000 give up, deadline passed`},
		{"propagate: an indefinite error waits for the others", `{"propagate":true}`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			500 due        send again never
			500 written    wait 1000
			510 error 2 0  wait 1000
			600 reply 1    settle`},
		{"propagate: it is the only one", `{"propagate":true}`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			10 error 1 0   give up, answered with an error`},
		{"propagate: a definite one", `{"propagate":true}`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			500 due        send again never
			500 written    wait 1000
			510 error 2 22 give up, answered with an error`},
		{"propagate: after an error that was waited out", `{"propagate":true,"codes":[11]}`, Start{}, `
			0 begin        send again never
			0 written      wait 500
			500 due        send again never
			500 written    wait 1000
			510 error 2 13 wait 1000
			520 error 1 11 send again never`},
		{"propagate: nobody retries for a retry", `{"propagate":true,"final":"700ms"}`, Start{Behalf: true}, `
			0 begin     send again never
			0 written   wait 700
			700 due     give up, attempts used up`},
		{"without propagate that is of no account", `{}`, Start{Behalf: true}, `
			0 begin     send again never
			0 written   wait 500
			500 due     send again never`},
		{"adaptive without a memory", `{"adaptive":{}}`, Start{}, `
			0 begin     send again never
			0 written   wait 500`},
		{"adaptive, final", `{"attempts":1,"adaptive":{},"final":"3s"}`, Start{}, `
			0 begin     send again never
			0 written   wait 3000`},
		{"adaptive, the last attempt", `{"attempts":1,"adaptive":{}}`, Start{Dest: &Destination{}}, `
			0 begin     send again never
			0 written   wait 500
			500 due     give up, attempts used up
			500 begin   send again never
			500 written wait 1500`},
		{"adaptive, hedged", `{"attempts":2,"adaptive":{},"hedge":"100ms"}`, Start{Dest: &Destination{}}, `
			0 begin     send again never
			0 written   wait 100
			100 due     send again never
			100 written wait 600
			200 reply 2 settle
			200 begin   send again never
			200 written wait 300
			300 due     send again never
			300 written wait 600`},
		{"adaptive learns from late replies that are ignored", `{"adaptive":{},"late":"ignore"}`, Start{Dest: &Destination{}}, `
			0 begin      send again never
			0 written    wait 500
			500 due      send again never
			500 written  wait 1500
			600 reply 1  wait 1500
			700 reply 2  settle
			800 begin    send again never
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

// cutLine cuts a line before the step that it expects.
func cutLine(line string) (event, want string) {
	for _, step := range []Step{GiveUp, SendAgain, Wait, Pause, Settle} {
		if at := strings.Index(line, " "+step.String()); at > 0 {
			return line[:at], line[at+1:]
		}
	}
	return line, ""
}

func load(t *testing.T, text string) *Policy {
	t.Helper()
	if text == "null" {
		return nil
	}
	p, err := Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A hedge that the budget refuses does not fail the call, nor does a refusal lose
// a reply that the last attempt would have waited for.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ name, policy, lines string }{
		{"hedge", `{"hedge":"50ms","timeout":"1s","budget":{"ratio":0.1}}`, `
			0 begin    send again never
			0 written  wait 50
			50 due     wait 1000, retry refused by the budget
			1000 due   give up, retry refused by the budget`},
		{"final", `{"final":"900ms","budget":{"ratio":0.1}}`, `
			0 begin     send again never
			0 written   wait 500
			500 due     wait 900, retry refused by the budget
			800 reply 1 settle`},
		{"plain", `{"budget":{"ratio":0.1}}`, `
			0 begin    send again never
			0 written  wait 500
			500 due    give up, retry refused by the budget`},
		{"error", `{"budget":{"ratio":0.1},"codes":[11]}`, `
			0 begin       send again never
			0 written     wait 500
			90 error 1 11 give up, retry refused by the budget`},
		{"ignoring what is late", `{"final":"900ms","late":"ignore","budget":{"ratio":0.1}}`, `
			0 begin    send again never
			0 written  wait 500
			500 due    give up, retry refused by the budget`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy := load(t, tt.policy)
			for _, start := range []Start{{Dest: &Destination{}}, {Node: &Ledger{}}, {Node: &Ledger{}, Dest: &Destination{}}} {
				var s Schedule
				written := map[int]time.Duration{}
				for _, line := range strings.Split(strings.TrimSpace(tt.lines), "\n") {
					event, want := cutLine(strings.TrimSpace(line))
					if got := play(t, &s, policy, start, written, event); got != want {
						t.Fatalf("%s: got %q", line, got)
					}
				}
				if start.Node != nil && start.Node.Refused() != 1 || start.Dest != nil && start.Dest.Ledger.Refused() != 1 {
					t.Error("a refusal was not counted")
				}
			}
		})
	}
}

// For a plain policy a schedule is Limit, Wait, Accepts and AfterSilence, on
// which the live node relies, and costs no memory.
func TestPlainSchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlain(t)
		if !p.Plain() {
			t.Fatal("not plain")
		}
		var s Schedule
		now := time.Duration(0)
		next := s.Begin(p, Start{})
		for next.Step == SendAgain {
			if next = s.Written(now); next.Step != Wait || next.Until != plus(now, p.Wait(s.Sent())) {
				t.Fatalf("attempt %d: %+v, want to wait for %v", s.Sent(), next, p.Wait(s.Sent()))
			}
			now = next.Until
			if now == Never {
				return
			}
			sent, want := s.Sent(), p.AfterSilence(s.Sent())
			if next = s.Due(now); next.Step != want {
				t.Fatalf("attempt %d: %v, want %v", sent, next.Step, want)
			}
			late := s
			if got := late.Reply(now, sent, 0).Step == Settle; want == SendAgain && got != p.Accepts(true) {
				t.Fatalf("a late reply settles: %v", got)
			}
		}
		if s.Sent() != p.Limit() {
			t.Fatalf("%d attempts of %d", s.Sent(), p.Limit())
		}
	})
}

func TestPlainScheduleAllocatesNothing(t *testing.T) {
	var s Schedule
	for _, p := range []*Policy{nil, {}, {Attempts: 5, Late: Ignore, Hedge: 1}} {
		if got := testing.AllocsPerRun(100, func() {
			next := s.Begin(p, Start{})
			for next.Step == SendAgain {
				next = s.Due(s.Written(0).Until)
			}
		}); got != 0 {
			t.Errorf("%v allocations", got)
		}
	}
}

func drawPlain(t *rapid.T) *Policy {
	timeout := rapid.Int64Range(1, math.MaxInt64/2)
	if rapid.Bool().Draw(t, "ordinary") {
		timeout = rapid.Int64Range(1, int64(time.Hour))
	}
	p := &Policy{
		Attempts: rapid.IntRange(0, 50).Draw(t, "attempts"),
		Timeout:  time.Duration(timeout.Draw(t, "timeout")),
		Late:     rapid.SampledFrom([]Late{Accept, Ignore}).Draw(t, "late"),
		Mark:     rapid.Bool().Draw(t, "mark"),
	}
	if rapid.Bool().Draw(t, "with final") {
		p.Final = p.Timeout + time.Duration(rapid.Int64Range(0, int64(p.Timeout)).Draw(t, "final"))
	}
	if p.Late == Accept && rapid.Bool().Draw(t, "with hedge") {
		p.Hedge = time.Duration(rapid.Int64Range(1, int64(p.Timeout)).Draw(t, "hedge"))
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return p
}

// drawAny is any valid policy.
func drawAny(t *rapid.T) *Policy {
	p := drawPlain(t)
	duration := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "d"))
	})
	if rapid.Bool().Draw(t, "adaptive") {
		least := duration.Draw(t, "min")
		p.Adaptive = &Adaptive{Min: least, Max: least + duration.Draw(t, "more")}
	}
	if rapid.Bool().Draw(t, "with deadline") {
		p.Deadline = duration.Draw(t, "deadline")
	}
	if kind := BackoffKind(rapid.IntRange(0, 3).Draw(t, "kind")); kind != NoBackoff {
		base := duration.Draw(t, "base")
		p.Backoff = Backoff{Kind: kind, Base: base, Cap: base + duration.Draw(t, "cap"), Seed: rapid.Uint64().Draw(t, "seed")}
		if kind != Decorrelated {
			p.Backoff.Jitter = rapid.SampledFrom([]Jitter{NoJitter, FullJitter, EqualJitter, PlusMinus(0.2)}).Draw(t, "jitter")
		}
	}
	p.Codes = rapid.SliceOfDistinct(rapid.SampledFrom([]int{0, 11, 13}), func(c int) int { return c }).Draw(t, "codes")
	if len(p.Codes) == 0 {
		p.Codes = nil
	}
	if rapid.Bool().Draw(t, "with budget") {
		p.Budget = Budget{rapid.Float64Range(0, 1).Draw(t, "ratio"), rapid.Float64Range(0, 1).Draw(t, "per second")}
	}
	p.Propagate = rapid.Bool().Draw(t, "propagate")
	return p
}

// Whatever happens to a call: it ends, within its patience and its deadline, with
// no more attempts than it may have; no attempt begins at the deadline; a call
// that waits is due at some time; and what it answered last holds.
func TestAnySchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawAny(t)
		if err := p.Validate(); err != nil {
			t.Skip(err)
		}
		dest, node := &Destination{}, &Ledger{}
		start := Start{Now: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "now")), Dest: dest, Node: node,
			Behalf: rapid.Bool().Draw(t, "behalf"), Life: rapid.Uint64().Draw(t, "life")}
		now := start.Now
		var s Schedule
		next := s.Begin(p, start)
		answered := map[int]bool{}
		written := map[int]time.Duration{}
		pushbacks := 0
		for step := 0; next.Step != GiveUp && next.Step != Settle; step++ {
			if step > 1000 {
				t.Fatal("no end")
			}
			if s.Sent() > p.Limit() {
				t.Fatalf("%d attempts of %d", s.Sent(), p.Limit())
			}
			if next.Step == SendAgain {
				if p.Deadline > 0 && now >= start.Now+p.Deadline {
					t.Fatal("an attempt began at the deadline")
				}
				if s.Retry() != (s.Sent() > 1 || start.Behalf && p.Propagate) {
					t.Fatal("retry")
				}
				if left := s.Remaining(now); left < 0 || left > p.Patience() {
					t.Fatalf("%v remain of %v", left, p.Patience())
				}
				written[s.Sent()] = now
				next = s.Written(now)
				continue
			}
			if next.Until == Never && plus(start.Now, p.Patience()) == Never {
				return // with such a patience it waits for ever
			}
			if next.Until < now || next.Until == Never {
				t.Fatalf("%v: due at %v", now, next.Until)
			}
			n := rapid.IntRange(1, s.Sent()).Draw(t, "n")
			happens := rapid.IntRange(0, 9).Draw(t, "happens")
			if answered[n] || happens < 6 {
				now = next.Until
				next = s.Due(now)
				continue
			}
			now += time.Duration(rapid.Int64Range(0, int64(next.Until-now)).Draw(t, "passes"))
			answered[n] = true
			if happens == 6 {
				next = s.Reply(now, n, written[n])
				continue
			}
			code := rapid.SampledFrom([]int{0, 11, 13, 22}).Draw(t, "code")
			pushbacks++
			next = s.ErrorReply(now, n, written[n], Failure{code, code == 11 || code == 22, time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "after"))})
		}
		// A wish that comes in a pause counts from then, so it can add what is over of it.
		longest := plus(p.Patience(), times(plus(MaxPushback, p.Backoff.longest(p.Limit())), pushbacks))
		if p.Deadline > 0 {
			longest = p.Deadline
		}
		if now-start.Now > longest {
			t.Fatalf("it took %v of %v", now-start.Now, longest)
		}
		if next.Step == GiveUp && next.Reason == NoReason {
			t.Fatal("given up for no reason")
		}
	})
}
