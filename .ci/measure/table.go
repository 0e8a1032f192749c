package main

import (
	"fmt"
	"strings"
)

// table returns the measures that ARCHITECTURE.md shows, as Markdown.
func (r *report) table() string {
	var b strings.Builder
	b.WriteString("| measure | now | at most |\n|---|---|---|\n")
	for _, m := range r.measures {
		most := fmt.Sprint(m.most)
		if m.most < 0 {
			most = ""
		}
		fmt.Fprintf(&b, "| %s | %d | %s |\n", m.what, m.now, most)
	}
	return b.String()
}
