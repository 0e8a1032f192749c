package checker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/longtest"
)

func TestCounter(t *testing.T) {
	datadriven.RunTest(t, "testdata/counter", func(t *testing.T, d *datadriven.TestData) string {
		ops, kills, copies := script(t, d.Input)
		return report(Counter(history.Of(ops...), CounterConfig{
			Nodes: []string{"n1", "n2"}, Grows: d.Cmd == "g-counter", Kills: kills, Copies: copies,
		}))
	})
}

// Sums has what all subsets sum to, and its ranges do not touch.
func TestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fixed := rapid.Int64Range(-20, 20).Draw(t, "fixed")
		s, all := NewSums(fixed), map[int64]bool{fixed: true}
		for range rapid.IntRange(0, 5).Draw(t, "numbers") {
			number, count := rapid.Int64Range(-9, 9).Draw(t, "number"), rapid.IntRange(0, 6).Draw(t, "count")
			s.Add(number, count)
			for range count {
				for sum := range copied(all) {
					all[sum+number] = true
				}
			}
		}
		for n := int64(-400); n <= 400; n++ {
			if s.Has(n) != all[n] {
				t.Fatalf("%v: %d: %v, want %v", s.ranges, n, s.Has(n), all[n])
			}
			below, above := s.nearest(n)
			if !all[n] && (!all[below] || !all[above] || below != above && (below > n || above < n)) {
				t.Fatalf("%v: nearest to %d are %d and %d", s.ranges, n, below, above)
			}
		}
		for i := 1; i < len(s.ranges); i++ {
			if s.ranges[i].low <= s.ranges[i-1].high+1 {
				t.Fatalf("%v: ranges touch", s.ranges)
			}
		}
	})
}

func copied(set map[int64]bool) map[int64]bool {
	c := map[int64]bool{}
	for n := range set {
		c[n] = true
	}
	return c
}

// A hundred thousand optional numbers cost a few ranges, not exponential time.
func TestSumsOfMany(t *testing.T) {
	s := NewSums(0)
	for i := range 100_000 {
		s.Add(int64(i%10)-5, 1)
	}
	if len(s.ranges) != 1 || s.ranges[0] != (bounds{-150_000, 100_000}) {
		t.Error(s.ranges)
	}
	even := NewSums(0)
	even.Add(1000, 100_000)
	even.Add(1, 3)
	if len(even.ranges) != 100_001 || !even.Has(99_000_003) || even.Has(99_000_004) {
		t.Error(len(even.ranges))
	}
}

// Counter finds what a check by enumeration of all sets of adds finds, in small histories
// in which everything is concurrent with everything.
func TestCounterByEnumeration(t *testing.T) {
	found := map[string]int{}
	for range longtest.Or(300, 25) {
		rapid.Check(t, func(t *rapid.T) {
			ops, c := drawCounter(t)
			problems, _ := Counter(history.Of(ops...), c)
			got, want := violated(problems), enumerate(ops, c)
			if !slices.Equal(got, want) {
				t.Fatalf("%v\nfound %v\nwant  %v\n%v", c, got, want, shown(ops))
			}
			for _, name := range got {
				check, _, _ := strings.Cut(name, " ")
				found[check]++
			}
			if len(got) == 0 {
				found["nothing"]++
			}
		})
	}
	t.Log(found)
	for _, check := range append([]string{"nothing"}, "wrong-final-value", "diverged", "unexplained", "failed-but-counted", "went-back") {
		if found[check] == 0 {
			t.Errorf("no history has %s", check)
		}
	}
}

func shown(ops []history.Op) string {
	var b strings.Builder
	for i := range ops {
		op := &ops[i]
		fmt.Fprintf(&b, "%d: %d-%d %s %s %s %s %v final=%v again=%v\n", i, op.From, op.To, op.Node, op.F, op.Value, op.Result, op.Outcome, op.Final, op.Again)
	}
	return b.String()
}

