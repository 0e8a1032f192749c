// Package wasmrunner tests WebAssembly programs: it runs a trial whose nodes are such
// programs, in virtual time. The same seed gives the same run, byte for byte.
package wasmrunner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/wasm"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/virtual"
)

// magic is how every WebAssembly module begins.
const magic = "\x00asm"

// IsModule reports whether a file is a WebAssembly module.
func IsModule(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	begin := make([]byte, len(magic))
	_, err = io.ReadFull(f, begin)
	return err == nil && string(begin) == magic
}

// A Program is a compiled program. It can run in several tests at the same time.
type Program struct {
	*wasm.Program
	maxWork uint64 // see wasm.Config
}

// Compile compiles the program of a test. The machine code is kept in the user's cache
// directory for the next time, if it can be written.
func Compile(ctx context.Context, path string) (*Program, error) {
	module, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := wasm.Compile(ctx, module, cacheDir())
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", path, err)
	}
	return &Program{Program: p}, nil
}

// cacheDir returns the directory for machine code, or "" if none can be written.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir = filepath.Join(dir, "eddy", "wasm")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return ""
	}
	probe, err := os.CreateTemp(dir, "probe")
	if err != nil {
		return ""
	}
	probe.Close()
	os.Remove(probe.Name())
	return dir
}

// Run runs a test, as runner.Run does. cfg.Virtual must be set. When ctx ends, the test ends.
func (p *Program) Run(ctx context.Context, cfg *runner.Config) (result *trial.Result, err error) {
	l := &programs{cfg: cfg, program: p}
	defer func() { err = errors.Join(err, l.close()) }()
	if err := l.open(); err != nil {
		return nil, err
	}
	var crash *trial.Crash
	now := time.Duration(0)
	nodes, test := virtual.New(&cfg.Config, l)
	err = trial.Guard(func() error {
		test.Begin(now)
		for !test.Done() {
			next := nodes.Advance(now)
			if ctx.Err() != nil {
				test.Interrupt()
				break
			}
			now = max(now, min(next, l.wake()))
		}
		return nil
	})
	nodes.KillAll()
	result, failed := test.Result(now)
	if errors.As(err, &crash) && failed == nil {
		result.Crash, result.Stopped = crash, crash.Error()
	}
	return result, failed
}

// programs are the programs of a test.
type programs struct {
	cfg     *runner.Config
	program *Program
	nodes   []*node
}

// A node is a node with its latest incarnation.
type node struct {
	*wasm.Process // nil before the first incarnation
	name          string
	disk          *wasm.Disk
	log           *os.File
	stderr        io.Writer
	failure       error // of Run
	killed        bool
	paused        bool
}

// open creates the directories and logs of the nodes.
func (l *programs) open() error {
	for _, name := range l.cfg.Nodes {
		n := &node{name: name, stderr: l.cfg.Stderr}
		l.nodes = append(l.nodes, n)
		dir := filepath.Join(l.cfg.Dirs, name)
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			n.disk, err = wasm.OpenDisk(dir)
		}
		if err == nil {
			n.log, err = os.Create(filepath.Join(l.cfg.Logs, name+".log"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// close closes the directories and logs of the nodes.
func (l *programs) close() (err error) {
	for _, n := range l.nodes {
		if n.disk != nil {
			err = errors.Join(err, n.disk.Close())
		}
		if n.log != nil {
			err = errors.Join(err, n.log.Close())
		}
	}
	return err
}

// wake returns when a program that is not paused wants to run.
func (l *programs) wake() time.Duration {
	const never = 1<<63 - 1
	first := time.Duration(never)
	for _, n := range l.nodes {
		if n.Process == nil || n.paused {
			continue
		}
		if at, ok := n.Wake(); ok {
			first = min(first, at)
		}
	}
	return first
}

// Start implements [virtual.Programs].
func (l *programs) Start(i, incarnation int, wipe bool) virtual.Process {
	n := l.nodes[i]
	if wipe {
		n.failure = n.disk.Wipe()
	}
	n.Process = l.program.Start(wasm.Config{
		Args: append([]string{filepath.Base(l.cfg.Bin)}, l.cfg.Args...), Disk: n.disk, MaxWork: l.program.maxWork,
		Seed: rand.New(rand.NewPCG(l.cfg.Network.Seed, uint64(i)<<32|uint64(incarnation))).Uint64(),
	})
	n.killed, n.paused = false, false
	return n
}

// Rest implements [virtual.Programs].
func (l *programs) Rest(now time.Duration) bool {
	for _, n := range l.nodes {
		if n.Process == nil || n.killed || n.paused {
			continue
		}
		n.failure = n.Run(now)
		n.writeLog()
	}
	return true
}

// writeLog writes what a program has written to its standard error.
func (n *node) writeLog() {
	for _, line := range n.ErrorLines() {
		fmt.Fprintf(n.log, "%s\n", line)
		if n.stderr != nil {
			fmt.Fprintf(n.stderr, "%s: %s\n", n.name, quote.Printable(line))
		}
	}
}

// Send implements [virtual.Process].
func (n *node) Send(line []byte) { n.Write(append(bytes.Clone(line), '\n')) }

// EndInput implements [virtual.Process].
func (n *node) EndInput() { n.CloseInput() }

// Pause implements [virtual.Process].
func (n *node) Pause(paused bool) { n.paused = paused }

// Terminate implements [virtual.Process]. WASI has no signals.
func (n *node) Terminate() {}

// Kill implements [virtual.Process].
func (n *node) Kill() {
	n.Process.Kill()
	n.killed = true
}

// Output implements [virtual.Process].
func (n *node) Output() (output []byte) {
	for _, line := range n.Lines() {
		output = append(append(output, line...), '\n')
	}
	return output
}

// Ended implements [virtual.Process].
func (n *node) Ended() (trial.Exit, bool) {
	code, ended := n.Exit()
	exit := trial.Exit{State: fmt.Sprintf("exit status %d", code), OK: code == 0}
	if n.failure != nil {
		exit.State = n.failure.Error()
	}
	if !exit.OK {
		for _, line := range n.LastErrorLines() {
			exit.Stderr = append(exit.Stderr, string(line))
		}
	}
	return exit, ended
}
