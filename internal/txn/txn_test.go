package txn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// parse reads transactions, one on each line:
//
//	a 0-10 ok: append 1 5, read 1 [5], write 2 7
//
// The first word is the process. A transaction that ends with "?" is indefinite, one that
// ends with "!" has failed.
func parse(t testing.TB, text string) (txns []Txn) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		head, ops, _ := strings.Cut(line, ":")
		words := strings.Fields(head)
		from, to, _ := strings.Cut(words[1], "-")
		x := Txn{Name: fmt.Sprintf("T%d", len(txns)+1), Process: int(words[0][0]), From: ms(t, from), To: ms(t, to)}
		x.Outcome = map[string]Outcome{"ok": OK, "fail": Fail, "info": Indefinite, "final": OK}[words[2]]
		x.Final = words[2] == "final"
		for op := range strings.SplitSeq(ops, ",") {
			w := strings.Fields(op)
			o := Op{Kind: map[string]Kind{"read": Read, "append": Append, "write": Write}[w[0]], Key: number(t, w[1])}
			if o.Kind == Read {
				for _, v := range strings.Fields(strings.Trim(strings.Join(w[2:], " "), "[]")) {
					o.Read = append(o.Read, number(t, v))
				}
			} else {
				o.Value = number(t, w[2])
			}
			x.Ops = append(x.Ops, o)
		}
		txns = append(txns, x)
	}
	return txns
}

