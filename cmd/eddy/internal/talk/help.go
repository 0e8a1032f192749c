package talk

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

// forms is what can be typed.
var forms = []struct{ form, does string }{
	{"TYPE ARGUMENT... NAME=VALUE...", "send a request; a value is JSON, or else a string"},
	{`{"type":...}`, "send a request in JSON; a msg_id is added if there is none"},
	{`{"src":...,"dest":...,"body":...}`, "send a whole message exactly as typed"},
	{"raw TEXT", "send any line exactly as typed"},
	{"answer TYPE ...", "answer the node's newest unanswered request, for whom it asked"},
	{"answer ID TYPE ...", "answer the one with that msg_id, also once more"},
	{"wait", "take no more lines until every request is answered, at most 10s"},
	{"wait 600ms", "take no more lines for that long"},
	{"# ...", "a comment"},
	{"help, quit", ""},
}

// help is what can be typed, as text.
func help() string {
	rows := [][]string{}
	for _, f := range forms {
		rows = append(rows, []string{f.form, f.does})
	}
	text := table(rows) + "\nTypes whose arguments have names:\n\n"
	rows = nil
	for _, t := range shorthand.Types {
		rows = append(rows, []string{t.Usage(), t.Use})
	}
	return text + table(rows)
}

// table sets rows of two cells in columns.
func table(rows [][]string) string {
	width := 0
	for _, row := range rows {
		width = max(width, utf8.RuneCountInString(row[0]))
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintln(&b, strings.TrimRight("  "+pad(row[0], width)+"  "+row[1], " "))
	}
	return b.String()
}
