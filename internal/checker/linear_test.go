package checker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/history"
)

const timeout = 10 * time.Second

// kv parses a history, one operation per line: "F KEY VALUE FROM TO OUTCOME:CODE".
// OUTCOME and CODE may be omitted.
func kv(t testing.TB, text string) (ops []history.Op) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var value, outcome string
		op := history.Op{Process: len(ops), Client: fmt.Sprintf("c%d", len(ops)), Node: "n1", Outcome: history.OK}
		if n, err := fmt.Sscan(line, &op.F, &op.Key, &value, (*int64)(&op.From), (*int64)(&op.To), &outcome); n < 5 {
			t.Fatalf("%q: %v", line, err)
		}
		if outcome != "" {
			outcome, code, coded := strings.Cut(outcome, ":")
			if err := op.Outcome.UnmarshalText([]byte(outcome)); err != nil {
				t.Fatal(err)
			}
			if coded {
				if _, err := fmt.Sscan(code, &op.Code); err != nil {
					t.Fatal(err)
				}
			}
		}
		op.From *= time.Duration(time.Millisecond)
		op.To *= time.Duration(time.Millisecond)
		if op.F == "read" {
			op.Result = jsontext.Value(value)
		} else {
			op.Value = jsontext.Value(value)
		}
		ops = append(ops, op)
	}
	return ops
}

// linearTests are histories. want is a part of the problem's text, or empty if there
// is no problem.
var linearTests = []struct{ name, ops, want string }{
	{"read before any write", `read 1 null 0 1`, ``},
	{"read of an unwritten value", `read 1 7 0 1`, `read 7`},
	{"one after another", `
		write 1 1 0 1
		read  1 1 2 3
		write 1 2 4 5
		read  1 2 6 7`, ``},
	{"a read finds no key at first", `
		read  1 null 0 1 fail:20
		write 1 1 2 3`, ``},
	{"a read finds no key any more", `
		write 1 1 0 1
		read  1 null 2 3 fail:20`, `found that the key does not exist`},
	{"a cas finds no key at first", `
		cas   1 [0,1] 0 1 fail:20
		write 1 1 0 5`, ``},
	{"a cas finds no key any more", `
		write 1 1 0 1
		cas   1 [0,1] 2 3 fail:20`, `found that the key does not exist`},
	{"a cas finds another value", `
		write 1 1 0 1
		cas   1 [0,2] 2 3 fail:22
		read  1 1 4 5`, ``},
	{"a cas finds no key and reports another value", `
		cas   1 [0,2] 2 3 fail:22
		write 1 1 4 5`, ``},
	{"a cas wrongly reports another value", `
		write 1 1 0 1
		cas   1 [1,2] 2 3 fail:22`, `found another value than 1`},
	{"a cas may find a concurrently written value", `
		write 1 1 0 1
		write 1 2 2 9
		cas   1 [1,2] 2 3 fail:22
		read  1 1 4 5`, `read 1`},
	{"a failed write is not an observation", `
		write 1 1 0 1
		write 1 2 2 3 fail:20
		read  1 1 4 5`, ``},
	{"other codes are not observations", `
		write 1 1 0 1
		cas   1 [1,2] 2 3 fail:11
		read  1 null 2 3 fail:11`, ``},
	{"stale read", `
		write 1 1 0 1
		write 1 2 2 3
		read  1 1 4 5`, `on key 1, c2 at n1 read 1 (msg_id 0, 0.004s to 0.005s), which`},
	{"concurrent read", `
		write 1 1 0 1
		write 1 2 2 9
		read  1 1 4 5
		read  1 2 6 7`, ``},
	{"new, then old", `
		write 1 1 0 1
		write 1 2 2 9
		read  1 2 4 5
		read  1 1 6 7`, `read 1`},
	{"at the same instant", `
		write 1 1 0 1
		read  1 null 1 2`, ``},
	{"cas", `
		write 1 1 0 1
		cas 1 [1,2] 2 3
		read  1 2 4 5`, ``},
	{"cas of another value", `
		write 1 1 0 1
		cas 1 [3,2] 2 3`, `changed 3 to 2`},
	{"two cas of one value", `
		write 1 1 0 1
		cas 1 [1,2] 2 8
		cas 1 [1,3] 2 9`, `changed 1 to 3`},
	{"a failed write had no effect", `
		write 1 1 0 1
		write 1 2 2 3 fail
		read  1 2 4 5`, `read 2`},
	{"a failed cas without a code is not an observation", `
		write 1 1 0 1
		cas 1 [1,2] 2 3 fail
		read  1 1 4 5`, ``},
	{"an indefinite write took effect late", `
		write 1 1 0 1
		write 1 2 2 3 indefinite
		read  1 1 4 5
		read  1 2 6 7`, ``},
	{"an indefinite write never took effect", `
		write 1 1 0 1
		write 1 2 2 0 open
		read  1 1 4 5`, ``},
	{"an indefinite write took effect before it began", `
		read  1 2 0 1
		write 1 2 2 3 indefinite`, `read 2`},
	{"an indefinite cas may have found another value", `
		write 1 1 0 1
		cas 1 [7,2] 2 3 indefinite
		read 1 1 4 5`, ``},
	{"separate keys", `
		write 1 1 0 1
		write 2 2 0 1
		read  1 2 2 3`, `key 1`},
	{"equal values written differently", `
		write 1 {"a":1,"b":"\u0041"} 0 1
		read  1 {"b":"A","a":1} 2 3`, ``},
	{"large numbers", `
		write 1 9007199254740993 0 1
		read  1 9007199254740992 2 3`, `read 9007199254740992`},
}

