package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/retry"
)

// These calls, a to h, share a destination and a breaker.
func TestBreakerOfCalls(t *testing.T) {
	for _, tt := range []struct{ name, policy, lines string }{
		{"two failures in a row open it, and the probe closes it", `{"attempts":1,"breaker":{"failures":2,"open":"3s"}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			b: 100 begin       send never
			b: 100 written     wait 600
			a: 500 due         give up, attempts used up
			b: 600 due         give up, attempts used up
			c: 700 begin       give up, attempt refused by the circuit breaker
			c: 3599 begin      give up, attempt refused by the circuit breaker
			d: 3600 begin      send never
			d: 3600 written    wait 4100
			e: 3700 begin      give up, attempt refused by the circuit breaker
			d: 3800 reply 1    settle
			e: 3800 begin      send never
			e: 3800 written    wait 4300
			f: 3900 begin      send never`},
		{"a probe that fails opens it again", `{"attempts":1,"breaker":{"failures":1,"open":"1s"}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 500 due         give up, attempts used up
			b: 1500 begin      send never
			b: 1500 written    wait 2000
			b: 2000 due        give up, attempts used up
			c: 2999 begin      give up, attempt refused by the circuit breaker
			c: 3000 begin      send never`},
		{"a success ends the row", `{"attempts":1,"breaker":{"failures":2}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 500 due         give up, attempts used up
			b: 500 begin       send never
			b: 500 written     wait 1000
			b: 510 error 1 22  give up, error not retried
			a: 600 begin       send never
			a: 600 written     wait 1100
			a: 1100 due        give up, attempts used up
			b: 1100 begin      send never`},
		{"it refuses the retry of a call", `{"breaker":{"failures":2}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 500 due         send never
			a: 500 written     wait 1000
			a: 1000 due        give up, attempt refused by the circuit breaker`},
		{"the call still waits as long as its last attempt would", `{"last_timeout":"2s","breaker":{"failures":1}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 500 due         wait 2000, attempt refused by the circuit breaker
			a: 900 reply 1     settle`},
		{"an attempt that would come after a pause is refused before it", `{"backoff":{"kind":"constant","base":"1s"},"breaker":{"failures":1,"open":"2s"}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 500 due         give up, attempt refused by the circuit breaker`},
		{"after a longer pause, it is the probe", `{"backoff":{"kind":"constant","base":"3s"},"breaker":{"failures":1,"open":"2s"}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 500 due         pause 3500
			a: 3500 due        send never
			b: 3500 begin      give up, attempt refused by the circuit breaker
			a: 3500 written    wait 4000
			a: 3510 reply 2    settle
			b: 3510 begin      send never`},
		{"it opens during the pause of another call", `{"backoff":{"kind":"constant","base":"200ms"},"breaker":{"failures":2}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			b: 100 begin       send never
			b: 100 written     wait 600
			a: 500 due         pause 700
			b: 600 due         give up, attempt refused by the circuit breaker
			a: 700 due         give up, attempt refused by the circuit breaker`},
		{"code 11 and retried errors are failures, others are not", `{"attempts":2,"retry_on":[13],"breaker":{"failures":2,"open":"1s"}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 10 error 1 22   give up, error not retried
			a: 20 begin        send never
			a: 20 written      wait 520
			a: 30 error 1 11   give up, error not retried
			a: 40 begin        send never
			a: 40 written      wait 540
			a: 50 error 1 13   give up, attempt refused by the circuit breaker
			a: 60 begin        give up, attempt refused by the circuit breaker`},
		{"a reply that RetryIf refuses is a failure", `{"attempts":1,"breaker":{"failures":1}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 10 unless 1     settle
			a: 20 begin        give up, attempt refused by the circuit breaker`},
		{"the end of a hedge is no failure, the end of the call is", `{"attempts":2,"hedge":"50ms","breaker":{"failures":1}}`, `
			a: 0 begin         send never
			a: 0 written       wait 50
			a: 50 due          send never
			b: 50 begin        send never
			a: 50 written      wait 550
			a: 550 due         give up, attempts used up
			c: 550 begin       give up, attempt refused by the circuit breaker`},
		{"a hedge is not sent beside the probe", `{"attempts":2,"hedge":"50ms","breaker":{"failures":1,"open":"1s"}}`, `
			a: 0 begin         send never
			a: 0 written       wait 50
			a: 50 due          send never
			a: 50 written      wait 550
			a: 550 due         give up, attempts used up
			b: 1550 begin      send never
			b: 1550 written    wait 1600
			b: 1600 due        wait 2050, attempt refused by the circuit breaker
			b: 2050 due        give up, attempt refused by the circuit breaker
			c: 3049 begin      give up, attempt refused by the circuit breaker
			c: 3050 begin      send never`},
		{"the deadline is a failure", `{"deadline":"200ms","breaker":{"failures":1}}`, `
			a: 0 begin         send 200
			a: 0 written       wait 200
			a: 200 due         give up, deadline passed
			b: 200 begin       give up, attempt refused by the circuit breaker`},
		{"a message that was not written says nothing", `{"deadline":"200ms","breaker":{"failures":1}}`, `
			a: 0 begin         send 200
			a: 200 due         give up, deadline passed
			b: 200 begin       send 400`},
		{"a probe that is cancelled makes room for another one", `{"attempts":1,"breaker":{"failures":1,"open":"1s"}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 500 due         give up, attempts used up
			b: 1500 begin      send never
			b: 1500 written    wait 2000
			c: 1600 begin      give up, attempt refused by the circuit breaker
			b: 1700 end
			c: 1700 begin      send never`},
		{"what was sent before the probe does not open it again", `{"attempts":1,"timeout":"2s","breaker":{"failures":2,"open":"1s"}}`, `
			a: 0 begin         send never
			a: 0 written       wait 2000
			b: 0 begin         send never
			b: 0 written       wait 2000
			c: 1500 begin      send never
			c: 1500 written    wait 3500
			d: 1500 begin      send never
			d: 1500 written    wait 3500
			a: 2000 due        give up, attempts used up
			b: 2000 due        give up, attempts used up
			e: 3000 begin      send never
			e: 3000 written    wait 5000
			e: 3010 reply 1    settle
			c: 3500 due        give up, attempts used up
			d: 3500 due        give up, attempts used up
			f: 3500 begin      send never`},
		{"a late reply ends the row", `{"breaker":{"failures":2}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 500 due         send never
			a: 500 written     wait 1000
			a: 600 reply 1     settle
			b: 600 begin       send never
			b: 600 written     wait 1100
			b: 1100 due        send never`},
		{"a late reply that is ignored does not", `{"late":"ignore","breaker":{"failures":2}}`, `
			a: 0 begin         send never
			a: 0 written       wait 500
			a: 500 due         send never
			a: 500 written     wait 1000
			a: 600 reply 1     wait 1000
			a: 1000 due        give up, attempt refused by the circuit breaker`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			playAll(t, load(t, tt.policy), Start{Dest: &Destination{}}, tt.lines)
		})
	}
}

