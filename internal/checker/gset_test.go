package checker

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/longtest"
)

func TestGSet(t *testing.T) {
	datadriven.RunTest(t, "testdata/gset", func(t *testing.T, d *datadriven.TestData) string {
		ops, kills, _ := script(t, d.Input)
		return report(GSet(history.Of(ops...), []string{"n1", "n2"}, kills))
	})
}

// GSet finds and counts what a check finds that compares every element with every read,
// in small histories in which everything is concurrent with everything.
func TestGSetByComparison(t *testing.T) {
	found := map[string]int{}
	for range longtest.Or(300, 25) {
		rapid.Check(t, func(t *rapid.T) {
			ops, kills := drawSet(t)
			problems, numbers := GSet(history.Of(ops...), []string{"n1", "n2"}, kills)
			var got []string
			for _, p := range problems {
				if !p.Unknown {
					got = append(got, p.Check+" "+p.Requests[0].Client+" "+elementOf(p.Text))
				}
			}
			slices.Sort(got)
			r := setReference{ops: ops, kills: kills}
			want := r.check([]string{"n1", "n2"})
			many := manyOf(want)
			got, want = slices.DeleteFunc(got, many), slices.DeleteFunc(want, many)
			if !slices.Equal(got, want) {
				t.Fatalf("kills %v\nfound %q\nwant  %q\n%v", kills, got, want, shown(ops))
			}
			for _, n := range numbers {
				if want, counted := r.numbers()[n.Name]; counted && fmt.Sprint(n.Value) != want {
					t.Fatalf("%s: %v, want %v\n%v", n.Name, n.Value, want, shown(ops))
				}
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
	for _, check := range []string{"nothing", "lost", "vanished", "duplicated", "invented", "failed-but-present"} {
		if found[check] == 0 {
			t.Errorf("no history has %s", check)
		}
	}
}

// manyOf returns a function that reports whether a problem is one of so many of its check
// that not all of them are kept.
func manyOf(names []string) func(name string) bool {
	count := map[string]int{}
	for _, name := range names {
		check, _, _ := strings.Cut(name, " ")
		count[check]++
	}
	return func(name string) bool {
		check, _, _ := strings.Cut(name, " ")
		return count[check] > maxPerCheck
	}
}

// elementOf returns the element that the text of a problem is about.
func elementOf(text string) string {
	if _, rest, found := strings.Cut(text, ": it returned "); found {
		text = rest
	}
	return text[:strings.IndexAny(text, ", ")]
}

// drawSet draws a history of up to four elements. Times are few, so that many are equal.
func drawSet(t *rapid.T) (ops []history.Op, kills Kills) {
	nodes := []string{"n1", "n2"}
	kills = Kills{}
	for _, node := range nodes {
		for range rapid.IntRange(0, 1).Draw(t, "kills") {
			kills[node] = append(kills[node], time.Duration(rapid.IntRange(0, 9).Draw(t, "killed")))
		}
	}
	read := func(op *history.Op, least int) {
		op.F, op.Outcome = "read", history.OK
		var values []int64
		for v := range 5 {
			for range rapid.SampledFrom([]int{0, 1, 1, 1, 1, 1, 2}).Draw(t, "times") {
				if v < 4 || rapid.IntRange(0, least).Draw(t, "unknown") == 0 {
					values = append(values, int64(v))
				}
			}
		}
		slices.Reverse(values)
		op.Result = listed(values)
	}
	for i := range rapid.IntRange(0, 9).Draw(t, "ops") {
		op := history.Op{Client: fmt.Sprint("c", i), Node: rapid.SampledFrom(nodes).Draw(t, "node"), MsgID: int64(i)}
		op.From = time.Duration(rapid.IntRange(0, 8).Draw(t, "from"))
		op.To = op.From + time.Duration(rapid.IntRange(1, 3).Draw(t, "to"))
		if rapid.Bool().Draw(t, "add") {
			op.F, op.Value = "add", fmt.Append(nil, rapid.IntRange(0, 3).Draw(t, "element"))
			op.Outcome = rapid.SampledFrom([]history.Outcome{history.OK, history.OK, history.Fail, history.Indefinite, history.Open}).Draw(t, "outcome")
		} else {
			read(&op, 5)
		}
		op.Again = rapid.IntRange(0, 9).Draw(t, "again") == 0
		ops = append(ops, op)
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "final") {
		from := time.Duration(13 + 2*i)
		op := history.Op{Client: fmt.Sprint("c", 20+i), Node: nodes[i%2], MsgID: 1, From: from, To: from + 1, Final: true}
		read(&op, 20)
		ops = append(ops, op)
	}
	return ops, kills
}

// A setReference is an implementation of the checks that compares every element with
// every read.
type setReference struct {
	ops   []history.Op
	kills Kills
	lost  map[int64]bool
	twice int
}

// values returns what a read returned, and when. Reads without a reply returned nothing.
func (r *setReference) values(op *history.Op) (values []int64, at time.Duration) {
	if op.F != "read" {
		return nil, 0
	}
	values, _ = integers(op.Result)
	return values, op.To
}

func (r *setReference) inTime(op *history.Op) bool {
	return op.F == "read" && op.Outcome == history.OK
}

// some reports whether there is an add of an element that began by a time and is so.
func (r *setReference) some(v int64, by time.Duration, is func(*history.Op) bool) bool {
	for i := range r.ops {
		if op := &r.ops[i]; isAdd(op) && number(op.Value) == v && op.From <= by && is(op) {
			return true
		}
	}
	return false
}

func mayBe(op *history.Op) bool  { return op.Outcome != history.Fail }
func failed(op *history.Op) bool { return op.Outcome == history.Fail }
func acked(op *history.Op) bool  { return op.Outcome == history.OK }
func anyAdd(*history.Op) bool    { return true }

// known returns since when an element is known.
func (r *setReference) known(v int64) time.Duration {
	known := time.Duration(math.MaxInt64)
	for i := range r.ops {
		op := &r.ops[i]
		values, _ := r.values(op)
		if isAdd(op) && number(op.Value) == v && acked(op) || r.inTime(op) && slices.Contains(values, v) && r.some(v, op.To, mayBe) {
			known = min(known, op.To)
		}
	}
	return known
}

func (r *setReference) check(nodes []string) (found []string) {
	r.lost = map[int64]bool{}
	for i := range r.ops {
		op := &r.ops[i]
		values, at := r.values(op)
		for v := range int64(5) {
			count := 0
			for _, value := range values {
				if value == v {
					count++
				}
			}
			if count > 1 {
				r.twice++
				found = append(found, fmt.Sprint("duplicated ", op.Client, " ", v))
			}
			switch {
			case count == 0 || r.some(v, at, mayBe):
			case r.some(v, at, failed):
				found = append(found, fmt.Sprint("failed-but-present ", op.Client, " ", v))
			default:
				found = append(found, fmt.Sprint("invented ", op.Client, " ", v))
			}
		}
	}
	for _, node := range nodes {
		var finals []*history.Op
		for i := range r.ops {
			if op := &r.ops[i]; op.Final && op.Node == node {
				finals = append(finals, op)
			}
		}
		for v := range int64(4) {
			if len(finals) == 0 || r.known(v) > finals[len(finals)-1].From {
				continue
			}
			last := finals[len(finals)-1]
			if values, _ := r.values(last); slices.Contains(values, v) {
				continue
			}
			r.lost[v] = true
			check := "lost "
			for _, before := range finals {
				if values, _ := r.values(before); slices.Contains(values, v) {
					check = "vanished "
				}
			}
			found = append(found, fmt.Sprint(check, last.Client, " ", v))
		}
	}
	slices.Sort(found)
	return found
}

// numbers returns some of the numbers. The times between an element's becoming known and
// the latest read without it are in nanoseconds.
func (r *setReference) numbers() map[string]string {
	count := map[string]int{"lost": len(r.lost), "duplicated": r.twice, "never read": 0, "stale": 0, "missing later": 0}
	var latest *history.Op
	for i := range r.ops {
		if op := &r.ops[i]; r.inTime(op) && (latest == nil || op.From >= latest.From) {
			latest = op
		}
	}
	var latencies []time.Duration
	for v := range int64(4) {
		if !r.some(v, math.MaxInt64, anyAdd) {
			continue
		}
		isRead, later, missing := false, false, time.Duration(-1)
		for i := range r.ops {
			op := &r.ops[i]
			if !r.inTime(op) {
				continue
			}
			values, _ := r.values(op)
			if slices.Contains(values, v) {
				isRead = true
				continue
			}
			missing = max(missing, op.From)
			later = later || r.returnedBefore(v, op)
		}
		if !isRead {
			count["never read"]++
		}
		if later {
			count["missing later"]++
		}
		if known := r.known(v); latest != nil && known < math.MaxInt64 {
			if values, _ := r.values(latest); slices.Contains(values, v) {
				latencies = append(latencies, max(0, missing-known))
			}
		}
	}
	for _, latency := range latencies {
		if latency > 0 {
			count["stale"]++
		}
	}
	all := map[string]string{"stable latency": fmt.Sprint(QuantilesOf(latencies))}
	for name, n := range count {
		all[name] = fmt.Sprint(n)
	}
	return all
}

// returnedBefore reports whether the incarnation that replied to a read had returned an
// element before the read began.
func (r *setReference) returnedBefore(v int64, read *history.Op) bool {
	return slices.ContainsFunc(r.ops, func(before history.Op) bool {
		values, _ := r.values(&before)
		return r.inTime(&before) && before.Node == read.Node && before.To <= read.From && slices.Contains(values, v) &&
			!slices.ContainsFunc(r.kills[read.Node], func(at time.Duration) bool { return before.From <= at && at <= read.To })
	})
}

// 4,000 adds and 4,000 reads of one node, as in BenchmarkBroadcast.
func BenchmarkGSet(b *testing.B) {
	var ops []history.Op
	var known []int64
	for i := range 4000 {
		now := time.Duration(i) * time.Millisecond
		ops = append(ops, history.Op{F: "add", Node: "n1", Outcome: history.OK, Value: fmt.Append(nil, i), From: now, To: now + 1})
		known = append(known, int64(i))
		ops = append(ops, history.Op{F: "read", Node: "n1", Outcome: history.OK, Result: listed(known), From: now + 2, To: now + 3, Final: i == 3999})
	}
	h := history.Of(ops...)
	for b.Loop() {
		if problems, _ := GSet(h, []string{"n1"}, nil); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
	b.ReportMetric(float64(len(ops)*b.N)/b.Elapsed().Seconds(), "ops/s")
}
