package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
	"github.com/eddyrpc/eddy/internal/golden"
)

func TestTalkExitStatus(t *testing.T) {
	closed, err := os.Open(os.DevNull) // cannot be written
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	for _, test := range []struct {
		name    string
		command string
		stdin   string
		stdout  *os.File
		status  int
	}{
		{"success", "talk node-echo", "echo hi\n", nil, 0},
		{"a typed mistake", "talk node-echo", "write x\n", nil, 0},
		{"a node that ends early", "talk node-die", "die\nwait 1h\n", nil, 1},
		{"a node that fails at its end", "talk node-die", "", nil, 1},
		{"an unknown flag", "talk --bogus node-echo", "", nil, statusUsage},
		{"an unknown command", "bogus", "", nil, statusUsage},
		{"no such program", "talk ./no-such-program", "", nil, statusUsage},
		{"a transcript that cannot be written", "talk node-echo", "echo hi\n", closed, statusError},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command("eddy", strings.Fields(test.command)...)
			cmd.Stdin = strings.NewReader(test.stdin)
			if test.stdout != nil {
				cmd.Stdout = test.stdout
			}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			cmd.Run()
			if got := cmd.ProcessState.ExitCode(); got != test.status {
				t.Errorf("exit status %d, want %d\n%s", got, test.status, stderr.String())
			}
			if explained := stderr.Len() > 0; explained != (test.status >= statusUsage) {
				t.Errorf("stderr: %q", stderr.String())
			}
		})
	}
}

// timesColumn is what differs from run to run.
var timesColumn = regexp.MustCompile(`(?m)^ +\d+\.\d{3}s `)

// The sample sessions in docs/talk.md are what eddy does, times aside, and its
// table is the one that the parser runs on. With -rewrite they are rewritten.
func TestTalkDocument(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "talk.md")
	var rows strings.Builder
	rows.WriteString("| Type | Of | For example |\n|---|---|---|\n")
	for _, typ := range shorthand.Types {
		fmt.Fprintf(&rows, "| `%s` | %s | `%s` |\n", typ.Usage(), typ.Use, typ.Try)
	}
	golden.Section(t, path, "types", rows.String())

	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(old)

	session := between(t, text, "```\n$ cat session\n", "```")
	cmd := exec.Command("eddy", "talk", "node-relay")
	cmd.Stdin = strings.NewReader(session)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	const command = "```\n$ eddy talk ./relay --log-level warn < session\n"
	shown := between(t, text, command, "```")
	still := func(s string) string { return timesColumn.ReplaceAllString(s, "   0.000s ") }
	if still(shown) != still(string(out)) {
		text = replaceBetween(t, text, command, "```", string(out))
	}

	golden.File(t, path, text)
}

func between(t *testing.T, text, start, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, start)
	middle, _, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("there is nothing between %q and %q", start, end)
	}
	return middle
}

func replaceBetween(t *testing.T, text, start, end, with string) string {
	t.Helper()
	return strings.Replace(text, start+between(t, text, start, end)+end, start+with+end, 1)
}
