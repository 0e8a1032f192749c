package checker

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// How many errors are allowed, and which count.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name                          string
		ok, errors, expected, excused int // numbers of operations; excused: errors during a fault
		want                          Verdict
	}{
		{name: "none", ok: 10, want: Pass},
		{name: "a tenth", ok: 90, errors: 10, want: Pass},
		{name: "more", ok: 80, errors: 10, want: Unknown},
		{name: "four fifths", ok: 20, errors: 80, want: Unknown},
		{name: "nearly all", ok: 10, errors: 90, want: Fail},
		{name: "nearly all of a few", errors: 9, want: Unknown},
		{name: "two", ok: 1, errors: 2, want: Pass},
		{name: "expected ones", ok: 10, expected: 90, want: Pass},
		{name: "excused ones", ok: 10, excused: 90, want: Pass},
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
		add(test.excused, history.Op{Outcome: history.Fail, Code: 11, Error: "error 11: \"busy\"", From: time.Minute})
		add(50, history.Op{Outcome: history.Indefinite, Error: "no reply within 5s"})
		problems := Errors(history.Of(ops...),
			func(op *history.Op) bool { return op.Code == 22 },
			func(from, _ time.Duration) bool { return from == time.Minute })
		if got := Judge(problems, true); got != test.want {
			t.Errorf("%s: %v, want %v: %v", test.name, got, test.want, problems)
		}
	}
}
