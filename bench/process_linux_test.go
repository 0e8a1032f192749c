package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestPipesAreNotPolled reads the epoll sets of this process (proc(5), fdinfo). None may
// have a pipe of a node, see Process.
func TestPipesAreNotPolled(t *testing.T) {
	p, err := start(Launch{Command: []string{"cat"}, Log: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	r, w, err := os.Pipe() // so that there is a set to read
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()

	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	var sets []byte
	for _, name := range infos {
		if info, err := os.ReadFile(name); err == nil && bytes.Contains(info, []byte("\ntfd:")) {
			sets = append(sets, info...)
		}
	}
	has := func(f *os.File) bool {
		for line := range bytes.Lines(sets) {
			var fd uintptr
			if _, err := fmt.Sscanf(string(line), "tfd: %d", &fd); err == nil && fd == f.Fd() {
				return true
			}
		}
		return false
	}
	if !has(r) {
		t.Fatalf("a pipe of os.Pipe isn't in a set; the sets:\n%s", sets)
	}
	if has(p.In) || has(p.out) {
		t.Errorf("a node's pipe is polled; the sets:\n%s", sets)
	}
}
