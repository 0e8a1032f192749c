package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/longtest"
)

// Programs for the official library, moved by the import path and built with -race, pass
// eddy test with faults.
func TestPrograms(t *testing.T) {
	longtest.Skip(t, "it builds four programs and tests each for seconds")
	eddy := filepath.Join(t.TempDir(), "eddy")
	build := exec.Command("go", "build", "-o", eddy, "./cmd/eddy")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, flags := range map[string]string{
		"broadcast-retry":  "-w broadcast --loss 0.1 --nemesis partition",
		"broadcast-gossip": "-w broadcast --loss 0.1 --nemesis partition",
		"lin-kv-proxy":     "-w lin-kv --nemesis pause,partition",
		"unique-ids":       "-w unique-ids --nemesis pause,partition",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			text, err := os.ReadFile("testdata/programs/" + name + "/main.go")
			if err != nil {
				t.Fatal(err)
			}
			source, node := filepath.Join(dir, "main.go"), filepath.Join(dir, "node")
			if err := os.WriteFile(source, []byte(strings.ReplaceAll(string(text), officialPath, ourPath)), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "build", "-race", "-o", node, source).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			args := append(strings.Fields("test "+flags), strings.Fields("--node-count 3 --concurrency 2n --rate 50 --time-limit 2 --latency 5 --nemesis-interval 0.5 --seed 7")...)
			test := exec.Command(eddy, append(args, "--store", filepath.Join(dir, "store"), "--bin", node)...)
			test.Env = append(os.Environ(), "GORACE=halt_on_error=1")
			if out, err := test.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