func TestLinear(t *testing.T) {
	for _, c := range linearTests {
		t.Run(c.name, func(t *testing.T) {
			problems := Linear(history.Of(kv(t, c.ops)...), timeout)
			switch {
			case c.want == "" && len(problems) > 0:
				t.Errorf("problems: %+v", problems)
			case c.want != "" && (len(problems) != 1 || problems[0].Unknown || !strings.Contains(problems[0].Text, c.want)):
				t.Errorf("problems: %+v, want %s", problems, c.want)
			}
		})
	}
}

func TestLinearOfNothing(t *testing.T) {
	for _, text := range []string{"", "write 1 1 0 1 indefinite", "read 1 1 0 1 fail"} {
		if problems := Linear(history.Of(kv(t, text)...), timeout); len(problems) != 1 || !problems[0].Unknown {
			t.Errorf("%q: %+v", text, problems)
		}
	}
}

// Thousands of keys share the timeout.
func TestLinearOfManyKeys(t *testing.T) {
	var text strings.Builder
	for key := range 3000 {
		fmt.Fprintf(&text, "write %d 1 %d %d\nread %d 1 %d %d\n", key, key, key+5, key, key+6, key+9)
	}
	if problems := Linear(history.Of(kv(t, text.String())...), timeout); len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
	text.WriteString("read 7 null 5000 5001\n")
	problems := Linear(history.Of(kv(t, text.String())...), timeout)
	if len(problems) != 1 || problems[0].Unknown || !strings.Contains(problems[0].Text, "key 7") {
		t.Errorf("%+v", problems)
	}
}

// After the timeout the result is unknown.
func TestLinearUnknown(t *testing.T) {
	var text strings.Builder
	for i := range 400 {
		fmt.Fprintf(&text, "cas 1 [%d,%d] 0 0 indefinite\n", i%19, (i*7+3)%23)
		fmt.Fprintf(&text, "read 1 %d 0 1000\n", i%17)
	}
	text.WriteString("write 1 0 0 1000\nread 1 99 0 1000\n")
	problems := Linear(history.Of(kv(t, text.String())...), time.Nanosecond)
	if len(problems) != 1 || !problems[0].Unknown {
		t.Errorf("%+v", problems)
	}
}

// A history of one register is linearizable, however long requests and replies take.
func TestLinearAcceptsRegisters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value, ops := "null", []history.Op{{F: "read", Result: jsontext.Value("null"), Outcome: history.OK, From: -100, To: -90}}
		for i := range rapid.IntRange(1, 12).Draw(t, "operations") {
			at := time.Duration(10 * i)
			op := history.Op{
				Process: i, Outcome: history.OK,
				From: at - time.Duration(rapid.IntRange(0, 30).Draw(t, "early")),
				To:   at + time.Duration(rapid.IntRange(0, 30).Draw(t, "late")),
			}
			if rapid.Bool().Draw(t, "write") {
				value = fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "value"))
				op.F, op.Value = "write", jsontext.Value(value)
				if rapid.IntRange(0, 3).Draw(t, "lost reply") == 0 {
					op.Outcome = history.Indefinite
				}
			} else {
				op.F, op.Result = "read", jsontext.Value(value)
			}
			ops = append(ops, op)
		}
		if problems := Linear(history.Of(ops...), timeout); len(problems) > 0 {
			t.Fatalf("%+v of %+v", problems, ops)
		}
	})
}
