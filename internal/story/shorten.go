package story

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compare orders items by time.
func compare(a, b item) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.step, b.step), strings.Compare(a.text, b.text))
}

// shorten leaves groups out until there are few enough lines, those first that tell the
// least.
func (t *teller) shorten(most int) {
	sizes := map[group]int{}
	for i := range t.items {
		sizes[t.items[i].group]++
	}
	delete(sizes, group{})
	groups := slices.SortedFunc(maps.Keys(sizes), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(sizes[b], sizes[a]), strings.Compare(a.typ, b.typ))
	})
	for _, g := range groups {
		if len(t.lines()) <= most {
			return
		}
		for i := range t.items {
			t.items[i].left = t.items[i].left || t.items[i].group == g
		}
	}
}

// lines returns the lines of the story. Items that follow each other and are left out
// are one line.
func (t *teller) lines() (lines []string) {
	for i := 0; i < len(t.items); {
		if !t.items[i].left {
			lines = append(lines, fmt.Sprintf("%11s  %s", milliseconds(t.items[i].at), t.items[i].text))
			i++
			continue
		}
		from := i
		for i < len(t.items) && t.items[i].left {
			i++
		}
		lines = append(lines, fmt.Sprintf("%11s  %s", "...", summary(t.items[from:i])))
	}
	return lines
}

// summary says what was left out.
func summary(items []item) string {
	counts := map[string]int{}
	for i := range items {
		switch g := items[i].group; {
		case g.kind == delivered || g.kind == failed:
			counts[g.typ+" "+items[i].fate]++
		case items[i].ends:
		case g.kind == repeated:
			counts["repeated requests"]++
		default:
			counts["requests before the others"]++
		}
	}
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		words := fmt.Sprintf("%d %s", counts[what], what)
		if counts[what] == 1 {
			words = strings.Replace(words, "requests", "request", 1)
		}
		parts = append(parts, words)
	}
	return cmp.Or(strings.Join(parts, ", "), "the ends of these requests")
}

// text returns the story. If it is still too long, its middle is left out.
func (t *teller) text(most int) string {
	lines := t.lines()
	if more := len(lines) - most; more > 0 {
		first := most / 3
		last := lines[len(lines)-(most-first-1):]
		lines = append(lines[:first:first], fmt.Sprintf("%11s  %d lines", "...", len(lines)-first-len(last)))
		lines = append(lines, last...)
	}
	return strings.Join(lines, "\n") + "\n"
}
