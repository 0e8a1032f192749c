package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// A grid is a table of text. The first column is aligned left, the others right.
type grid [][]string

func (g *grid) add(cells ...string) { *g = append(*g, cells) }

func (g grid) print(w io.Writer) {
	var width []int
	for _, row := range g {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range g {
		var line strings.Builder
		for i, cell := range row {
			blanks := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString("  " + cell + blanks)
			} else {
				line.WriteString("  " + blanks + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// print writes the tables for people.
func (r *Report) print(w io.Writer) {
	fmt.Fprintf(w, "%s/%s, %s, %d cores, %s", r.Machine.OS, r.Machine.Arch, r.Machine.CPU, r.Machine.Cores, r.Machine.Go)
	if r.Machine.Commit != "" {
		fmt.Fprintf(w, ", commit %s", r.Machine.Commit)
	}
	fmt.Fprintf(w, "\nmedians of %d rounds; ÷ official: median (min to max) of the ratios to the official library without its log, round by round\n", r.Rounds)
	for _, result := range r.Results {
		fmt.Fprintln(w)
		result.print(w, r.Rounds)
	}
	if len(r.Verdicts) == 0 {
		return
	}
	fmt.Fprintf(w, "\nBounds\n\n")
	var g grid
	g.add("case", "peer", "what", "bound", "aim", "measured", "min to max", "reached")
	for _, v := range r.Verdicts {
		g.add(v.Case, v.Peer, v.What, v.Must, v.Aim, v.Measured, v.Spread, v.Reached)
	}
	g.print(w)
}

func (r *Result) print(w io.Writer, rounds int) {
	c := caseNamed(r.Case)
	fmt.Fprintf(w, "%s: %s\n\n", c.Name, c.Title)
	var g grid
	header := []string{"peer", "size"}
	for _, m := range c.Metrics {
		header = append(header, m.Title)
		if m.Compare {
			header = append(header, "÷ "+c.reference())
		}
	}
	g.add(header...)
	var notes []string
	for _, o := range r.Outcomes {
		name := o.Peer
		if n := len(o.Samples); n > 0 && n < rounds {
			name += fmt.Sprintf(" (%d×)", n)
		}
		row := []string{name, thousands(int64(o.Size))}
		for _, m := range c.Metrics {
			row = append(row, m.Unit.Format(o.Median(m.Name)))
			if m.Compare {
				row = append(row, compared(o, r.outcome(c.reference()), m))
			}
		}
		g.add(row...)
		if o.Failed != "" {
			notes = append(notes, o.Peer+": "+o.Failed)
		}
	}
	g.print(w)
	for _, note := range append(c.Notes, notes...) {
		fmt.Fprintf(w, "  * %s\n", note)
	}
}

func compared(o, reference *Outcome, m Metric) string {
	if o == reference {
		return "1"
	}
	q := ratio(o, reference, m)
	if math.IsNaN(q.Median) {
		return "–"
	}
	f := Times.Format
	if q.Min == q.Max {
		return f(q.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", f(q.Median), f(q.Min), f(q.Max))
}
