package plan

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Table returns the results of policies side by side, as text.
func Table(m *Model, plans []Planned) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if row.name == recoveredRow && m.Outage.For == 0 && m.Capacity == 0 {
			continue // there is nothing to recover from
		}
		fmt.Fprint(w, row.name)
		for _, p := range plans {
			value := p.Name
			if row.value != nil {
				value = row.value(p.Result)
			}
			fmt.Fprintf(w, "\t%s", value)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return trimmed(b.String())
}

var rows = []struct {
	name  string
	value func(*Result) string // nil for the names of the policies
}{
	{"", nil},
	{"calls", func(r *Result) string { return fmt.Sprint(r.Calls) }},
	{"success", func(r *Result) string { return percent(r.Success) }},
	{"failed but executed", func(r *Result) string { return percent(r.FailedButExecuted) }},
	{"attempts per call", func(r *Result) string { return perCall(r.Attempts) }},
	{"deliveries per call", func(r *Result) string { return perCall(r.Deliveries) }},
	{"executions per call", func(r *Result) string { return perCall(r.Executions) }},
	{"refused by the budget", func(r *Result) string { return perCall(r.RetriesRefused) }},
	{"expired at the leaf", func(r *Result) string { return perCall(r.Expired) }},
	{"found the queue full", func(r *Result) string { return perCall(r.QueueFull) }},
	{"p50", func(r *Result) string { return millis(r.P50) }},
	{"p90", func(r *Result) string { return millis(r.P90) }},
	{"p99", func(r *Result) string { return millis(r.P99) }},
	{"p99.9", func(r *Result) string { return millis(r.P999) }},
	{recoveredRow, func(r *Result) string {
		if r.Recovered == nil {
			return "never"
		}
		return millis(*r.Recovered)
	}},
}

const recoveredRow = "recovered after"

func percent(share float64) string { return fmt.Sprintf("%.3f %%", share*100) }
func perCall(n float64) string     { return short(n, 4) }
func millis(ms float64) string     { return short(ms, digits) + " ms" }

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

// LoadTable returns the offered and the useful load per second, in about twenty rows.
func LoadTable(plans []Planned) string {
	slices := len(plans[0].Result.Load)
	if slices == 0 {
		return ""
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "offered / useful")
	for _, p := range plans {
		fmt.Fprintf(w, "\t%s", p.Name)
	}
	fmt.Fprintln(w)
	step := (slices + 19) / 20
	for from := 0; from < slices; from += step {
		fmt.Fprintf(w, "from %s s", short(plans[0].Result.Load[from].At/1000, 4))
		for _, p := range plans {
			var offered, useful float64
			part := p.Result.Load[from:min(from+step, slices)]
			for _, l := range part {
				offered, useful = offered+l.Offered, useful+l.Useful
			}
			n := float64(len(part))
			fmt.Fprintf(w, "\t%.0f / %.0f", offered/n, useful/n)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return trimmed(b.String())
}

// trimmed removes the blanks at the ends of lines.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
