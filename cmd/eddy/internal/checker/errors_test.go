package checker

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// How many errors there may be, and which count.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		what                     string
		ok, errors, expected, in int // in: errors while something was wrong
		want                     Verdict
	}{
		{what: "none", ok: 10, want: Pass},
		{what: "a tenth", ok: 90, errors: 10, want: Pass},
		{what: "more", ok: 80, errors: 10, want: Unknown},
		{what: "four fifths", ok: 20, errors: 80, want: Unknown},
		{what: "nearly all", ok: 10, errors: 90, want: Fail},
		{what: "nearly all of a few", errors: 9, want: Unknown},
		{what: "two", ok: 1, errors: 2, want: Pass},
		{what: "expected ones", ok: 10, expected: 90, want: Pass},
		{what: "excused ones", ok: 10, in: 90, want: Pass},
	} {
		var ops []history.Op
		add := func(count int, op history.Op) {
			for range count {
				op.F = "echo"
				op.To = op.From + time.Second
				ops = append(ops, op)
			}
		}
		add(test.ok, history.Op{Outcome: history.OK})
		add(test.errors, history.Op{Outcome: history.Indefinite, Error: "error 0: \"?\""})
		add(test.expected, history.Op{Outcome: history.Fail, Code: 22, Error: "error 22: \"differs\""})
		add(test.in, history.Op{Outcome: history.Fail, Code: 11, Error: "error 11: \"busy\"", From: time.Minute})
		add(50, history.Op{Outcome: history.Indefinite, Error: "no answer within 5s"})
		problems := Errors(history.Of(ops...),
			func(op *history.Op) bool { return op.Code == 22 },
			func(from, _ time.Duration) bool { return from == time.Minute })
		if got := Judge(problems, true); got != test.want {
			t.Errorf("%s: %v, want %v: %v", test.what, got, test.want, problems)
		}
	}
}
