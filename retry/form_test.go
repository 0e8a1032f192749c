package retry

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// goodForms are policies and what they mean; badForms are none, for a reason. The
// schema is held to both.
var goodForms = map[string]Policy{
	`{}`:                                {},
	`{"attempts":5}`:                    {Attempts: 5},
	`{"timeout":"1µs","late":"ignore"}`: {Timeout: time.Microsecond, Late: Ignore},
	`{"attempts":3,"timeout":"500ms","backoff":{"kind":"exponential","base":"100ms","cap":"2s","jitter":"full"},"budget":{"ratio":0.2,"per_second":10}}`: {
		Attempts: 3, Timeout: 500 * ms,
		Backoff: Backoff{Kind: Exponential, Base: 100 * ms, Cap: 2 * time.Second, Jitter: FullJitter},
		Budget:  Budget{0.2, 10},
	},
	`{"adaptive":{},"last_timeout":"1m0s","deadline":"1h0m0s","retry_on":[0,11],"call_id":true,"propagate":true}`: {
		Adaptive: &Adaptive{}, LastTimeout: time.Minute, Deadline: time.Hour, RetryOn: []int{0, 11}, CallID: true, Propagate: true,
	},
	`{"adaptive":{"min":"1ms","max":"2s"},"hedge":"50ms","backoff":{"kind":"constant","jitter":0.25,"seed":18446744073709551615}}`: {
		Adaptive: &Adaptive{ms, 2 * time.Second}, Hedge: 50 * ms,
		Backoff: Backoff{Kind: Constant, Jitter: PlusMinus(0.25), Seed: 1<<64 - 1},
	},
}

var badForms = map[string]string{
	`{"timout":"1s"}`:                            `timout: a policy has no such field`,
	`{"Timeout":"1s"}`:                           `Timeout: a policy has no such field`,
	`{"backoff":{"bse":"1s"}}`:                   `backoff.bse: a policy has no such field`,
	`{"timeout":5}`:                              `timeout: 5 is no duration over 0s, such as "500ms"`,
	`{"timeout":"0s"}`:                           `timeout: "0s" is no duration over 0s, such as "500ms"`,
	`{"timeout":"-1s"}`:                          `timeout: "-1s" is no duration over 0s, such as "500ms"`,
	`{"timeout":"soon"}`:                         `timeout: "soon" is no duration over 0s, such as "500ms"`,
	`{"timeout":null}`:                           `timeout: null is no duration over 0s, such as "500ms"`,
	`{"adaptive":{"min":"x"}}`:                   `adaptive.min: "x" is no duration over 0s, such as "500ms"`,
	`{"attempts":0}`:                             `attempts: 0 is not at least 1`,
	`{"attempts":-1}`:                            `attempts: -1 is not at least 1`,
	`{"attempts":1.5}`:                           `attempts: 1.5 is not what belongs here`,
	`{"attempts":"3"}`:                           `attempts: a string is not what belongs here`,
	`{"retry_on":[11,"x"]}`:                      `retry_on.1: a string is not what belongs here`,
	`{"retry_on":[-1]}`:                          `retry_on: -1, number 1 of them, is not at least 0`,
	`{"late":"never"}`:                           `late: "never" is neither accept nor ignore`,
	`{"backoff":{"kind":"linear"}}`:              `backoff.kind: "linear" is none of none, constant, exponential, decorrelated`,
	`{"backoff":{"kind":"constant","jitter":2}}`: `backoff.jitter: 2 is neither "none", "full", "equal" nor a fraction over 0 and at most 1`,
	`{"backoff":{"kind":"constant","seed":-1}}`:  `backoff.seed: -1 is not what belongs here`,
	`{"call_id":1}`:                              `call_id: a number is not what belongs here`,
	`{"budget":5}`:                               `budget: a number is not what belongs here`,
	`{"budget":{"ratio":2}}`:                     `budget.ratio: 2 is not from 0 to 1`,
	`{"budget":{"ratio":-0.5}}`:                  `budget.ratio: -0.5 is not from 0 to 1`,
	`{"budget":{"per_second":-1}}`:               `budget.per_second: -1 is not from 0 to 1e9`,
	`[]`:                                         `a policy is a JSON object`,
	`null`:                                       `a policy is a JSON object`,
}

func TestLoad(t *testing.T) {
	for text, want := range goodForms {
		got, err := Load([]byte(text))
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s became %+v, %v", text, got, err)
		}
		if again, err := json.Marshal(want); err != nil || string(again) != text {
			t.Errorf("%s became %s, %v", text, again, err)
		}
	}
	for text, want := range badForms {
		if p, err := Load([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s became %v, %v; want %s", text, p, err, want)
		}
	}
}

// What is no JSON is told as such; what only depends on other fields is beyond a
// schema.
func TestLoadRefusesMore(t *testing.T) {
	for text, want := range map[string]string{
		``:                            `a policy is a JSON object`,
		`{"attempts":1}x`:             `after top-level value`,
		`{"attempts":`:                `unexpected EOF`,
		`{"attempts":1,"attempts":2}`: `duplicate`,
		`{"timeout":`:                 `unexpected EOF`,
		`{"timeout":"\q"}`:            `escape`,
		`{"hedge":"1h"}`:              `hedge: 1h0m0s is more than the last attempt waits, 500ms`,
		`{"backoff":{"base":"1s"}}`:   `backoff.kind: none has no base`,
		`{"budget":{}}`:               `budget: neither ratio nor per_second is over 0`,
		`{"budget":{"ratio":0}}`:      `budget: neither ratio nor per_second is over 0`,
	} {
		if p, err := Load([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s became %v, %v; want %s", text, p, err, want)
		}
	}
	if p, err := Load([]byte("\xef\xbb\xbf{\"attempts\":2}\r\n")); err != nil || p.Attempts != 2 {
		t.Errorf("a byte order mark is %v", err)
	}
	var p Policy
	if err := p.UnmarshalJSON([]byte(`5`)); err == nil {
		t.Error("5 is a policy")
	}
}
