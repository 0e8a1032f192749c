//go:build unix

package main

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A signal ends the node as the end of its input would.
func TestTalkInterrupted(t *testing.T) {
	cmd := exec.Command("eddy", "talk", "--time", "none", "node-echo")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	for {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "init_ok") {
			break
		}
	}
	cmd.Process.Signal(syscall.SIGINT)
	rest, _ := io.ReadAll(out)
	cmd.Wait()
	const want = "-- interrupt: ending n1; a second signal kills it\n-- n1 ended: exit status 0\n"
	if string(rest) != want {
		t.Errorf("got %q, want %q", rest, want)
	}
	if status := cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("exit status %d, want 130", status)
	}
}
