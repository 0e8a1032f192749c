package sim

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBodyHash(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"type":"echo","msg_id":1}`, `{"type":"echo","msg_id":2}`, true},
		{`{"type":"echo","msg_id":1}`, `{"type":"echo"}`, true},
		{`{"type":"echo","in_reply_to":1}`, `{"type":"echo"}`, true},
		{`{"a":1,"b":2}`, ` { "b" : 2 , "a" : 1 } `, true},
		{`{"result":{"msg_id":1,"x":1}}`, `{"result":{"in_reply_to":7,"x":1}}`, true},
		{`{"call":"a/1","deadline_ms":3,"retry":true}`, `{"call":"b/7"}`, true},
		{`{"x":{"call":1}}`, `{"x":{"call":2}}`, false},
		{`{"a":1,"b":2}`, `{"a":2,"b":1}`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":1}`, `{"a":[1]}`, false},
		{`{"a":[]}`, `{"a":{}}`, false},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{`{"a":[1,[2]]}`, `{"a":[[1],2]}`, false},
		{`{"a":"x\"y"}`, `{"a":"x\"z"}`, false},
		{`{"a":"\\","b":1}`, `{"a":"\\","b":2}`, false},
		{`{"a":{"b":1},"c":1}`, `{"a":{"b":1,"c":1}}`, false},
		{`{"a":null}`, `{}`, false},
		{`{"a":"12345678"}`, `{"a":"12345679"}`, false},
		{`{"a":1}{`, `{"a":1}[`, false},
	} {
		if same := BodyHash([]byte(c.a)) == BodyHash([]byte(c.b)); same != c.same {
			t.Errorf("%s and %s: same %v", c.a, c.b, same)
		}
	}
}

// The fates of a seed depend on the hash, so it must not change: a stored test must
// be repeatable.
func TestBodyHashStays(t *testing.T) {
	const want = 0x8ddd366b4ba2d2d8
	if got := BodyHash([]byte(`{"type":"echo","echo":[1,"a",{"b":null}],"msg_id":3}`)); got != want {
		t.Errorf("%#x, want %#x", got, uint64(want))
	}
}

func TestBodyHashOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		BodyHash([]byte(rapid.StringOf(rapid.SampledFrom([]rune(`{}[]",:\ 1at`))).Draw(t, "body")))
		BodyHash(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	})
	BodyHash([]byte(strings.Repeat("[", 1e6)))
}

func BenchmarkBodyHash(b *testing.B) {
	body := []byte(`{"type":"echo","msg_id":123,"echo":"Please echo 17 and some more words"}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		BodyHash(body)
	}
}
