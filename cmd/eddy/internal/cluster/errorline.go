package cluster

import (
	"regexp"
	"strings"
)

// errorLine matches the line on which a program says why it ends: not a line of the
// stack that many languages write after it, or before it.
var errorLine = regexp.MustCompile(strings.Join([]string{
	`^panic: `, `^fatal error: `, // Go
	`^thread .* panicked at `,          // Rust
	`^Exception in thread `,            // Java
	`^Unhandled exception`,             // C#, Dart
	`^Fatal error: exception `,         // OCaml
	`^\*\* \(`,                         // Elixir
	`\.rb:\d+:in .*: .* \(\w[\w:]*\)$`, // Ruby
	`^(Uncaught )?([\w.$]+\.)?\w*(Error|Exception)(: |$| \[)`, // Python, JavaScript
}, "|"))

// An errorText is what a program said about its end: a line that matches errorLine,
// and the next if the first ends with a colon, as Rust's does.
type errorText struct {
	lines []string
	more  bool // the next line belongs to it
}

// add looks at the next line of standard error. The last line that matches counts,
// because a program may survive errors that it reports.
func (e *errorText) add(line string) {
	switch {
	case errorLine.MatchString(line):
		e.lines, e.more = []string{line}, strings.HasSuffix(line, ":")
	case e.more:
		e.lines, e.more = append(e.lines, line), false
	}
}