// violated returns the checks of violations with the number of their first operation.
func violated(problems []Problem) (names []string) {
	for _, p := range problems {
		if !p.Unknown {
			names = append(names, p.Check+" "+p.Requests[0].Client)
		}
	}
	slices.Sort(names)
	return names
}

// drawCounter draws a history. Times are few, so that many are equal. Values are mostly
// near to what is possible.
func drawCounter(t *rapid.T) (ops []history.Op, c CounterConfig) {
	c = CounterConfig{Nodes: []string{"n1", "n2"}, Grows: rapid.Bool().Draw(t, "grows"), Kills: Kills{}, Copies: map[Request]int{}}
	least := int64(0)
	if !c.Grows {
		least = -5
	}
	for _, node := range c.Nodes {
		for range rapid.IntRange(0, 1).Draw(t, "kills") {
			c.Kills[node] = append(c.Kills[node], time.Duration(rapid.IntRange(0, 9).Draw(t, "killed")))
		}
	}
	sum := int64(0)
	add := func(op *history.Op) {
		delta := rapid.Int64Range(least, 4).Draw(t, "delta")
		op.F, op.Value = "add", fmt.Append(nil, delta)
		op.Outcome = rapid.SampledFrom([]history.Outcome{history.OK, history.OK, history.Fail, history.Indefinite, history.Open}).Draw(t, "outcome")
		if rapid.IntRange(0, 9).Draw(t, "copied") == 0 {
			c.Copies[requestOf(op)] = 1
		}
		if op.Outcome == history.OK {
			sum += delta // or not, if it is a further reply
		}
	}
	for i := range rapid.IntRange(0, 9).Draw(t, "ops") {
		op := history.Op{Client: fmt.Sprint("c", i), Node: rapid.SampledFrom(c.Nodes).Draw(t, "node"), MsgID: int64(i)}
		op.From = time.Duration(rapid.IntRange(0, 8).Draw(t, "from"))
		op.To = op.From + time.Duration(rapid.IntRange(1, 3).Draw(t, "to"))
		if rapid.IntRange(0, 2).Draw(t, "f") > 0 {
			add(&op)
		} else {
			op.F, op.Outcome, op.Result = "read", history.OK, fmt.Append(nil, rapid.Int64Range(least, 8).Draw(t, "value"))
		}
		op.Again = rapid.IntRange(0, 9).Draw(t, "again") == 0
		ops = append(ops, op)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "final") {
		from := time.Duration(10 + 2*rapid.IntRange(0, 2).Draw(t, "from"))
		value := sum + rapid.SampledFrom([]int64{0, 0, 0, 0, -3, -2, -1, 1, 2, 3}).Draw(t, "difference")
		ops = append(ops, history.Op{Client: fmt.Sprint("c", 20+i), Node: rapid.SampledFrom(c.Nodes).Draw(t, "node"), MsgID: 1,
			F: "read", Outcome: history.OK, Result: jsontext.Value(fmt.Append(nil, value)), From: from, To: from + 1, Final: true})
	}
	return ops, c
}

// enumerate is an implementation of the same checks that tries all sets of adds.
func enumerate(ops []history.Op, c CounterConfig) (found []string) {
	last := map[string]int{}
	for i := range ops {
		if op := &ops[i]; op.Final && op.F == "read" {
			if l, ok := last[op.Node]; !ok || op.From >= ops[l].From {
				last[op.Node] = i
			}
		}
	}
	wrong, finals := false, []int{}
	for _, node := range c.Nodes {
		i, ok := last[node]
		if !ok {
			continue
		}
		must, may, failed := finalAdds(ops, c)
		value := number(ops[i].Result)
		own := int64(0)
		for j := range ops {
			if isAdd(&ops[j]) && ops[j].Outcome == history.OK && ops[j].Node == node {
				own += number(ops[j].Value)
			}
		}
		switch {
		case someSum(value-must, may):
			finals = append(finals, i)
		case (own == must || !someSum(value-own, may)) && someSum(value-must, append(may, failed...)):
			wrong = true
			found = append(found, "failed-but-counted "+ops[i].Client)
		default:
			wrong = true
			found = append(found, "wrong-final-value "+ops[i].Client)
		}
	}
	if !wrong && len(finals) == 2 && number(ops[finals[0]].Result) != number(ops[finals[1]].Result) {
		found = append(found, "diverged "+ops[finals[0]].Client)
	}
	for i := range ops {
		if op := &ops[i]; op.F == "read" {
			if l, ok := last[op.Node]; !ok || l != i {
				found = append(found, enumerateRead(ops, c, op)...)
			}
			if c.Grows && wentBack(ops, c, op) {
				found = append(found, "went-back "+op.Client)
			}
		}
	}
	slices.Sort(found)
	return found
}

