//go:build unix

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/eddyrpc/eddy/internal/report"
)

// interrupt runs a long test and ends it with a signal. It returns its exit status, its
// output and the directory of the test.
func interrupt(t *testing.T, sent syscall.Signal, stdout *os.File) (status int, out, dir string) {
	t.Helper()
	if signal.Ignored(sent) {
		t.Skipf("%v is ignored, as under nohup", sent)
	}
	store := t.TempDir()
	cmd := exec.Command("eddy", "test", "-w", "echo", "--bin", "node-echo", "--node-count", "2",
		"--time-limit", "3600", "--log-net-send", "--store", store)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	cmd.Stdout = &written
	if stdout != nil {
		cmd.Stdout = stdout
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The first message that a node sends says that all of them run.
	if _, err := bufio.NewReader(stderr).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(sent)
	io.Copy(io.Discard, stderr) // to the end: nobody holds it open
	cmd.Wait()
	return cmd.ProcessState.ExitCode(), written.String(), filepath.Join(store, "echo", "latest")
}

// Ctrl-C, SIGTERM and the end of the terminal end the nodes, still tell what happened,
// and are no pass.
func TestTestInterrupted(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			status, out, dir := interrupt(t, signal, nil)
			if status != statusUnknown {
				t.Errorf("exit status %d, want %d", status, statusUnknown)
			}
			if !strings.Contains(out, "UNKNOWN: the test ended early: interrupted.  echo, 2 nodes") || !strings.Contains(out, "stopped: the test ended early: interrupted") {
				t.Error(out)
			}
			if r, err := report.ReadResults(dir); err != nil || r.Verdict != "unknown" {
				t.Errorf("stored: %+v, %v", r, err)
			}
		})
	}
}

// Ctrl-C while eddy checks ends the checks: the verdict is unknown, or fail if something is
// known already, and all files are written.
func TestChecksInterrupted(t *testing.T) {
	for bin, verdict := range map[string]string{"node-echo": "unknown", "buggy-double-reply": "fail"} {
		t.Run(verdict, func(t *testing.T) {
			t.Parallel()
			store := t.TempDir()
			cmd := exec.Command("eddy-broken", "test", "-w", "broken-endless", "--bin", bin, "--node-count", "1",
				"--rate", "100", "--time-limit", "0.2", "--store", store)
			var stdout strings.Builder
			cmd.Stdout = &stdout
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill() // if the signal does nothing
			if _, err := bufio.NewReader(stderr).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			cmd.Process.Signal(os.Interrupt)
			io.Copy(io.Discard, stderr)
			cmd.Wait()
			if status := cmd.ProcessState.ExitCode(); status != statusOf(verdict) {
				t.Errorf("exit status %d, want %d", status, statusOf(verdict))
			}
			if want := "stopped: interrupted while eddy checked the operations"; !strings.Contains(stdout.String(), want) {
				t.Errorf("no %q in\n%s", want, stdout.String())
			}
			dir := filepath.Join(store, "broken-endless", "latest")
			if r, err := report.ReadResults(dir); err != nil || r.Verdict != verdict || r.Operations.OK == 0 {
				t.Errorf("stored: %+v, %v", r, err)
			}
			for _, file := range []string{"history.jsonl", "journal.jsonl", report.PageName} {
				if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", file, err)
				}
			}
		})
	}
}

// The results are stored, too, if nobody reads the output any more.
func TestTestWithoutReader(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	status, _, dir := interrupt(t, syscall.SIGHUP, w)
	if status != statusError {
		t.Errorf("exit status %d, want %d", status, statusError)
	}
	if r, err := report.ReadResults(dir); err != nil || r.Verdict != "unknown" {
		t.Errorf("stored: %+v, %v", r, err)
	}
}

// If nobody reads the messages that a test prints, it goes on to its end.
func TestTestWithoutReaderOfMessages(t *testing.T) {
	t.Parallel()
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
