package checker

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// What explains that a key is not linearizable.
func TestLinearExplains(t *testing.T) {
	for _, c := range []struct{ name, ops, want string }{
		{"a value that was overwritten", `
			write 1 4 0 1
			write 1 5 2 3
			write 1 6 20 40
			read  1 4 30 35`,
			`not linearizable: on key 1, c3 at n1 read 4 (msg_id 0, 0.030s to 0.035s), which no order of the operations explains
At this point only 6 or 5 would have been right.
The value 4 had been overwritten 27ms before: write 5, by c1 at n1 (msg_id 0), 0.002s to 0.003s. It had been written by: write 4, by c0 at n1 (msg_id 0), 0.000s to 0.001s.
Acknowledged last before it: write 5, by c1 at n1 (msg_id 0), 0.002s to 0.003s
Open at the same time: write 6, by c2 at n1 (msg_id 0), 0.020s to 0.040s
An order explains the 2 operations before it: write 4 (c0), write 5 (c1). Then the value is 5.`},
		{"a value of an operation that did not happen", `
			write 1 4 0 1
			write 1 9 2 3 fail:11
			read  1 9 4 5`,
			`not linearizable: on key 1, c2 at n1 read 9 (msg_id 0, 0.004s to 0.005s), which no order of the operations explains
At this point only 4 would have been right.
The value 9 comes only from an operation that was answered with "it did not happen": write 9, by c1 at n1 (msg_id 0), 0.002s to 0.003s, failed for sure: error 11.
Acknowledged last before it: write 4, by c0 at n1 (msg_id 0), 0.000s to 0.001s
This explains the operation before it: write 4 (c0). Then the value is 4.`},
		{"a value that nobody wrote, and one that came too late", `
			read  1 9 0 1`,
			`not linearizable: on key 1, c0 at n1 read 9 (msg_id 0, 0.000s to 0.001s), which no order of the operations explains
At this point only no value (null) would have been right.
No operation wrote 9.`},
		{"a value that was written later", `
			read  1 9 0 1
			write 1 9 5 6`,
			`not linearizable: on key 1, c0 at n1 read 9 (msg_id 0, 0.000s to 0.001s), which no order of the operations explains
At this point only no value (null) would have been right.
The value 9 was written only later: write 9, by c1 at n1 (msg_id 0), 0.005s to 0.006s.`},
		{"a key that vanished, while a write may have happened", `
			write 1 4 0 1
			write 1 5 2 3 indefinite
			read  1 null 8 9`,
			`not linearizable: on key 1, c2 at n1 read null (msg_id 0, 0.008s to 0.009s), which no order of the operations explains
At this point only 5 or 4 would have been right.
No operation removes a value.
Acknowledged last before it: write 4, by c0 at n1 (msg_id 0), 0.000s to 0.001s
Open at the same time: write 5, by c1 at n1 (msg_id 0), 0.002s to 0.003s, may or may not have happened: no reply
This explains the operation before it: write 4 (c0). Then the value is 4.`},
		{"a cas that reports another value", `
			write 1 4 0 1
			cas   1 [4,5] 2 3 fail:22`,
			`not linearizable: on key 1, c1 at n1 found another value than 4 (msg_id 0, 0.002s to 0.003s), which no order of the operations explains
At this point only 4 would have been right.
Acknowledged last before it: write 4, by c0 at n1 (msg_id 0), 0.000s to 0.001s
This explains the operation before it: write 4 (c0). Then the value is 4.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops := kv(t, c.ops)
			for i := range ops {
				switch ops[i].Outcome {
				case history.Fail:
					ops[i].Error = "error 11"
				case history.Indefinite:
					ops[i].Error = "no reply"
				}
			}
			problems := Linear(history.Of(ops...), timeout)
			if len(problems) != 1 || problems[0].Register == nil {
				t.Fatalf("%+v", problems)
			}
			if problems[0].Text != c.want {
				t.Errorf("got\n%s\nwant\n%s", problems[0].Text, c.want)
			}
		})
	}
}

// The order explains all steps before the culprit, and the legal values are those with which
// brute force finds an order.
func TestRegisterExplanationAgreesWithBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	illegals, legals := 0, 0
	for range 4000 {
		ops := registerHistory(r, 1+r.IntN(7), 1+r.IntN(4), 1+r.IntN(10), 8)
		steps := byKey(history.Of(ops...))[0]
		result, culprit := searchRegister(steps, time.Now(), math.MaxInt)
		if result == linearizable {
			checkOrder(t, steps, ops)
			continue
		}
		illegals++
		known := knownAt(steps, culprit)
		if bruteForce(known, missing, make([]bool, len(known))) {
			checkOrder(t, known, ops)
		}
		legal, complete := legalValues(known, culprit)
		if !complete {
			t.Fatalf("not complete: %s", lines(ops))
		}
		legals += len(legal)
		for _, value := range append(valuesOf(known), "77") {
			read := *culprit.op
			read.F, read.Code = "read", 0
			with := append(slices.Clone(known), step{op: &read, value: value, finished: true})
			if want := bruteForce(with, missing, make([]bool, len(with))); want != slices.Contains(legal, value) {
				t.Fatalf("%s is legal: %v, want %v: %s", value, !want, want, lines(ops))
			}
		}
	}
	if illegals < 500 || legals < 500 {
		t.Errorf("%d histories have no order, with %d legal values", illegals, legals)
	}
}

// checkOrder checks the order of steps that have one.
func checkOrder(t *testing.T, steps []step, ops []history.Op) {
	t.Helper()
	order, then := registerOrder(steps)
	value, in := missing, map[*history.Op]bool{}
	for i, s := range order {
		in[s.op] = true
		switch {
		case s.reads() && s.value != value, s.failed && s.from == value, s.op.F == "cas" && s.changes() && s.from != value:
			t.Fatalf("%s does not hold when the value is %s: %s", s.did(), value, lines(ops))
		case s.changes():
			value = s.value
		}
		for _, later := range order[i+1:] {
			if later.finished && later.op.To < s.op.From {
				t.Fatalf("%v comes before %v: %s", s.op, later.op, lines(ops))
			}
		}
	}
	if value != then {
		t.Fatalf("the value is %s, not %s: %s", value, then, lines(ops))
	}
	for i := range steps {
		if s := &steps[i]; s.finished && !in[s.op] {
			t.Fatalf("%v is not in the order: %s", s.op, lines(ops))
		}
	}
}
