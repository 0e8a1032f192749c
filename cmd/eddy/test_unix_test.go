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

// Ctrl-C ends the nodes, still tells what happened, and is no pass.
func TestTestInterrupted(t *testing.T) {
	cmd := exec.Command("eddy", "test", "-w", "echo", "--bin", "node-echo", "--node-count", "2",
		"--time-limit", "3600", "--log-net-send", "--store", t.TempDir())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout strings.Builder
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The first message that a node sends says that all of them run.
	if _, err := bufio.NewReader(stderr).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGINT)
	io.Copy(io.Discard, stderr) // to the end: nobody holds it open
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != statusUnknown {
		t.Errorf("exit status %d, want %d", status, statusUnknown)
	}
	if !strings.Contains(stdout.String(), "UNKNOWN: stopped.  echo, 2 nodes") || !strings.Contains(stdout.String(), "stopped: the test ended early: interrupted") {
		t.Error(stdout.String())
	}
}