func number(t testing.TB, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func ms(t testing.TB, text string) time.Duration {
	return time.Duration(number(t, text)) * time.Millisecond
}

// strict is what most tests ask for.
var strict = []Model{StrictSerializable}

// Each history shows one anomaly with the shortest cycle, and its twin does not.
func TestAnomalies(t *testing.T) {
	for _, tt := range []struct {
		anomaly Anomaly
		analyse func([]Txn, []Model) Result
		txns    []int
		history string
		twin    string
	}{
		{G0, Lists, []int{0, 1}, `
			a 0-10 ok: append 1 1, append 2 1
			b 0-10 ok: append 1 2, append 2 2
			c 20-30 ok: read 1 [1 2], read 2 [2 1]`, `
			a 0-10 ok: append 1 1, append 2 1
			b 0-10 ok: append 1 2, append 2 2
			c 20-30 ok: read 1 [1 2], read 2 [1 2]`},
		{G1a, Lists, []int{0, 1}, `
			a 0-10 fail: append 1 1
			b 20-30 ok: read 1 [1]`, `
			a 0-10 info: append 1 1
			b 20-30 ok: read 1 [1]`},
		{G1b, Lists, []int{0, 1}, `
			a 0-10 ok: append 1 1, append 1 2
			b 0-10 ok: read 1 [1]`, `
			a 0-10 ok: append 1 1, append 1 2
			b 0-10 ok: read 1 [1 2]`},
		{G1c, Lists, []int{0, 1}, `
			a 0-10 ok: append 1 1, read 2 [1]
			b 0-10 ok: append 2 1, read 1 [1]`, `
			a 0-10 ok: append 1 1, read 2 [1]
			b 0-10 ok: append 2 1, read 1 []`},
		{GSingle, Lists, []int{0, 1}, `
			a 0-10 ok: append 1 1, append 2 1
			b 0-10 ok: read 1 [1], read 2 []
			c 20-30 ok: read 1 [1], read 2 [1]`, `
			a 0-10 ok: append 1 1, append 2 1
			b 0-10 ok: read 1 [], read 2 []
			c 20-30 ok: read 1 [1], read 2 [1]`},
		{GNonadjacent, Lists, []int{0, 1, 2, 3}, `
			a 0-10 ok: append 1 1
			b 0-10 ok: append 2 1
			c 0-10 ok: read 1 [1], read 2 []
			d 0-10 ok: read 2 [1], read 1 []
			e 20-30 ok: read 1 [1], read 2 [1]`, `
			a 0-10 ok: append 1 1
			b 0-10 ok: append 2 1
			c 0-10 ok: read 1 [1], read 2 []
			d 0-10 ok: read 2 [1], read 1 [1]
			e 20-30 ok: read 1 [1], read 2 [1]`},
		{G2, Lists, []int{0, 1}, `
			a 0-10 ok: read 1 [], append 2 1
			b 0-10 ok: read 2 [], append 1 1
			c 20-30 ok: read 1 [1], read 2 [1]`, `
			a 0-10 ok: read 1 [], append 2 1
			b 0-10 ok: read 2 [1], append 1 1
			c 20-30 ok: read 1 [1], read 2 [1]`},
		{G2, Registers, []int{0, 1}, `
			a 0-10 ok: read 1 [], write 2 1
			b 0-10 ok: read 2 [], write 1 1`, `
			a 0-10 ok: read 1 [], write 2 1
			b 0-10 ok: read 2 [1], write 1 1`},
		{LostUpdate, Lists, []int{0, 1}, `
			a 0-10 ok: read 1 [], append 1 1
			b 0-10 ok: read 1 [], append 1 2`, `
			a 0-10 ok: read 1 [], append 1 1
			b 0-10 ok: read 1 [1], append 1 2`},
		{LostUpdate, Registers, []int{0, 1}, `
			a 0-10 ok: read 1 [], write 1 1
			b 0-10 ok: read 1 [], write 1 2`, `
			a 0-10 ok: read 1 [], write 1 1
			b 0-10 ok: read 1 [1], write 1 2`},
		{Internal, Lists, []int{0}, `
			a 0-10 ok: append 1 1, read 1 []`, `
			a 0-10 ok: append 1 1, read 1 [1]`},
		{Internal, Registers, []int{1}, `
			b 0-10 ok: write 1 2
			a 0-10 ok: write 1 1, read 1 [2]`, `
			b 0-10 ok: write 1 2
			a 0-10 ok: write 1 1, read 1 [1]`},
		{FutureRead, Lists, []int{0}, `
			a 0-10 ok: read 1 [1], append 1 1`, `
			a 0-10 ok: read 1 [], append 1 1`},
		{DirtyUpdate, Lists, []int{0, 1, 2}, `
			a 0-10 fail: append 1 1
			b 0-10 ok: append 1 2
			c 20-30 ok: read 1 [1 2]`, `
			a 0-10 info: append 1 1
			b 0-10 ok: append 1 2
			c 20-30 ok: read 1 [1 2]`},
		{IncompatibleOrder, Lists, []int{2, 3}, `
			a 0-10 ok: append 1 1
			b 0-10 ok: append 1 2
			c 0-10 ok: read 1 [1]
			d 0-10 ok: read 1 [2]`, `
			a 0-10 ok: append 1 1
			b 0-10 ok: append 1 2
			c 0-10 ok: read 1 [1]
			d 0-10 ok: read 1 [1 2]`},
		{DuplicateElements, Lists, []int{1}, `
			a 0-10 ok: append 1 1
			b 20-30 ok: read 1 [1 1]`, `
			a 0-10 ok: append 1 1
			b 20-30 ok: read 1 [1]`},
		{CyclicVersions, Registers, []int{0, 1}, `
			a 0-10 ok: read 1 [2], write 1 1
			b 0-10 ok: read 1 [1], write 1 2`, `
			a 0-10 ok: write 1 1
			b 0-10 ok: read 1 [1], write 1 2`},
		{Unwritten, Lists, []int{0}, `
			a 0-10 ok: read 1 [7]`, `
			a 0-10 ok: read 1 []`},
		{Unwritten, Registers, []int{0}, `
			a 0-10 ok: read 1 [7]`, `
			a 0-10 ok: read 1 []`},
		{LostWrite, Lists, []int{0}, `
			a 0-10 ok: append 1 1
			b 20-30 final: read 1 []`, `
			a 0-10 ok: append 1 1
			b 20-30 final: read 1 [1]`},
		{LostWrite, Registers, []int{0, 1}, `
			a 0-10 ok: write 1 1
			b 20-30 final: read 1 []`, `
			a 0-10 ok: write 1 1
			b 20-30 final: read 1 [1]
			c 21-31 final: read 1 []`}, // it does not know the value yet
		{GSingle + "-realtime", Lists, []int{0, 1}, `
			a 0-10 ok: append 1 1
			b 20-30 ok: read 1 []`, `
			a 0-10 ok: append 1 1
			b 5-30 ok: read 1 []`},
		{GSingle + "-process", Lists, []int{0, 1}, `
			a 0-10 ok: append 1 1
			a 20-30 ok: read 1 []`, `
			a 0-10 ok: append 1 1
			b 5-30 ok: read 1 []`},
		{G1c + "-realtime", Lists, []int{0, 1}, `
			b 0-10 ok: read 1 [1]
			a 20-30 ok: append 1 1`, `
			b 0-30 ok: read 1 [1]
			a 20-30 ok: append 1 1`},
		{G0 + "-realtime", Lists, []int{0, 1}, `
			a 0-10 ok: append 1 1
			b 20-30 ok: append 1 2
			c 40-50 ok: read 1 [2 1]`, `
			a 0-10 ok: append 1 1
			b 5-30 ok: append 1 2
			c 40-50 ok: read 1 [2 1]`},
		{GSingle + "-realtime", Registers, []int{1, 2}, `
			a 0-10 ok: write 1 1
			b 20-30 ok: write 1 2
			c 40-50 ok: read 1 [1]`, `
			a 0-10 ok: write 1 1
			b 5-30 ok: write 1 2
			c 40-50 ok: read 1 [1]`},
		{G1a, Registers, []int{0, 1}, `
			a 0-10 fail: write 1 1
			b 20-30 ok: read 1 [1]`, `
			a 0-10 info: write 1 1
			b 20-30 ok: read 1 [1]`},
		{G1b, Registers, []int{0, 1}, `
			a 0-10 ok: write 1 1, write 1 2
			b 0-10 ok: read 1 [1]`, `
			a 0-10 ok: write 1 1, write 1 2
			b 0-10 ok: read 1 [2]`},
		{G0 + "-process", Lists, []int{0, 1}, `
			a 0-10 ok: append 1 1
			a 20-30 ok: append 1 2
			c 0-50 ok: read 1 [2 1]`, `
			a 0-10 ok: append 1 1
			b 20-30 ok: append 1 2
			c 0-50 ok: read 1 [2 1]`},
		{G1c + "-process", Lists, []int{0, 1}, `
			a 0-10 ok: read 1 [1]
			a 20-30 ok: append 1 1`, `
			a 0-10 ok: read 1 [1]
			b 20-30 ok: append 1 1`},
		{GNonadjacent + "-process", Lists, []int{0, 1, 2, 3}, `
			a 0-10 ok: append 2 1
			a 20-30 ok: read 1 []
			b 0-10 ok: append 1 1
			b 20-30 ok: read 2 []
			c 0-50 ok: read 1 [1], read 2 [1]`, `
			a 0-10 ok: append 2 1
			a 20-30 ok: read 1 []
			b 0-10 ok: append 1 1
			d 20-30 ok: read 2 []
			c 0-50 ok: read 1 [1], read 2 [1]`},
		{GNonadjacent + "-realtime", Lists, []int{0, 1, 2, 3}, `
			a 0-10 ok: append 2 1
			b 20-30 ok: read 1 []
			c 0-40 ok: append 1 1, append 3 1
			d 5-40 ok: read 3 [1], read 2 []
			e 0-60 ok: read 1 [1], read 2 [1], read 3 [1]`, `
			a 0-10 ok: append 2 1
			b 5-30 ok: read 1 []
			c 0-40 ok: append 1 1, append 3 1
			d 5-40 ok: read 3 [1], read 2 []
			e 0-60 ok: read 1 [1], read 2 [1], read 3 [1]`},
		{G2 + "-process", Lists, []int{0, 1, 2}, `
			a 0-10 ok: append 2 1
			a 20-30 ok: read 1 []
			b 0-40 ok: read 2 [], append 1 1
			c 0-50 ok: read 1 [1], read 2 [1]`, `
			a 0-10 ok: append 2 1
			d 20-30 ok: read 1 []
			b 0-40 ok: read 2 [], append 1 1
			c 0-50 ok: read 1 [1], read 2 [1]`},
		{G2 + "-realtime", Lists, []int{0, 1, 2}, `
			a 0-10 ok: append 2 1
			d 20-30 ok: read 1 []
			b 0-40 ok: read 2 [], append 1 1
			c 0-50 ok: read 1 [1], read 2 [1]`, `
			a 0-10 ok: append 2 1
			d 5-30 ok: read 1 []
			b 0-40 ok: read 2 [], append 1 1
			c 0-50 ok: read 1 [1], read 2 [1]`},
		{GSingle + "-process", Registers, []int{0, 1}, `
			a 0-10 ok: write 1 1
			a 20-30 ok: read 1 []`, `
			a 0-10 ok: write 1 1
			b 20-30 ok: read 1 []`},
	} {
		t.Run(string(tt.anomaly), func(t *testing.T) {
			r := tt.analyse(parse(t, tt.history), strict)
			at := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Anomaly == tt.anomaly })
			if at < 0 {
				t.Fatalf("not found among %v", r.Findings)
			}
			got := slices.Sorted(slices.Values(r.Findings[at].Txns))
			if !slices.Equal(got, tt.txns) {
				t.Errorf("shown by %v, want %v: %s", got, tt.txns, r.Findings[at].Steps)
			}
			if len(r.Findings[at].Steps) == 0 || r.Forbidden == 0 {
				t.Errorf("%+v", r)
			}
			r = tt.analyse(parse(t, tt.twin), strict)
			if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Anomaly == tt.anomaly }) {
				t.Errorf("the twin shows it too: %v", r.Findings)
			}
		})
	}
}

