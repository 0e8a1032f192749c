package wasm

import (
	"os"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/golden"
)

// The transcripts in testdata show what a program learns of the world and of its files.
func TestTranscripts(t *testing.T) {
	for _, program := range []string{"world", "files"} {
		dir := t.TempDir()
		p := startTest(t, Config{Disk: openDisk(t, dir), Env: []string{"A=b=c"}, Seed: 1}, program)
		golden.File(t, "testdata/"+program+".txt", runToEnd(t, p))
	}
}

// What Go's runtime draws at random follows from the seed. It also depends on the program, so
// no file has it.
func TestRandomNumbersFollowFromTheSeed(t *testing.T) {
	draw := func(seed uint64) string { return runToEnd(t, startTest(t, Config{Seed: seed}, "random")) }
	first := draw(1)
	if again := draw(1); again != first {
		t.Errorf("the same seed gives\n%s\nand\n%s", first, again)
	}
	if other := draw(2); other == first {
		t.Errorf("another seed gives the same: %s", other)
	}
}

// Files that were there before a program began have the time Epoch.
func TestOldFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b", "a"} {
		if err := os.WriteFile(dir+"/"+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	disk := openDisk(t, dir)
	info := must(disk.stat("a", true))
	i := disk.inode("a", info)
	if !i.modified.Equal(Epoch) {
		t.Errorf("modified at %v", i.modified)
	}
	i.touch(time.Second)
	if again := disk.inode("a", must(disk.stat("a", true))); again != i {
		t.Error("the file is another file")
	}
}
