//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// However a test over NATS ends, its servers end and its directory is removed.
func TestNothingIsLeftOfNATS(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		whom   int // 0 is eddy itself, 1 a server
		signal syscall.Signal
		says   string
	}{
		{"Ctrl-C", 0, syscall.SIGINT, "stopped: the test ended early: interrupted"},
		{"a server is killed", 1, syscall.SIGKILL, "stopped: the test ended early: the NATS server s1 ended by itself: "},
		{"eddy is killed", 0, syscall.SIGKILL, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tmp, store := t.TempDir(), t.TempDir()
			cmd := exec.Command("eddy", "test", "-w", "echo", "--bin", "node-echo", "--node-count", "2", "--network", "nats",
				"--time-limit", "3600", "--log-net-send", "--store", store)
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			var stdout bytes.Buffer
			cmd.Stdout = &stdout
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(stderr).ReadString('\n'); err != nil { // a node runs
				t.Fatal(err)
			}
			pids := append([]int{cmd.Process.Pid}, serverPIDs(t, store)...)
			if err := syscall.Kill(pids[test.whom], test.signal); err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, stderr)
			cmd.Wait()
			if test.says != "" && (cmd.ProcessState.ExitCode() != statusUnknown || !strings.Contains(stdout.String(), test.says)) {
				t.Errorf("%v\n%s", cmd.ProcessState, stdout.String())
			}
			for _, pid := range pids {
				eventually(t, "a process is still running", func() bool { return syscall.Kill(pid, 0) != nil })
			}
			eventually(t, "the directory for temporary files is not empty", func() bool {
				left, err := os.ReadDir(tmp)
				return err == nil && len(left) == 0
			})
		})
	}
}

// serverPIDs returns the process ids of the servers, which their logs begin with.
func serverPIDs(t *testing.T, store string) (pids []int) {
	t.Helper()
	for _, name := range []string{"s1", "s2", "s3"} {
		logs, err := filepath.Glob(filepath.Join(store, "*", "*", "nats-logs", name+".log"))
		if err != nil || len(logs) == 0 {
			t.Fatalf("no log of %s: %v", name, err)
		}
		text, err := os.ReadFile(logs[0])
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(string(regexp.MustCompile(`^\[(\d+)\]`).FindSubmatch(text)[1]))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// eventually waits until is returns true.
func eventually(t *testing.T, not string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(not)
		}
	}
}
