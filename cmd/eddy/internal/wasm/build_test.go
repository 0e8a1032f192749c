package wasm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// modulesVariable says where the tests keep modules that they have built. A test that starts
// this test program again sets it.
const modulesVariable = "EDDY_WASM_TEST_MODULES"

var modules = os.Getenv(modulesVariable)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if modules == "" {
			var err error
			if modules, err = os.MkdirTemp("", "eddy-wasm-modules"); err != nil {
				panic(err)
			}
			defer os.RemoveAll(modules)
		}
		return m.Run()
	}())
}

// The programs of the tests: directories below the root of the module, or below bench.
const (
	testProgram = "cmd/eddy/internal/wasm/testdata/program"
	relay       = "cmd/relay"
	echo        = "examples/echo"
	broadcast   = "examples/broadcast"
	official    = "bench/peers/official"
)

var (
	compiledLock sync.Mutex
	compiled     = map[string]*Program{}
)

// compileGo builds and compiles a Go program, once.
func compileGo(t testing.TB, dir string) *Program {
	t.Helper()
	compiledLock.Lock()
	defer compiledLock.Unlock()
	if compiled[dir] == nil {
		compiled[dir] = compileModule(t, buildGo(t, dir))
	}
	return compiled[dir]
}

// buildGo returns the WebAssembly module of a Go program.
func buildGo(t testing.TB, dir string) []byte {
	t.Helper()
	file := filepath.Join(modules, strings.ReplaceAll(dir, "/", "-")+".wasm")
	if _, err := os.Stat(file); err != nil {
		build := exec.Command("go", "build", "-o", file, ".")
		build.Dir = filepath.Join("../../../..", dir)
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", dir, err, out)
		}
	}
	return must(os.ReadFile(file))
}

// compileModule compiles a module. It uses the cache of eddy test, so that only the first run
// of the tests compiles: with the race detector that takes long.
func compileModule(t testing.TB, module []byte) *Program {
	t.Helper()
	cache := ""
	if dir, err := os.UserCacheDir(); err == nil {
		cache = filepath.Join(dir, "eddy", "wasm")
	}
	p, err := Compile(t.Context(), module, cache)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// startTest starts the program for tests with arguments.
func startTest(t testing.TB, c Config, args ...string) *Process {
	t.Helper()
	c.Args = append([]string{"program"}, args...)
	p := compileGo(t, testProgram).Start(c)
	t.Cleanup(p.Kill)
	return p
}

func openDisk(t testing.TB, dir string) *Disk {
	t.Helper()
	disk := must(OpenDisk(dir))
	t.Cleanup(func() { disk.Close() })
	return disk
}

// runToEnd runs a process that wants no input until it ends, and returns all that it wrote.
func runToEnd(t testing.TB, p *Process) string {
	t.Helper()
	var now time.Duration
	var all strings.Builder
	for {
		if err := p.Run(now); err != nil {
			t.Fatalf("at %v: %v\n%s", now, err, p.ErrorLines())
		}
		for _, line := range p.Lines() {
			all.Write(append(line, '\n'))
		}
		if code, ended := p.Exit(); ended {
			if code != 0 {
				t.Errorf("the program ended with %d\n%s", code, join(p.ErrorLines()))
			}
			return all.String()
		}
		wake, ok := p.Wake()
		if !ok {
			t.Fatalf("the program waits for input; it wrote\n%s%s", all.String(), p.ErrorLines())
		}
		now = wake
	}
}
