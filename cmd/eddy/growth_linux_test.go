package main

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

// growingNodes use more and more of something. want is a part of the note about it.
var growingNodes = []struct {
	name, want string
	grow       func()
}{
	{"memory", "MiB of memory, and at the end", func() {
		block := make([]byte, 600<<10)
		for i := range block {
			block[i] = byte(i)
		}
		grown = append(grown, block)
	}},
	{"files", "open files, and at the end", func() {
		f, _ := os.Open("/dev/null")
		opened = append(opened, f)
	}},
	{"threads", "threads, and at the end", func() {
		go func() {
			runtime.LockOSThread()
			select {}
		}()
	}},
	{"processes", "processes, and at the end", func() {
		if requests++; requests%5 == 0 {
			exec.Command("sleep", "60").Start()
		}
	}},
}

// What the nodes keep.
var (
	grown    [][]byte
	opened   []*os.File
	requests int
)

func init() {
	for _, node := range growingNodes {
		testNodes["growing-"+node.name] = func() {
			n := testnode.New(program.OS())
			n.On = func(m testnode.Message) bool {
				if m.Body.Type == "echo" {
					node.grow()
				}
				return false
			}
			n.Serve()
		}
	}
	testNodes["growing-not"] = func() { testnode.New(program.OS()).Serve() }
}

// A note says which nodes use more and more memory, files, threads or processes. It does
// not change the verdict.
func TestGrowingNodes(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	test := func(t *testing.T, name, seconds string) []byte {
		out, err := exec.Command("eddy", "test", "-w", "echo", "--bin", "growing-"+name, "--node-count", "1",
			"--rate", "100", "--concurrency", "2", "--time-limit", seconds, "--store", t.TempDir()).CombinedOutput()
		if err != nil || !bytes.HasPrefix(out, []byte("PASS")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		return out
	}
	sideBySide(t, len(growingNodes)+1, func(t *testing.T, i int) {
		if i == len(growingNodes) {
			if out := test(t, "not", "3"); bytes.Contains(out, []byte("more and more")) {
				t.Errorf("%s", out)
			}
			return
		}
		want := []byte(growingNodes[i].want)
		out := test(t, growingNodes[i].name, "3")
		if !bytes.Contains(out, want) { // on a busy machine
			out = test(t, growingNodes[i].name, "10")
		}
		if !bytes.Contains(out, want) {
			t.Errorf("%s: no note with %q\n%s", growingNodes[i].name, growingNodes[i].want, out)
		}
	})
}
