package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// A Report is the result of a run. results.json holds it.
type Report struct {
	Date     time.Time `json:"date"`
	Machine  Machine   `json:"machine"`
	Rounds   int       `json:"rounds"`
	Smoke    bool      `json:"smoke,omitempty"`
	Pipe     int       `json:"pipe_bytes,omitempty"` // zero: the system's default
	Results  []*Result `json:"results"`
	Verdicts []Verdict `json:"verdicts"`
}

// A Machine is where it ran.
type Machine struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores"`
	Go     string `json:"go"`
	Commit string `json:"commit,omitempty"` // of the checkout that was measured
}

// A Result is the outcomes of a case.
type Result struct {
	Case     string     `json:"case"`
	Outcomes []*Outcome `json:"outcomes"`
}

func (r *Result) outcome(peer string) *Outcome {
	for _, o := range r.Outcomes {
		if o.Peer == peer {
			return o
		}
	}
	return nil
}

func resultOf(results []*Result, name string) *Result {
	for _, r := range results {
		if r.Case == name {
			return r
		}
	}
	return nil
}

func thisMachine(root string) Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version()}
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			m.CPU = strings.Trim(name, " \t:\n")
			break
		}
	}
	git := exec.Command("git", "describe", "--always", "--dirty")
	git.Dir = root
	if out, err := git.Output(); err == nil {
		m.Commit = strings.TrimSpace(string(out))
	}
	return m
}

// clean removes the values that JSON cannot represent.
func (s Sample) clean() {
	for name, v := range s {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			delete(s, name)
		}
	}
}

func (r *Report) save(file string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return fmt.Errorf("encoding the results: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func loadReport(file string) (*Report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return r, nil
}
