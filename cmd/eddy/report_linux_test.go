package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/page"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A page that cannot be written removes nothing: neither the page before it nor what is no
// regular file.
func TestPageThatCannotBeWritten(t *testing.T) {
	tests := []*page.Test{{Journal: new(sim.Journal), History: new(history.History)}}
	dir := t.TempDir()

	full := filepath.Join(dir, "full.html")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	if err := writePage(full, tests); err == nil {
		t.Error("a full device has taken the page")
	}
	if _, err := os.Lstat(full); err != nil {
		t.Error(err)
	}

	to := filepath.Join(dir, "page.html")
	if err := writePage(to, tests); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(to)
	if err != nil || len(before) < 1000 {
		t.Fatalf("%d bytes, %v", len(before), err)
	}
	if err := os.Symlink("/dev/full", to+".new"); err != nil {
		t.Fatal(err)
	}
	if err := writePage(to, tests); err == nil {
		t.Error("a full disk has taken the page")
	}
	if after, err := os.ReadFile(to); err != nil || string(after) != string(before) {
		t.Errorf("the page before has %d bytes, had %d, %v", len(after), len(before), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("the directory has %v, %v", left, err)
	}
}
