package retry

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// goodForms are policies and what they mean; badForms are invalid, with their errors.
// TestSchemaAgrees compares the schema with both.
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
	`{"timout":"1s"}`:                            `timout: unknown field`,
	`{"Timeout":"1s"}`:                           `Timeout: unknown field`,
	`{"backoff":{"bse":"1s"}}`:                   `backoff.bse: unknown field`,
	`{"timeout":5}`:                              `timeout: 5 must be a duration of more than 0s, such as "500ms"`,
	`{"timeout":"0s"}`:                           `timeout: "0s" must be a duration of more than 0s, such as "500ms"`,
	`{"timeout":"-1s"}`:                          `timeout: "-1s" must be a duration of more than 0s, such as "500ms"`,
	`{"timeout":"soon"}`:                         `timeout: "soon" must be a duration of more than 0s, such as "500ms"`,
	`{"timeout":{"ms":500}}`:                     `timeout: {"ms":500} must be a duration of more than 0s, such as "500ms"`,
	`{"adaptive":{"min":"x"}}`:                   `adaptive.min: "x" must be a duration of more than 0s, such as "500ms"`,
	`{"attempts":0}`:                             `attempts: 0 must be an integer of at least 1`,
	`{"attempts":-1}`:                            `attempts: -1 must be an integer of at least 1`,
	`{"attempts":1.5}`:                           `attempts: 1.5 must be an integer of at least 1`,
	`{"attempts":"3"}`:                           `attempts: "3" must be an integer of at least 1`,
	`{"retry_on":11}`:                            `retry_on: 11 must be an array of error codes`,
	`{"retry_on":[11,"x"]}`:                      `retry_on.1: "x" must be an integer of at least 0`,
	`{"retry_on":[-1]}`:                          `retry_on.0: -1 must be an integer of at least 0`,
	`{"late":"never"}`:                           `late: "never" must be accept or ignore`,
	`{"late":1}`:                                 `late: 1 must be accept or ignore`,
	`{"backoff":"full"}`:                         `backoff: "full" must be an object`,
	`{"backoff":{"kind":"expo"}}`:                `backoff.kind: "expo" must be none, constant, exponential or decorrelated`,
	`{"backoff":{"kind":"constant","jitter":2}}`: `backoff.jitter: 2 must be "none", "full", "equal", a number of more than 0 and at most 1, or two factors from 0 to 2 such as [0.5,1.5]`,
	`{"backoff":{"kind":"constant","jitter":[1,2,3]}}`: `backoff.jitter: [1,2,3] must be "none", "full", "equal", a number of more than 0 and at most 1, or two factors from 0 to 2 such as [0.5,1.5]`,
	`{"backoff":{"kind":"constant","seed":-1}}`:        `backoff.seed: -1 must be an integer from 1 to 18446744073709551615`,
	`{"backoff":{"kind":"constant","seed":0}}`:         `backoff.seed: 0 must be an integer from 1 to 18446744073709551615`,
	`{"call_id":1}`:                           `call_id: 1 must be true or false`,
	`{"budget":5}`:                            `budget: 5 must be an object`,
	`{"budget":{"ratio":2}}`:                  `budget.ratio: 2 must be a number from 0 to 1`,
	`{"budget":{"ratio":-0.5}}`:               `budget.ratio: -0.5 must be a number from 0 to 1`,
	`{"budget":{"per_second":-1}}`:            `budget.per_second: -1 must be a number of more than 0 and at most 1e9`,
	`{"budget":{"ratio":0.2,"per_second":0}}`: `budget.per_second: 0 must be a number of more than 0 and at most 1e9`,
	`[]`:                          `a policy must be a JSON object`,
	`null`:                        `a policy must be a JSON object`,
	`{"attempts":null}`:           `attempts: null must be an integer of at least 1`,
	`{"timeout":null}`:            `timeout: null must be a duration of more than 0s, such as "500ms"`,
	`{"adaptive":null}`:           `adaptive: null must be an object`,
	`{"adaptive":{"max":null}}`:   `adaptive.max: null must be a duration of more than 0s, such as "500ms"`,
	`{"late":null}`:               `late: null must be accept or ignore`,
	`{"backoff":null}`:            `backoff: null must be an object`,
	`{"backoff":{"kind":null}}`:   `backoff.kind: null must be none, constant, exponential or decorrelated`,
	`{"backoff":{"jitter":null}}`: `backoff.jitter: null must be "none", "full", "equal", a number of more than 0 and at most 1, or two factors from 0 to 2 such as [0.5,1.5]`,
	`{"retry_on":null}`:           `retry_on: null must be an array of error codes`,
	`{"budget":null}`:             `budget: null must be an object`,
	`{"propagate":null}`:          `propagate: null must be true or false`,
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

// A text that is not JSON is refused too, and so are values that depend on other
// fields, which the schema does not know.
func TestLoadRefusesMore(t *testing.T) {
	for text, want := range map[string]string{
		``:                            `a policy must be a JSON object`,
		`{"attempts":1}x`:             `after top-level value`,
		`{"attempts":`:                `unexpected EOF`,
		`{"attempts":1,"attempts":2}`: `duplicate`,
		`{"timeout":`:                 `unexpected EOF`,
		`{"timeout":"\q"}`:            `escape`,
		`{"hedge":"1h"}`:              `hedge: 1h0m0s must be at most the timeout of the last attempt, 500ms`,
		`{"backoff":{"base":"1s"}}`:   `backoff.kind: must be constant, exponential or decorrelated if`,
		`{"budget":{}}`:               `budget: must have a ratio or a per_second of more than 0`,
		`{"budget":{"ratio":0}}`:      `budget: must have a ratio or a per_second of more than 0`,
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
