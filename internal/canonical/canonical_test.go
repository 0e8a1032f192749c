package canonical

import "testing"

func TestJSON(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		equal bool
	}{
		{`1`, ` 1 `, true},
		{`1`, `1.0`, false},
		{`10`, `1e1`, false},
		{`9007199254740993`, `9007199254740992`, false},
		{`0`, `-0`, false},
		{`1`, `"1"`, false},
		{`"a/é"`, `"\u0061\/\u00e9"`, true},
		{`{"a":1,"b":[2,3]}`, ` { "b" : [ 2, 3 ] , "\u0061":1 } `, true},
		{`[{"a":1,"b":2}]`, `[{"b":2,"a":1}]`, true},
		{`[1,2]`, `[2,1]`, false},
		{`{"a":1,"a":2}`, `{"a":2,"a":1}`, true},
		{`{"a":1,"a":2}`, `{"a":2}`, false},
		{`"\ud800"`, `"\ud801"`, false},
		{`"\ud800"`, `"\ufffd"`, false},
		{`{"b": "\ud800", "a": 1}`, `{"a":1,"b":"\ud800"}`, true},
		{`not JSON`, `not JSON`, true},
		{`not JSON`, `not  JSON`, false},
	} {
		if equal := JSON(test.a) == JSON(test.b); equal != test.equal {
			t.Errorf("%s and %s: equal is %v, want %v", test.a, test.b, equal, test.equal)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	value := []byte(`{"type":"echo_ok","echo":"hello","in_reply_to":2,"msg_id":1}`)
	b.ReportAllocs()
	for b.Loop() {
		JSON(value)
	}
}
