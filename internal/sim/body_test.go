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

// A plain body has the same hash as if it were decoded.
func TestPlainHash(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune(`{}[]",:\ 01-.eatrufalsn~é`)))
	value := rapid.OneOf(
		rapid.SampledFrom([]string{`1`, `0`, `01`, `-1`, `-0`, `1.0`, `1e0`, `123456789012345`, `1234567890123456`, `true`, `false`, `null`, `nul`, `[1]`, `{"a":1}`, `"x"`, `"x\n"`, `"é"`, ` 1`, `1 `, ``}),
		rapid.Map(text, func(s string) string { return `"` + s + `"` }), text)
	names := rapid.SampledFrom([]string{`"type"`, `"msg_id"`, `"in_reply_to"`, `"call"`, `"retry"`, `"a"`, `"b"`, `"ab"`, `"a b"`, `"\u0061"`, `"A"`, `""`, `a`, `"é"`})
	plain := 0
	check := func(t interface{ Fatalf(string, ...any) }, body string) {
		hash, ok := plainHash([]byte(body))
		if want := decodedHash([]byte(body)); ok && hash != want {
			t.Fatalf("%s: %#x, want %#x", body, hash, want)
		}
		if ok {
			plain++
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var members []string
		for range rapid.IntRange(0, mostMembers+2).Draw(t, "members") {
			members = append(members, names.Draw(t, "name")+":"+value.Draw(t, "value"))
		}
		check(t, "{"+strings.Join(members, ",")+"}")
		check(t, text.Draw(t, "text"))
		check(t, `{"type":"`+rapid.StringMatching(`[a-z ]*`).Draw(t, "type")+`","msg_id":`+rapid.StringMatching(`[0-9]{1,16}`).Draw(t, "id")+`}`)
	})
	for _, body := range []string{`{}`, `{"a":1}`, `{"a":1}x`, `{"a":1,}`, `{"a":1`, `{"a"`, `{"a":`, `{`, ``, `{"a":1,"a":1}`, `{"b":1,"a":1,"b":1}`, `{"a":truex}`, `{"a":1}}`} {
		check(t, body)
	}
	if plain < 50 {
		t.Errorf("only %d bodies are plain", plain)
	}
	if _, ok := plainHash([]byte(`{"type":"broadcast","message":17,"msg_id":3,"of":"n1","last":true}`)); !ok {
		t.Error("an ordinary body is not plain")
	}
}

func BenchmarkDecodedHash(b *testing.B) {
	body := []byte(`{"type":"echo","msg_id":123,"echo":"Please echo 17 and some more words"}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		decodedHash(body)
	}
}

func BenchmarkBodyHash(b *testing.B) {
	body := []byte(`{"type":"echo","msg_id":123,"echo":"Please echo 17 and some more words"}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		BodyHash(body)
	}
}
