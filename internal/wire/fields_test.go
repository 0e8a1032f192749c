package wire

import "testing"

func TestErrorCode(t *testing.T) {
	for fields, want := range map[string]int64{
		`"type":"error","code":22,"text":"x"`: 22,
		`"type": "error", "code": 0`:          0,
		`"type":"error"`:                      -1,
		`"type":"error","code":"22"`:          -1,
		`"type":"read_ok","code":22`:          -1,
		`"code":11,"type":"error"`:            11,
		``:                                    -1,
		`"type":"error","code":1,"code":2`:    2,
		`"type":"error","code":1.5`:           -1,
	} {
		got, ok := ErrorCode([]byte(fields))
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: %d, %t", fields, got, ok)
		}
	}
}

func TestFieldText(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":"x"}`: "x", `{"a":"\u0078\n"}`: "x\n", `{"a":1}`: "", `{"b":"x"}`: "", `{"a":""}`: "", `{}`: "", `[]`: "",
	} {
		if got := FieldText([]byte(body), "a"); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}

func TestWithTraceparent(t *testing.T) {
	for _, test := range []struct {
		spaced       bool
		fields, want string
	}{
		{false, `"type":"t"`, `"type":"t","traceparent":"00-1\""`},
		{true, `"type": "t"`, `"type": "t", "traceparent": "00-1\""`},
		{false, `"type":"t","traceparent":7`, `"type":"t","traceparent":7`},
	} {
		if got := (Dialect{Spaced: test.spaced}).WithTraceparent(test.fields, `00-1"`); got != test.want {
			t.Errorf("%s: %s", test.fields, got)
		}
	}
}
