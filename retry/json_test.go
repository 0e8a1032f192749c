package retry

import (
	"encoding/json"
	"reflect"
	"regexp"
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
		Budget:  Budget{0.2, 10, 0},
	},
	`{"adaptive":{},"last_timeout":"1m0s","deadline":"1h0m0s","retry_on":[0,11],"call_id":true,"propagate":true}`: {
		Adaptive: &Adaptive{}, LastTimeout: time.Minute, Deadline: time.Hour, RetryOn: []int{0, 11}, CallID: true, Propagate: true,
	},
	`{"adaptive":{"min":"1ms","max":"2s"},"hedge":"50ms","backoff":{"kind":"constant","jitter":0.25,"seed":18446744073709551615}}`: {
		Adaptive: &Adaptive{ms, 2 * time.Second}, Hedge: 50 * ms,
		Backoff: Backoff{Kind: Constant, Jitter: PlusMinus(0.25), Seed: 1<<64 - 1},
	},
	`{"hedge":"50ms","hedge_percentile":99.5,"max_hedges":1,"max_pushback":"1m0s","budget":{"in_flight":3},"breaker":{"failures":5,"open":"1s"}}`: {
		Hedge: 50 * ms, HedgePercentile: 99.5, MaxHedges: 1, MaxPushback: time.Minute,
		Budget: Budget{InFlight: 3}, Breaker: Breaker{Failures: 5, Open: time.Second},
	},
	`{"backoff_after":{"0":{"kind":"decorrelated"},"11":{"kind":"constant","base":"1s"},"pushback":{"kind":"exponential"},"timeout":{}},"breaker":{"ratio":0.5,"min_attempts":8}}`: {
		BackoffAfter: map[string]Backoff{AfterTimeout: {}, AfterPushback: {Kind: Exponential}, AfterCode(0): {Kind: Decorrelated}, AfterCode(11): {Kind: Constant, Base: time.Second}},
		Breaker:      Breaker{Ratio: 0.5, MinAttempts: 8},
	},
}

var badForms = map[string]string{
	`{"timout":"1s"}`:                            `timout: unknown field; did you mean timeout?`,
	`{"Timeout":"1s"}`:                           `Timeout: unknown field; did you mean timeout?`,
	`{"backoff":{"bse":"1s"}}`:                   `backoff.bse: unknown field; did you mean base?`,
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
	`{"backoff":{"kind":"constant","jitter":[1,2,3]}}`:             `backoff.jitter: [1,2,3] must be "none", "full", "equal", a number of more than 0 and at most 1, or two factors from 0 to 2 such as [0.5,1.5]`,
	`{"backoff":{"kind":"constant","seed":-1}}`:                    `backoff.seed: -1 must be an integer from 1 to 18446744073709551615`,
	`{"backoff":{"kind":"constant","seed":0}}`:                     `backoff.seed: 0 must be an integer from 1 to 18446744073709551615`,
	`{"hedge_percentile":0}`:                                       `hedge_percentile: 0 must be a number of more than 0 and less than 100`,
	`{"hedge_percentile":100}`:                                     `hedge_percentile: 100 must be a number of more than 0 and less than 100`,
	`{"hedge_percentile":"p99"}`:                                   `hedge_percentile: "p99" must be a number of more than 0 and less than 100`,
	`{"max_hedges":0}`:                                             `max_hedges: 0 must be an integer of at least 1`,
	`{"max_hedges":-1}`:                                            `max_hedges: -1 must be an integer of at least 1`,
	`{"max_pushback":"0s"}`:                                        `max_pushback: "0s" must be a duration of more than 0s, such as "500ms"`,
	`{"backoff_after":{"timeouts":{"kind":"constant"}}}`:           `backoff_after.timeouts: must be timeout, pushback, or the code of an error reply, such as 11`,
	`{"backoff_after":{"011":{}}}`:                                 `backoff_after.011: must be timeout, pushback, or the code of an error reply, such as 11`,
	`{"backoff_after":{"11":"none"}}`:                              `backoff_after.11: "none" must be an object`,
	`{"backoff_after":{"11":{"kind":"linear"}}}`:                   `backoff_after.11.kind: "linear" must be none, constant, exponential or decorrelated`,
	`{"backoff_after":{"11":{"kind":"constant","base":"-1s"}}}`:    `backoff_after.11.base: "-1s" must be a duration of more than 0s, such as "500ms"`,
	`{"backoff_after":{"timeout":{"kind":"constant","seed":7}}}`:   `backoff_after.timeout.seed: 7 must be left out; the seed of backoff holds`,
	`{"backoff_after":{"timeout":{"kind":"constant","jitter":3}}}`: `backoff_after.timeout.jitter: 3 must be "none", "full", "equal", a number of more than 0 and at most 1, or two factors from 0 to 2 such as [0.5,1.5]`,
	`{"retry_if":true}`:                                            `retry_if: unknown field; did you mean retry_on?`,
	`{"budget":{"in_flight":0,"ratio":0.5}}`:                       `budget.in_flight: 0 must be an integer of at least 1`,
	`{"budget":{"in_flight":-3}}`:                                  `budget.in_flight: -3 must be an integer of at least 1`,
	`{"breaker":{"failures":0,"ratio":1}}`:                         `breaker.failures: 0 must be an integer of at least 1`,
	`{"breaker":{"ratio":1.5}}`:                                    `breaker.ratio: 1.5 must be a number of more than 0 and at most 1`,
	`{"breaker":{"failures":1,"open":"0s"}}`:                       `breaker.open: "0s" must be a duration of more than 0s, such as "500ms"`,
	`{"breaker":3}`:                                                `breaker: 3 must be an object`,
	`{"call_id":1}`:                                                `call_id: 1 must be true or false`,
	`{"budget":5}`:                                                 `budget: 5 must be an object`,
	`{"budget":{"ratio":2}}`:                                       `budget.ratio: 2 must be a number from 0 to 1`,
	`{"budget":{"ratio":-0.5}}`:                                    `budget.ratio: -0.5 must be a number from 0 to 1`,
	`{"budget":{"per_second":-1}}`:                                 `budget.per_second: -1 must be a number of more than 0 and at most 1e9`,
	`{"budget":{"ratio":0.2,"per_second":0}}`:                      `budget.per_second: 0 must be a number of more than 0 and at most 1e9`,
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
	place := regexp.MustCompile(`^line 1, column \d+: `)
	for text, want := range badForms {
		if p, err := Load([]byte(text)); err == nil || place.ReplaceAllString(err.Error(), "") != want {
			t.Errorf("%s became %v, %v; want %s", text, p, err, want)
		}
	}
}

