package metadata

import (
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

func TestRead(t *testing.T) {
	for _, test := range []struct {
		body      string
		remaining time.Duration
		retry     bool
	}{
		{`{}`, schedule.Never, false},
		{`{"deadline_ms":1200,"retry":true}`, 1200 * time.Millisecond, true},
		{`{"deadline_ms":0,"retry":false}`, 0, false},
		{`{"deadline_ms":-1,"retry":1}`, schedule.Never, false},
		{`{"deadline_ms":1.5,"retry":"true"}`, schedule.Never, false},
		{`{"deadline_ms":9223372036854775807}`, schedule.Never, false},
	} {
		if remaining, retry := Read([]byte(test.body)); remaining != test.remaining || retry != test.retry {
			t.Errorf("%s: %v, %v", test.body, remaining, retry)
		}
	}
}

func TestWrite(t *testing.T) {
	const own = `{"type":"t","call":"x","deadline_ms":1,"retry":true,"key":2}`
	i := Incarnation{}
	i.SetNumber(0xabc)
	for _, test := range []struct {
		body   string
		policy retry.Policy
		want   string
	}{
		{`{"type":"t"}`, retry.Policy{CallID: true}, `{"type":"t","call":"0000000000000abc/1"}`},
		{own, retry.Policy{CallID: true}, `{"type":"t","deadline_ms":1,"retry":true,"key":2,"call":"0000000000000abc/2"}`},
		{own, retry.Policy{Propagate: true}, `{"type":"t","call":"x","key":2}`},
		{own, retry.Policy{CallID: true, Propagate: true}, `{"type":"t","key":2,"call":"0000000000000abc/3"}`},
	} {
		before := strings.Clone(test.body)
		body := []byte(test.body)
		got, err := i.Write(body, &test.policy)
		if err != nil || string(got) != test.want {
			t.Errorf("%s, %v", got, err)
		}
		if string(body) != before {
			t.Errorf("the user's body is now %s", body)
		}
	}
}

func TestIncarnationsDiffer(t *testing.T) {
	var a, b Incarnation
	if a.CallID() == b.CallID() {
		t.Error("two incarnations have one number")
	}
	if first, again := a.Number(), a.Number(); first != again {
		t.Errorf("the number was %d and is %d", first, again)
	}
}
