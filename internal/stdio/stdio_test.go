//go:build unix

package stdio

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const child = "EDDY_STDIO_TEST_CHILD"

// TestMain is the program that the tests run: it copies its input to its output, and reports
// a Write that fails on standard error.
func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	transport, err := Open()
	if err != nil {
		fmt.Fprint(os.Stderr, err)
	}
	if _, err := Open(); err == nil {
		fmt.Fprint(os.Stderr, "it is opened twice")
	}
	if _, err := io.Copy(transport, transport); errors.Is(err, syscall.EPIPE) {
		fmt.Fprint(os.Stderr, "nobody reads the output")
	}
}

func program(t *testing.T) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), child+"=1")
	cmd.Stdin = strings.NewReader("a line\n")
	return cmd
}

func TestReadAndWrite(t *testing.T) {
	if out, err := program(t).Output(); err != nil || string(out) != "a line\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// A Write to an output that nobody reads returns an error and does not end the process.
func TestClosedOutput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := program(t)
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = w, &stderr
	if err := cmd.Run(); err != nil || stderr.String() != "nobody reads the output" {
		t.Errorf("%v, %q", err, stderr.String())
	}
}