// An error says where the text is wrong.
func TestLoadSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"{\n  \"attempts\": 3,\n  \"timeot\": \"1s\"\n}": `line 3, column 3: timeot: unknown field; did you mean timeout?`,
		"{\"é\": 1}": `line 1, column 2: é: unknown field; the fields are adaptive, attempts, `,
		"{\n\t\"backoff\": {\"kind\": \"constant\",\n\t\t\"jiter\": 2}\n}":      `line 3, column 3: backoff.jiter: unknown field; did you mean jitter?`,
		`{"backoff_after":{"11":{"knd":"constant"}}}`:                           `line 1, column 25: backoff_after.11.knd: unknown field; did you mean kind?`,
		"{\"retry_on\": [11,\r\n \"x\"]}":                                       `line 2, column 2: retry_on.1: "x" must be an integer of at least 0`,
		"{\n\"timeout\": \"1s\", \"late\": \"ignore\",\n\"hedge\": \"50ms\"\n}": `line 3, column 1: hedge: 50ms must be left out if late is ignore`,
		"{\"attempts\": 2,\n\"backoff\": {\"base\": \"1s\"}}":                   `line 2, column 12: backoff.kind: must be constant, exponential or decorrelated`,
		"{\n\"budget\": {}}":                      `line 2, column 1: budget: must have a ratio, `,
		"{\n  \"attempts\": 3,\n}":                `line 3, column 1: not JSON: invalid character '}' at start of string`,
		"{\n  \"attempts\": 3\n  \"timeout\": 1}": `line 3, column 3: not JSON: invalid character '"' after object value`,
		"{\"é\": 1, 5}":                           `line 1, column 10: not JSON: `,
		"{\"attempts\": 1,\n\"attempts\": 2}":     `line 2, column 1: duplicate`,
		"{":                                       `line 1, column 2: not JSON: unexpected EOF`,
	} {
		if p, err := Load([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s became %v\n%v; want\n%s", text, p, err, want)
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
		`{"budget":{}}`:               `budget: must have a ratio, a per_second or an in_flight of more than 0`,
		`{"budget":{"ratio":0}}`:      `budget: must have a ratio, a per_second or an in_flight of more than 0`,
		`{"breaker":{}}`:              `breaker: must have a failures or a ratio of more than 0`,
		`{"breaker":{"open":"1s"}}`:   `breaker: must have a failures or a ratio of more than 0`,
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