// The ratio counts from min_attempts on, over the last 10 s.
func TestBreakerRatio(t *testing.T) {
	set := retry.Breaker{Ratio: 0.5, MinAttempts: 4, Open: time.Second}
	note := func(b *Breaker, now time.Duration, outcomes string) {
		for _, o := range outcomes {
			b.Note(set, now, now, o == 'x', false)
		}
	}
	for outcomes, open := range map[string]bool{
		"xxx": false, "xxxx": true, "..xx": true, "...xx": false, "xx..": false, "...xxx": true, "xx..x": true,
	} {
		var b Breaker
		note(&b, 0, outcomes)
		if b.open != open || b.Opened() != map[bool]uint64{true: 1}[open] {
			t.Errorf("%s: open is %v", outcomes, b.open)
		}
	}
	var b Breaker
	note(&b, 0, "xxx")
	note(&b, 10*time.Second, "x..")
	if b.open {
		t.Error("failures 10 s ago count")
	}
	note(&b, 19*time.Second, "x")
	if !b.open {
		t.Error("failures 9 s ago do not count")
	}
}

// A breaker decides as a model does that keeps all outcomes in the order in which they came.
func TestBreakerModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := retry.Breaker{
			Failures: rapid.IntRange(1, 4).Draw(t, "failures"), Open: time.Duration(rapid.IntRange(1, 5).Draw(t, "open")) * time.Second,
		}
		var b Breaker
		var outcomes []bool // failed, since it closed
		opened := time.Duration(-1)
		probing := false
		now := time.Duration(0)
		for range rapid.IntRange(1, 100).Draw(t, "attempts") {
			now += time.Duration(rapid.IntRange(0, 2000).Draw(t, "passes")) * ms
			wantProbe := opened >= 0 && !probing && now >= opened+set.Open
			allowed, probe := b.Allow(set, now)
			if want := opened < 0 || wantProbe; allowed != want || probe != wantProbe {
				t.Fatalf("%v: allowed %v, probe %v", now, allowed, probe)
			}
			failed := rapid.Bool().Draw(t, "failed")
			switch {
			case probe && rapid.IntRange(0, 3).Draw(t, "lost") == 0:
				b.Forget()
			case probe:
				b.Note(set, now, now, failed, true)
				opened, outcomes = -1, nil
				if failed {
					opened = now
				}
			case allowed:
				b.Note(set, now, now, failed, false)
				outcomes = append(outcomes, failed)
				row := 0
				for i := len(outcomes) - 1; i >= 0 && outcomes[i]; i-- {
					row++
				}
				if row >= set.Failures {
					opened = now
				}
			}
		}
	})
}
