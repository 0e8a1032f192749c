// Package doctest runs the commands of documents. A block that begins with one of these
// lines holds commands:
//
//	```sh               they run, and succeed
//	```sh long          likewise, but only in long tests
//	```sh with ruby     likewise, but only if the program ruby is installed
//	```sh until Ctrl-C  one command, which runs until the test ends
//	```sh not run       they do not run, see NotRun
//
// Each block is a script for a Unix shell that begins in the directory of the test and
// ends at the first failure. If a command prints a URL of NATS, and a block of text that
// follows shows another one, later blocks use the printed URL.
package doctest

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/longtest"
)

// A Block is a block of a document between lines that begin with ```.
type Block struct {
	Kind string // what follows the first ```
	Text string // the lines between
}

// Read returns the blocks of a document in their order.
func Read(t testing.TB, path string) []Block {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return blocks(string(text))
}

func blocks(page string) (all []Block) {
	for _, m := range regexp.MustCompile("(?ms)^```(.*?)\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		all = append(all, Block{m[1], m[2]})
	}
	return all
}

// Of returns the texts of the blocks of a kind. There must be one.
func Of(t testing.TB, path, kind string) (texts []string) {
	t.Helper()
	for _, b := range Read(t, path) {
		if b.Kind == kind {
			texts = append(texts, b.Text)
		}
	}
	if len(texts) == 0 {
		t.Fatalf("%s has no block of %s", path, kind)
	}
	return texts
}

// Run runs the commands of a document in a directory, with more variables in their
// environment. It returns what each block of commands has printed.
func Run(t *testing.T, path, dir string, env ...string) (printed []string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a Unix shell")
	}
	all := Read(t, path)
	var shown, actual string // a URL, as the document shows it, and as a command has printed it
	for i, b := range all {
		kind, how, _ := strings.Cut(b.Kind, " ")
		if kind != "sh" || how == "not run" || how == "long" && !longtest.On {
			continue
		}
		if program, ok := strings.CutPrefix(how, "with "); ok {
			if _, err := exec.LookPath(program); err != nil {
				continue
			}
			how = ""
		}
		script := b.Text
		if shown != "" {
			script = strings.ReplaceAll(script, shown, actual)
		}
		if how == "" || how == "long" {
			printed = append(printed, shell(t, dir, script, env))
			continue
		}
		out := start(t, dir, script, env)
		printed = append(printed, out)
		if actual = natsURL.FindString(out); actual != "" && i+1 < len(all) {
			shown = natsURL.FindString(all[i+1].Text)
		}
	}
	return printed
}

// environment returns the variables that commands get. Programs are linked without
// information for debuggers, which takes half as long.
func environment(more []string) []string {
	return append(append(os.Environ(), "GOFLAGS=-ldflags=-w -trimpath"), more...)
}

var natsURL = regexp.MustCompile(`nats://[0-9.:]+`)

// shell runs a script and returns its output.
func shell(t *testing.T, dir, script string, env []string) string {
	t.Helper()
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Dir, cmd.Env = dir, environment(env)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s%v\n%s%s", script, err, out, stderr.Bytes())
	}
	return string(out)
}

// start starts a command that runs until the end of the test. It returns what the command
// prints first.
func start(t *testing.T, dir, command string, env []string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", "exec "+command)
	cmd.Dir, cmd.Env = dir, environment(env)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4096)
	n, err := out.Read(text)
	if err != nil {
		t.Errorf("%s%v", command, err)
	}
	go io.Copy(io.Discard, out)
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s%v\n%s", command, err, stderr.Bytes())
		}
	})
	return string(text[:n])
}

// LinkedCopy returns a new directory, named name, with links to all files of the
// repository in root. What commands write into it does not change the repository.
func LinkedCopy(t testing.TB, root, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "relay" || e.Name() == "eddy" || e.Name() == "store" {
			continue // the last three are what commands write
		}
		target, err := filepath.Abs(filepath.Join(root, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const program = `(?:(?:\./)?eddy|\./relay|maelstrom|nats-server|go|cd|make|git|curl|systemctl|useradd|rsync|chown|\w+=\S* go)`

var (
	// A line that is a command.
	commandLine = regexp.MustCompile(`^(?: {4}|\t)? *(?:\$ )?(` + program + ` .*)$`)
	// A command in a sentence. The name of a command of eddy, such as "eddy up", is none.
	commandSpan = regexp.MustCompile("`((?:\\./eddy|\\./relay|go \\w+|cd|make|\\w+=\\S* go) [^`]*)`")
)

// NotRun returns the commands of a document that Run does not run: those in blocks that
// begin with "sh not run", in blocks of text, in indented lines and in sentences.
func NotRun(page string) (commands []string) {
	kind, inBlock := "", false
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(line, "```"); ok {
			kind, inBlock = rest, !inBlock
			continue
		}
		indented := strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t")
		switch {
		case inBlock && kind == "sh not run":
			line, _, _ = strings.Cut(line, " # ")
			commands = append(commands, strings.TrimSpace(line))
		case inBlock && (kind == "" || kind == "text"), !inBlock && indented:
			if m := commandLine.FindStringSubmatch(line); m != nil {
				commands = append(commands, m[1])
			}
		case !inBlock:
			for _, m := range commandSpan.FindAllStringSubmatch(line, -1) {
				commands = append(commands, m[1])
			}
		}
	}
	return commands
}
