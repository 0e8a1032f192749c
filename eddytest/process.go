package eddytest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
)

// A Process is one incarnation of a node in [Check], as a program sees it. It is also a
// transport for [eddy.Node.Serve].
//
// When the test kills the node, Context ends, and reads and writes fail from then on. All
// goroutines of the program must end then. One that still writes a minute later, since it
// does not look at the error, ends as by [runtime.Goexit].
type Process struct {
	Context context.Context
	Stdin   io.Reader
	Stdout  io.Writer

	pipes *pipes
}

// Read reads from Stdin.
func (p *Process) Read(b []byte) (int, error) { return p.pipes.read(b) }

// Write writes to Stdout.
func (p *Process) Write(b []byte) (int, error) { return p.pipes.write(b) }

// Number returns a number that the seed of the test gives to this incarnation. A program
// whose random numbers follow from it does the same in each run of the seed. An
// [eddy.Node] that serves the process does so.
func (p *Process) Number() uint64 { return p.pipes.random }

// Dir returns the directory of the node. It is empty at first. Incarnations of the node find
// what earlier ones left there, unless the fault was kill-wipe.
func (p *Process) Dir() string { return p.pipes.dir() }

// pipes are the input and the output of an incarnation.
type pipes struct {
	random uint64             // see Process.Number
	cancel context.CancelFunc // ends Context
	wrote  chan struct{}      // receives a value when there is output
	dir    func() string

	mu       sync.Mutex
	changed  sync.Cond
	input    []byte // not read yet
	ended    bool   // no more input will come
	killed   bool
	killedAt time.Time
	output   []byte // not taken yet
	done     bool   // the program has returned
	err      error  // what it returned
	panicked string // what it panicked with, and its stack
}

// deafTime is how long after a kill a write fails. Then it ends its goroutine.
const deafTime = time.Minute

var errKilled = errors.New("the test has killed the node")

func (p *pipes) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.input) == 0 && !p.ended && !p.killed {
		p.changed.Wait()
	}
	switch {
	case p.killed:
		return 0, errKilled
	case len(p.input) == 0:
		return 0, io.EOF
	}
	n := copy(b, p.input)
	p.input = append(p.input[:0], p.input[n:]...)
	return n, nil
}

func (p *pipes) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.killed && time.Since(p.killedAt) > deafTime:
		runtime.Goexit()
	case p.killed:
		return 0, errKilled
	}
	p.output = append(p.output, b...)
	p.tell()
	return len(b), nil
}

// tell wakes the test.
func (p *pipes) tell() {
	select {
	case p.wrote <- struct{}{}:
	default:
	}
}

// Send implements [virtual.Process].
func (p *pipes) Send(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.input = append(append(p.input, line...), '\n')
	p.changed.Broadcast()
}

// EndInput implements [virtual.Process].
func (p *pipes) EndInput() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.changed.Broadcast()
}

// Pause implements [virtual.Process]. A goroutine cannot be stopped.
func (p *pipes) Pause(bool) {}

// Terminate implements [virtual.Process].
func (p *pipes) Terminate() { p.cancel() }

// Kill implements [virtual.Process].
func (p *pipes) Kill() {
	p.mu.Lock()
	if !p.killed {
		p.killed, p.killedAt = true, time.Now()
	}
	p.changed.Broadcast()
	p.mu.Unlock()
	p.cancel()
}

// finish records that the program has returned, or that it has panicked.
func (p *pipes) finish(err error, panicked string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.err, p.panicked = true, err, panicked
	p.tell()
}

// Output implements [virtual.Process].
func (p *pipes) Output() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	end := bytes.LastIndexByte(p.output, '\n') + 1
	if p.done {
		end = len(p.output)
	}
	taken := p.output[:end:end]
	p.output = p.output[end:]
	return taken
}

// Ended implements [virtual.Process].
func (p *pipes) Ended() (trial.Exit, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	exit := trial.Exit{State: "its program returned", OK: p.err == nil && p.panicked == ""}
	switch {
	case p.panicked != "":
		exit.State = "its program panicked: " + p.panicked
	case p.err != nil:
		exit.State += " the error: " + p.err.Error()
	}
	return exit, p.done
}

// A directory is the directory of a node. It is created when it is used first.
type directory struct {
	root func() string // of the test
	name string
	mu   sync.Mutex
	path string
}

func (d *directory) get() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.path == "" {
		d.path = filepath.Join(d.root(), d.name)
		if err := os.MkdirAll(d.path, 0o755); err != nil {
			panic(err)
		}
	}
	return d.path
}

// wipe empties the directory.
func (d *directory) wipe() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.path != "" {
		os.RemoveAll(d.path)
		d.path = ""
	}
}
