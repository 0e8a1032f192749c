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

// Ctrl-C, SIGTERM and the end of the terminal end the nodes. The test still tells what happened,
// and is no pass.
func TestTestInterrupted(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			interrupt(t, s)
		})
	}
}

func interrupt(t *testing.T, s syscall.Signal) {
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
	cmd.Process.Signal(s)
	io.Copy(io.Discard, stderr) // to the end: nobody holds it open
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != statusUnknown {
		t.Errorf("exit status %d, want %d", status, statusUnknown)
	}
	if !strings.Contains(stdout.String(), "UNKNOWN  echo, 2 nodes") || !strings.Contains(stdout.String(), "stopped: the test ended early: ") {
		t.Error(stdout.String())
	}
}

// If nobody reads what a test prints any more, it still ends its nodes: it goes on to its end.
func TestTestWithoutAReader(t *testing.T) {
	cmd := exec.Command("eddy", "test", "-w", "echo", "--bin", "node-echo", "--node-count", "2",
		"--time-limit", "1", "--log-net-send", "--store", t.TempDir())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout strings.Builder
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stderr).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stderr.Close()
	cmd.Wait()
	if !cmd.ProcessState.Success() || !strings.Contains(stdout.String(), "PASS") {
		t.Errorf("%v\n%s", cmd.ProcessState, stdout.String())
	}
}