func isAdd(op *history.Op) bool { return op.F == "add" && !op.Again }

func finalAdds(ops []history.Op, c CounterConfig) (must int64, may, failed []int64) {
	for j := range ops {
		op := &ops[j]
		if !isAdd(op) {
			continue
		}
		for copy := range 1 + c.Copies[requestOf(op)] {
			switch delta := number(op.Value); {
			case op.Outcome == history.Fail:
				failed = append(failed, delta)
			case op.Outcome == history.OK && copy == 0:
				must += delta
			default:
				may = append(may, delta)
			}
		}
	}
	return must, may, failed
}

func enumerateRead(ops []history.Op, c CounterConfig, read *history.Op) []string {
	result, replied := read.Result, read.To
	var may, failed []int64
	for j := range ops {
		if op := &ops[j]; isAdd(op) && op.From <= replied {
			for range 1 + c.Copies[requestOf(op)] {
				if op.Outcome == history.Fail {
					failed = append(failed, number(op.Value))
				} else {
					may = append(may, number(op.Value))
				}
			}
		}
	}
	switch {
	case someSum(number(result), may):
		return nil
	case someSum(number(result), append(may, failed...)):
		return []string{"failed-but-counted " + read.Client}
	}
	return []string{"unexplained " + read.Client}
}

func wentBack(ops []history.Op, c CounterConfig, read *history.Op) bool {
	result, replied := read.Result, read.To
	return slices.ContainsFunc(ops, func(before history.Op) bool {
		return before.F == "read" && before.Outcome == history.OK && before.Node == read.Node && before.To < read.From &&
			before.Client != read.Client && number(before.Result) > number(result) &&
			!slices.ContainsFunc(c.Kills[read.Node], func(at time.Duration) bool { return before.From <= at && at <= replied })
	})
}

func number(v jsontext.Value) int64 {
	n, _ := integer(v)
	return n
}

// someSum reports whether some of the numbers sum to a number.
func someSum(sum int64, numbers []int64) bool {
	for set := range 1 << len(numbers) {
		rest := sum
		for i, n := range numbers {
			if set>>i&1 == 1 {
				rest -= n
			}
		}
		if rest == 0 {
			return true
		}
	}
	return false
}

// 100,000 adds and as many reads, a tenth of the adds without a reply.
func BenchmarkCounter(b *testing.B) {
	var ops []history.Op
	sum := int64(0)
	for i := range 100_000 {
		now, delta := time.Duration(i)*time.Millisecond, int64(i*7%10)-5
		add := history.Op{F: "add", Node: "n1", Client: "c1", Outcome: history.OK, Value: fmt.Append(nil, delta), From: now, To: now + 1}
		if sum += delta; i%10 == 3 {
			add.Outcome = history.Indefinite
		}
		ops = append(ops, add, history.Op{F: "read", Node: "n1", Client: "c2", Outcome: history.OK, Result: fmt.Append(nil, sum),
			From: now + 2, To: now + 3, Final: i == 99_999})
	}
	h := history.Of(ops...)
	for b.Loop() {
		if problems, _ := Counter(h, CounterConfig{Nodes: []string{"n1"}}); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
	b.ReportMetric(float64(len(ops)*b.N)/b.Elapsed().Seconds(), "ops/s")
}
