package schedule

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

func TestAccepts(t *testing.T) {
	for _, tt := range []struct {
		late            retry.Late
		inTime, tooLate bool
	}{
		{retry.Accept, true, true},
		{retry.Ignore, true, false},
	} {
		p := &retry.Policy{Late: tt.late}
		if Accepts(p, false) != tt.inTime || Accepts(p, true) != tt.tooLate {
			t.Errorf("%v: in time %v, late %v", tt.late, Accepts(p, false), Accepts(p, true))
		}
	}
}

func TestNeeded(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: false,
		`{"attempts":5,"timeout":"1s","last_timeout":"2s","hedge":"10ms","call_id":true}`: false,
		`{"late":"ignore"}`:                                   false,
		`{"adaptive":{}}`:                                     true,
		`{"deadline":"1s"}`:                                   true,
		`{"backoff":{"kind":"constant"}}`:                     true,
		`{"retry_on":[11]}`:                                   true,
		`{"budget":{"per_second":1}}`:                         true,
		`{"propagate":true}`:                                  true,
		`{"hedge":"10ms","max_hedges":1,"max_pushback":"1s"}`: false,
		`{"hedge":"10ms","hedge_percentile":95}`:              true,
		`{"backoff_after":{"timeout":{"kind":"constant"}}}`:   true,
		`{"budget":{"in_flight":1}}`:                          true,
		`{"breaker":{"failures":1}}`:                          true,
	} {
		if got := Needed(load(t, text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if !Needed(&retry.Policy{RetryIf: func([]byte, error) bool { return false }}) {
		t.Error("RetryIf needs no schedule")
	}
	if Needed(nil) {
		t.Error("nil needs a schedule")
	}
}

func TestMaxDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`null`: 1500 * ms,
		`{}`:   1500 * ms,
		`{"attempts":4,"timeout":"1s","last_timeout":"5s"}`: 8 * time.Second,
		`{"hedge":"10ms"}`:                                                                          520 * ms,
		`{"deadline":"1s","attempts":9}`:                                                            time.Second,
		`{"backoff":{"kind":"exponential"}}`:                                                        1800 * ms,
		`{"backoff":{"kind":"exponential","cap":"150ms","jitter":0.5}}`:                             1800 * ms,
		`{"backoff":{"kind":"decorrelated","base":"10ms"}}`:                                         1620 * ms,
		`{"backoff":{"kind":"decorrelated","base":"10ms","cap":"50ms"}}`:                            1580 * ms,
		`{"adaptive":{"max":"2s"}}`:                                                                 6 * time.Second,
		`{"adaptive":{"max":"2s"},"last_timeout":"3s"}`:                                             7 * time.Second,
		`{"adaptive":{"max":"2s"},"hedge":"100ms"}`:                                                 2200 * ms,
		`{"hedge":"10ms","max_hedges":1}`:                                                           1010 * ms,
		`{"attempts":4,"hedge":"10ms","max_hedges":9}`:                                              530 * ms,
		`{"hedge":"10ms","max_hedges":1,"adaptive":{"max":"2s"}}`:                                   4010 * ms,
		`{"hedge":"10ms","hedge_percentile":95,"last_timeout":"1s"}`:                                3000 * ms,
		`{"attempts":1,"hedge":"10ms","max_hedges":3}`:                                              500 * ms,
		`{"backoff_after":{"timeout":{"kind":"constant"}}}`:                                         1700 * ms,
		`{"backoff":{"kind":"constant","base":"1s"},"backoff_after":{"11":{"kind":"exponential"}}}`: 3500 * ms,
		`{"backoff_after":{"timeout":{"kind":"constant"},"11":{"kind":"decorrelated","cap":"2s"}}}`: 5500 * ms,
		`{"attempts":1000000,"timeout":"9000h"}`:                                                    Never,
		`{"attempts":2000}`:                                                                         1000 * time.Second,
		`{"attempts":2001,"timeout":"1s","backoff":{"kind":"constant","cap":"1s"}}`:                 4001 * time.Second,
		`{"attempts":3,"timeout":"2000000h","backoff":{"kind":"constant"}}`:                         Never,
	} {
		if got := MaxDuration(load(t, text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
