package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/workload"
)

// breakWorkloads adds workloads with a fault of eddy's own, and one whose checks never end.
func breakWorkloads() {
	echo, err := workload.Find("echo")
	if err != nil {
		panic(err)
	}
	for _, where := range []string{"new", "next", "check", "endless"} {
		spec := echo
		spec.Name = "broken-" + where
		spec.New = func(env workload.Env) workload.Workload {
			if where == "new" {
				panic("no workload")
			}
			return &brokenWorkload{Workload: echo.New(env), where: where}
		}
		workload.Specs = append(workload.Specs, spec)
	}
}

// A brokenWorkload panics after some requests, or when it checks, or checks for ever.
type brokenWorkload struct {
	workload.Workload
	where string
	count int
	none  []int
}

func (w *brokenWorkload) Next(node string) workload.Request {
	if w.count++; w.where == "next" && w.count > 5 {
		return workload.Request{F: fmt.Sprint(w.none[w.count])}
	}
	return w.Workload.Next(node)
}

func (w *brokenWorkload) Check(r workload.Record) ([]checker.Problem, []checker.Number) {
	if w.where == "endless" {
		fmt.Fprintln(os.Stderr, "the checks have begun")
		for {
			time.Sleep(time.Hour)
		}
	}
	if w.where == "check" {
		return nil, []checker.Number{{Name: "broken", Value: w.none[w.count]}}
	}
	return w.Workload.Check(r)
}

// If eddy itself fails, the status is 255 and the results are written as far as they
// came, because they help to find the fault.
func TestOwnCrash(t *testing.T) {
	for name, limit := range map[string]string{"broken-next": "60", "broken-check": "0.2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := t.TempDir()
			cmd := exec.Command("eddy-broken", "test", "-w", name, "--bin", "node-echo", "--node-count", "1",
				"--rate", "100", "--time-limit", limit, "--store", store)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			cmd.Run()
			if status := cmd.ProcessState.ExitCode(); status != statusError {
				t.Errorf("exit status %d, want %d", status, statusError)
			}
			if !strings.Contains(stderr.String(), "eddy itself failed: runtime error: index out of range") || !strings.Contains(stderr.String(), "brokenWorkload") {
				t.Errorf("stderr: %s", stderr.String())
			}
			if !strings.HasPrefix(stdout.String(), "UNKNOWN: eddy itself failed: runtime error") || !strings.Contains(stdout.String(), ".  "+name) || !strings.Contains(stdout.String(), "eddy-failed: eddy itself failed: runtime error") {
				t.Errorf("stdout: %s", stdout.String())
			}
			dir := filepath.Join(store, name, "latest")
			file, err := os.Open(filepath.Join(dir, "history.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if ops, err := history.Read(file); err != nil || len(ops) == 0 {
				t.Errorf("%d operations, %v", len(ops), err)
			}
			for _, file := range []string{"results.json", "journal.jsonl", "report.html"} {
				if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A panic anywhere else has the same status.
func TestOwnCrashElsewhere(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("eddy-broken", "test", "-w", "broken-new", "--bin", "node-echo", "--store", t.TempDir())
	out, _ := cmd.CombinedOutput()
	if status := cmd.ProcessState.ExitCode(); status != statusError || !strings.HasPrefix(string(out), "eddy: eddy itself failed: no workload\n") {
		t.Errorf("exit status %d\n%s", status, out)
	}
}
