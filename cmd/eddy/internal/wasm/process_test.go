package wasm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const initLine = `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"

// exchange writes a line, runs the node and returns its only line.
func exchange(t testing.TB, p *Process, now time.Duration, line string) string {
	t.Helper()
	p.Write([]byte(line))
	if err := p.Run(now); err != nil {
		t.Fatalf("%v\n%s", err, p.ErrorLines())
	}
	lines := p.Lines()
	if len(lines) != 1 {
		t.Fatalf("%q: the node wrote %q and %q", line, lines, p.ErrorLines())
	}
	return string(lines[0])
}

// Unmodified nodes on each of the libraries work.
func TestNodes(t *testing.T) {
	nodes := []struct {
		dir, arg, init, echo string
	}{
		{echo, "", `{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1,"msg_id":0}}`,
			`{"src":"n1","dest":"c0","body":{"type":"echo_ok","echo":"a","in_reply_to":2,"msg_id":1}}`},
		{testProgram, "maelstrom", `{"src":"n1","dest":"c0","body":{"in_reply_to":1,"type":"init_ok"}}`,
			`{"src":"n1","dest":"c0","body":{"in_reply_to":2,"time":946684800005,"type":"echo_ok"}}`},
		{official, "-quiet", `{"src":"n1","dest":"c0","body":{"in_reply_to":1,"type":"init_ok"}}`,
			`{"src":"n1","dest":"c0","body":{"echo":"a","in_reply_to":2,"type":"echo_ok"}}`},
	}
	for _, node := range nodes {
		t.Run(strings.ReplaceAll(node.dir, "/", "-"), func(t *testing.T) {
			c := Config{Args: []string{"node"}}
			if node.arg != "" {
				c.Args = append(c.Args, node.arg)
			}
			p := compileGo(t, node.dir).Start(c)
			defer p.Kill()
			if got := exchange(t, p, 0, initLine); got != node.init {
				t.Errorf("init got %s", got)
			}
			request := `{"src":"c0","dest":"n1","body":{"type":"echo","echo":"a","msg_id":2}}` + "\n"
			if got := exchange(t, p, 5*time.Millisecond, request); got != node.echo {
				t.Errorf("echo got %s", got)
			}
			p.CloseInput()
			if err := p.Run(time.Second); err != nil {
				t.Fatal(err)
			}
			if code, ended := p.Exit(); code != 0 || !ended {
				t.Errorf("after the end of the input: code %d, ended %v", code, ended)
			}
		})
	}
}

// A call that nobody answers is attempted again when its timeouts are over, not before.
func TestRetries(t *testing.T) {
	p := compileGo(t, relay).Start(Config{Args: []string{"relay"}})
	defer p.Kill()
	exchange(t, p, 0, initLine)
	attempt := exchange(t, p, 0, `{"src":"c0","dest":"n1","body":{"type":"relay","msg_id":2,"target":"n2","payload":{"type":"read"}}}`+"\n")
	if !strings.Contains(attempt, `"dest": "n2"`) {
		t.Fatalf("the relay wrote %s", attempt)
	}
	for _, at := range []time.Duration{500 * time.Millisecond, time.Second, 1500 * time.Millisecond} {
		if wake, ok := p.Wake(); !ok || wake != at {
			t.Fatalf("the relay wants to run at %v, %v; want %v", wake, ok, at)
		}
		p.Run(at - 1)
		if lines := p.Lines(); lines != nil {
			t.Fatalf("before %v the relay wrote %q", at, lines)
		}
		p.Run(at)
		if lines := p.Lines(); len(lines) != 1 {
			t.Fatalf("at %v the relay wrote %q", at, lines)
		}
	}
}

// Timers fire at their time while the program waits for input.
func TestTimers(t *testing.T) {
	p := startTest(t, Config{}, "timers")
	p.Run(0)
	p.Run(100 * time.Millisecond)
	p.Write([]byte("one\ntwo\n"))
	p.Run(350 * time.Millisecond) // late
	p.Write([]byte("three\n"))
	p.Run(600 * time.Millisecond) // both at once
	p.CloseInput()
	p.Run(600 * time.Millisecond)
	want := "350ms tick\n350ms one true\n350ms two true\n600ms tick\n600ms three true\n600ms  false"
	if got := sorted(p.Lines()); got != sorted(split(want)) {
		t.Errorf("the program wrote\n%s", got)
	}
	if code, ended := p.Exit(); code != 0 || !ended {
		t.Errorf("code %d, ended %v", code, ended)
	}
}

// A program that has ended in another way than it should says how.
func TestEnds(t *testing.T) {
	ends := []struct {
		program string
		code    int
		says    string // in the error
		stderr  string
	}{
		{"exit", 3, "", ""},
		{"panic", 2, "", "panic: the last words"},
		{"memory", 2, "", "out of memory"},
		{"spin", ExitKilled, "the program did not block: it called 50000000 functions and iterations of loops", ""},
		{"clock", ExitKilled, "the program did not block", ""},
		{"flood", ExitKilled, "the program wrote more than 64 MiB without blocking", ""},
		{"signals", ExitKilled, "signal.Notify", ""},
	}
	for _, end := range ends {
		t.Run(end.program, func(t *testing.T) {
			p := startTest(t, Config{MaxWork: 50_000_000}, end.program)
			err := p.Run(0)
			for wake, ok := p.Wake(); ok && wake < time.Second; wake, ok = p.Wake() {
				err = p.Run(wake) // Go waits some milliseconds before it shows the goroutines
			}
			if code, ended := p.Exit(); code != end.code || !ended {
				t.Errorf("code %d, ended %v", code, ended)
			}
			if (err != nil) != (end.says != "") || err != nil && !strings.Contains(err.Error(), end.says) {
				t.Errorf("Run returns %v", err)
			}
			if again := p.Run(time.Second); again != err {
				t.Errorf("Run after the end returns %v", again)
			}
			if stderr := string(join(p.ErrorLines())); !strings.Contains(stderr, end.stderr) {
				t.Errorf("standard error: %s", stderr)
			}
			if end.stderr != "" && !strings.Contains(string(join(p.LastErrorLines())), "goroutine") {
				t.Errorf("the last lines are %q", p.LastErrorLines())
			}
			// It wrote a line in a million iterations, each of which counts 1 or some more.
			if n := len(p.Lines()); end.program == "spin" && (n < 5 || n > 50) {
				t.Errorf("the program wrote %d lines until it was stopped", n)
			}
			if _, ok := p.Wake(); ok {
				t.Error("it wants to run again")
			}
		})
	}
}

// The limit of work is for one step, not for all. Without a limit it is the default.
func TestWorkIsPerStep(t *testing.T) {
	if got := compileGo(t, echo).Start(Config{}).config.MaxWork; got != defaultMaxWork {
		t.Errorf("the default is %d", got)
	}
	p := compileGo(t, echo).Start(Config{MaxWork: 1_000_000})
	defer p.Kill()
	exchange(t, p, 0, initLine)
	for i := range 1000 { // each takes more than 1,000
		exchange(t, p, time.Duration(i), `{"src":"c0","dest":"n1","body":{"type":"echo","msg_id":2}}`+"\n")
	}
}

// The error of a program that spins names the function in which it does.
func TestSpinIsNamed(t *testing.T) {
	p := startTest(t, Config{MaxWork: 50_000_000}, "spin")
	if err := p.Run(0); !strings.Contains(err.Error(), "main.init.func") {
		t.Errorf("Run returns %v", err)
	}
}

// Kill ends a program where it is blocked. Its open file keeps what was written. The next
// incarnation finds the file.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	disk := openDisk(t, dir)
	first := startTest(t, Config{Disk: disk}, "append", "one")
	first.Run(0)
	open := first.descriptors[4].file
	first.Kill()
	first.Kill()
	if _, err := open.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file of a killed program: %v", err)
	}
	if code, ended := first.Exit(); code != ExitKilled || !ended {
		t.Errorf("code %d, ended %v", code, ended)
	}
	if err := first.Run(2 * time.Hour); err != nil || first.Lines() == nil || first.Lines() != nil {
		t.Errorf("a killed process: %v", err)
	}
	second := startTest(t, Config{Disk: disk}, "append", "two")
	second.Run(0)
	if got := string(join(second.Lines())); got != "one\ntwo\n\n" {
		t.Errorf("the second incarnation read %q", got)
	}
	second.Kill()
	if got := string(must(os.ReadFile(filepath.Join(dir, "log")))); got != "one\ntwo\n" {
		t.Errorf("the file holds %q", got)
	}
	if err := disk.Wipe(); err != nil || len(must(os.ReadDir(dir))) != 0 {
		t.Errorf("Wipe: %v", err)
	}
	startTest(t, Config{}, "append").Kill() // before its first Run
}

// A module that is no program is refused when it is compiled.
func TestCompileRefuses(t *testing.T) {
	empty := "\x00asm\x01\x00\x00\x00"
	for module, says := range map[string]string{
		"no module":    "this is no WebAssembly module",
		empty:          "_start",
		empty + "\x0a": "this is no WebAssembly module",
		// An import of a function f from env.
		empty + "\x01\x04\x01\x60\x00\x00" + "\x02\x09\x01\x03env\x01f\x00\x00": "env.f",
	} {
		if _, err := Compile(t.Context(), []byte(module), ""); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", module, err)
		}
	}
}

func join(lines [][]byte) (all []byte) {
	for _, line := range lines {
		all = fmt.Appendf(all, "%s\n", line)
	}
	return all
}
