package plan

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Table returns the results of policies side by side, as text.
func Table(m *Model, plans []Planned) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, p := range plans {
		fmt.Fprintf(w, "\t%s", p.Name)
	}
	fmt.Fprintf(w, "\ncalls (number)")
	for _, p := range plans {
		fmt.Fprintf(w, "\t%d", p.Sample.Calls)
	}
	fmt.Fprintln(w)
	for _, row := range rows {
		switch {
		case row.name == recoveredRow && m.Outage.For == 0 && m.Capacity == 0:
			continue // there is nothing to recover from
		case row.name == breakerRow && !slices.ContainsFunc(plans, func(p Planned) bool { return p.Policy != nil && p.Policy.Breaker.Enabled() }):
			continue // there is none
		}
		fmt.Fprint(w, row.name)
		for _, p := range plans {
			fmt.Fprintf(w, "\t%s", row.interval(p.Sample))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	runs := plans[0].Sample.Runs
	if runs > 1 {
		fmt.Fprintf(&b, "\nThe least and the greatest value of %d runs, with the seeds %d to %d.\n", runs, m.Seed, m.Seed+uint64(runs-1))
	}
	return trimmed(b.String())
}

// A row of the table shows one number.
type row struct {
	name  string
	value func(*Figures) float64
	in    unit
}

// A unit says how numbers are shown. The name of a row says what it is.
type unit struct {
	scale    float64
	accuracy func(f *Figures, v float64) float64 // by how much the scaled value is wrong at most
}

var (
	inShares  = unit{100, func(f *Figures, _ float64) float64 { return 100 / float64(f.Calls) }}
	inNumbers = unit{1, func(f *Figures, _ float64) float64 { return 1 / float64(f.Calls) }}
	inMillis  = unit{1, func(_ *Figures, v float64) float64 { return math.Pow10(int(math.Floor(math.Log10(v))) - digits + 1) }}
	inWhole   = unit{1, func(*Figures, float64) float64 { return 1 }}
)

var rows = []row{
	{"success (% of calls)", func(f *Figures) float64 { return f.Success }, inShares},
	{"failed but executed (% of calls)", func(f *Figures) float64 { return f.FailedButExecuted }, inShares},
	{"attempts (per call)", func(f *Figures) float64 { return f.Attempts }, inNumbers},
	{"deliveries to the leaf (per call)", func(f *Figures) float64 { return f.Deliveries }, inNumbers},
	{"executions by the leaf (per call)", func(f *Figures) float64 { return f.Executions }, inNumbers},
	{"refused by the budget (retries per call)", func(f *Figures) float64 { return f.RetriesRefused }, inNumbers},
	{breakerRow, func(f *Figures) float64 { return f.BreakerRefused }, inNumbers},
	{"expired at the leaf (requests per call)", func(f *Figures) float64 { return f.Expired }, inNumbers},
	{"found the queue full (requests per call)", func(f *Figures) float64 { return f.QueueFull }, inNumbers},
	{"peak if 500 fail together (retries in 100 ms)", func(f *Figures) float64 { return f.RetryPeak }, inWhole},
	{"time until the end, p50 (ms)", func(f *Figures) float64 { return f.P50 }, inMillis},
	{"time until the end, p90 (ms)", func(f *Figures) float64 { return f.P90 }, inMillis},
	{"time until the end, p99 (ms)", func(f *Figures) float64 { return f.P99 }, inMillis},
	{"time until the end, p99.9 (ms)", func(f *Figures) float64 { return f.P999 }, inMillis},
	{recoveredRow, (*Figures).recovered, inMillis},
}

const (
	recoveredRow = "recovered after the outage (ms)"
	breakerRow   = "refused by the breaker (attempts per call)"
)

// interval returns the least and the greatest value among the runs. It has as many digits
// as the interval supports: the last one stands for at most a fifth of it, and for no less
// than one run can tell.
func (r *row) interval(s *Sample) string {
	least, greatest := r.value(&s.Least)*r.in.scale, r.value(&s.Greatest)*r.in.scale
	if math.IsInf(least, 1) {
		return "never"
	}
	if math.IsInf(greatest, 1) {
		return short(least, digits) + " to never"
	}
	if least == greatest {
		return short(least, digits)
	}
	accuracy := max((greatest-least)/5, r.in.accuracy(&s.Least, greatest))
	from, to := rounded(least, accuracy), rounded(greatest, accuracy)
	if from == to {
		return from
	}
	return from + " to " + to
}

// rounded rounds v to the greatest power of ten that is at most accuracy.
func rounded(v, accuracy float64) string {
	decimals := -int(math.Floor(math.Log10(accuracy)))
	if decimals >= 0 {
		return strconv.FormatFloat(v, 'f', decimals, 64)
	}
	step := math.Pow10(-decimals)
	return strconv.FormatFloat(math.Round(v/step)*step, 'f', 0, 64)
}

// short formats a number with so many significant digits, or with more to avoid an
// exponent.
func short(v float64, digits int) string {
	if text := strconv.FormatFloat(v, 'g', digits, 64); !strings.Contains(text, "e") {
		return text
	}
	if v < 1 {
		return strconv.FormatFloat(v, 'f', 6, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// number returns v with commas between its thousands.
func number(v float64) string {
	whole, rest, _ := strings.Cut(short(v, 4), ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return whole + rest
}

// LoadTable returns the offered and the useful load per second, in about twenty rows. It
// shows the mean of the runs with three digits.
func LoadTable(plans []Planned) string {
	count := len(plans[0].Sample.Load)
	if count == 0 {
		return ""
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "offered / useful (per second)")
	for _, p := range plans {
		fmt.Fprintf(w, "\t%s", p.Name)
	}
	fmt.Fprintln(w)
	step := (count + 19) / 20
	for from := 0; from < count; from += step {
		fmt.Fprintf(w, "from %s s on", short(plans[0].Sample.Load[from].At/1000, 4))
		for _, p := range plans {
			var offered, useful float64
			part := p.Sample.Load[from:min(from+step, count)]
			for _, l := range part {
				offered, useful = offered+l.Offered, useful+l.Useful
			}
			n := float64(len(part))
			fmt.Fprintf(w, "\t%s / %s", load(offered/n), load(useful/n))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return trimmed(b.String())
}

func load(v float64) string { return rounded(v, max(1, v/100)) }

// trimmed removes the blanks at the ends of lines.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