// A cycle is explained by one sentence for each of its edges.
func TestSteps(t *testing.T) {
	r := Lists(parse(t, `
		a 0-10 ok: append 1 1
		b 50-60 ok: read 1 []`), strict)
	want := []string{
		"T2 read nothing of key 1, which lacks the 1 that T1 appended, so it came before T1",
		"T1 had been acknowledged 40ms before T2 began",
	}
	got := slices.Sorted(slices.Values(r.Findings[0].Steps))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	wantEdges(t, r.Findings[0], "T1 realtime T2", "T2 rw T1")

	// A cycle without an edge of real time says what real time has to do with it.
	r = Lists(parse(t, `
		a 0-10 ok: append 1 1, append 2 1
		b 50-60 ok: read 1 [1], read 2 []
		c 70-80 ok: read 1 [1], read 2 [1]`), []Model{"serializable"})
	for _, f := range r.Findings {
		if f.Anomaly == GSingle {
			wantEdges(t, f, "T1 wr T2", "T2 rw T1")
			if text := strings.Join(f.Steps, ". "); !strings.Contains(text, "so it came before T1; but T1 had been acknowledged 40ms before T2 began") {
				t.Errorf("%s", text)
			}
			return
		}
	}
	t.Errorf("%+v", r.Findings)
}

// wantEdges checks the edges of a cycle, whichever is the first.
func wantEdges(t *testing.T, f Finding, want ...string) {
	t.Helper()
	var got []string
	for i, e := range f.Edges {
		got = append(got, fmt.Sprintf("T%d %s T%d", f.Txns[e.From]+1, e.Kind, f.Txns[e.To]+1))
		if e.Text == "" || e.Text != f.Steps[i] {
			t.Errorf("edge %d says %q, the step %q", i, e.Text, f.Steps[i])
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("edges %q, want %q", got, want)
	}
}
