package talk

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

// forms are the forms of lines that can be typed.
var forms = []struct{ form, does string }{
	{"TYPE ARGUMENT... NAME=VALUE...", "send a request; a value is JSON or a string"},
	{`{"type":...}`, "send a request in JSON; it gets a msg_id if it has none"},
	{`{"src":...,"dest":...,"body":...}`, "send a whole message exactly as typed"},
	{"raw TEXT", "send any line exactly as typed"},
	{"reply TYPE ...", "reply to the node's newest request without a reply, in the name of its receiver"},
	{"reply ID TYPE ...", "reply to the request with this msg_id, even if it has a reply"},
	{"wait", "wait until every request has its reply, at most 10s"},
	{"wait 600ms", "wait for this long"},
	{"# ...", "a comment"},
	{"help, quit", ""},
}

// help returns the text that the command help shows.
func help() string {
	rows := [][]string{}
	for _, f := range forms {
		rows = append(rows, []string{f.form, f.does})
	}
	text := table(rows) + "\nTypes whose arguments need no names:\n\n"
	rows = nil
	for _, t := range shorthand.Types {
		rows = append(rows, []string{t.Usage(), t.Use})
	}
	return text + table(rows)
}

// table formats rows of two cells.
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
