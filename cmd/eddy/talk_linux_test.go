package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// openTerminal makes a pseudo-terminal: what a person has, and what a program
// sees.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { person.Close() })
	// Not through Fd, which would make reads uninterruptible.
	conn, err := person.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number int
	var failed error
	conn.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			number, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
		if failed == nil {
			failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120})
		}
	})
	if failed != nil {
		t.Skip("no pseudo-terminals here:", failed)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// A person at a terminal has a prompt, completion and a history, sees what the
// node writes, and gets the terminal back as it was.
func TestTalkOnATerminal(t *testing.T) {
	person, program := openTerminal(t)
	before, err := term.GetState(int(program.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("eddy", "talk", "--color", "never", "--time", "none", "node-echo")
	cmd.Env = append(os.Environ(), "TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()

	var screen strings.Builder
	// sees reads until a text has come after the last one. It fails the test after a
	// minute, so that a test that waits for a wrong text does not hang.
	person.SetReadDeadline(time.Now().Add(time.Minute))
	seen := 0
	sees := func(text string) {
		t.Helper()
		buffer := make([]byte, 4096)
		for {
			if i := strings.Index(screen.String()[seen:], text); i >= 0 {
				seen += i + len(text)
				return
			}
			n, err := person.Read(buffer)
			if err != nil {
				t.Fatalf("no %q: %v\n%q", text, err, screen.String())
			}
			screen.Write(buffer[:n])
		}
	}
	types := func(text string) { person.WriteString(text) }

	sees("-- n1 is node-echo, process ")
	sees("n1 → c0  init_ok     re #1   (#0)\r\n")
	sees("> ")
	types("ec\thi\r") // a tab completes
	sees("c1 → n1  echo        #1      echo=hi\r\n")
	sees("n1 → c1  echo_ok     re #1   echo=hi  (#1)\r\n")
	types("\x1b[A\r") // up: once more
	sees("n1 → c1  echo_ok     re #2   echo=hi  (#2)\r\n")
	types("reply read_ok 3\r")
	sees("!! n1 has sent no request without a reply\r\n")
	types("wait 1h\rhalf a line\x03") // Ctrl-C ends a wait, too
	sees("-- n1 ended: exit status 0\r\n")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	after, err := term.GetState(int(program.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if *before != *after {
		t.Error("the terminal is not as it was")
	}
}
