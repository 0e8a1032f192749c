package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// initLine is what every node is told first.
const initLine = `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"

// Process is a node that runs as a child between two pipes of ours.
//
// Our ends of the pipes are in blocking mode: a read that waits in the kernel
// wakes up some microseconds earlier than one that waits in Go's poller, and
// those microseconds would be added to every peer's latency alike and so make
// a quick node look less quick. The price is that a stuck node can't be waited
// for with a deadline: a watchdog kills it, which ends every read and write.
type Process struct {
	In  *os.File // the node's standard input, our end
	Out *Lines   // the node's standard output, our end

	cmd    *exec.Cmd
	out    *os.File
	errors *tail // nil when standard error goes to the null device
	dog    *time.Timer
	bitten atomic.Bool   // the watchdog has killed it
	ended  chan struct{} // closed once it has been waited for
	err    error         // what Wait said; read after ended
}

// Launch says how a process is started.
type Launch struct {
	Command []string
	Env     []string      // added to ours
	Log     bool          // read standard error; otherwise it goes to the null device
	Limit   time.Duration // the watchdog's patience; zero means 2 minutes
	Pipe    int           // the size of the pipes in bytes; zero leaves the system's
}

// start runs a node; the caller ends it with Close or Kill.
func start(l Launch) (*Process, error) {
	cmd := exec.Command(l.Command[0], l.Command[1:]...)
	cmd.Env = append(os.Environ(), l.Env...)

	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		stdin.Close()
		in.Close()
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	in.Fd() // sets blocking mode, see the type
	out.Fd()
	if l.Pipe > 0 {
		err = errors.Join(resizePipe(in, l.Pipe), resizePipe(out, l.Pipe))
	}
	p := &Process{In: in, Out: newLines(out), cmd: cmd, out: out, ended: make(chan struct{})}
	cmd.Stdin, cmd.Stdout = stdin, stdout
	if l.Log {
		p.errors = &tail{}
		cmd.Stderr = p.errors
	}
	if err == nil {
		err = cmd.Start()
	}
	stdin.Close()
	stdout.Close()
	if err != nil {
		in.Close()
		out.Close()
		return nil, fmt.Errorf("starting %s: %w", l.Command[0], err)
	}
	limit := l.Limit
	if limit == 0 {
		limit = 2 * time.Minute
	}
	p.dog = time.AfterFunc(limit, func() {
		p.bitten.Store(true)
		cmd.Process.Kill()
	})
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Init sends init and waits for init_ok.
func (p *Process) Init() error {
	if _, err := p.In.WriteString(initLine); err != nil {
		return p.explain(fmt.Errorf("writing init: %w", err))
	}
	lines, err := p.Out.Read()
	if err != nil {
		return p.explain(fmt.Errorf("waiting for init_ok: %w", err))
	}
	if !bytes.Contains(lines, []byte(`"init_ok"`)) || bytes.Count(lines, []byte("\n")) != 1 {
		return fmt.Errorf("init was answered with %.200q", lines)
	}
	return nil
}

// Close ends the node's input and checks that it writes nothing more and exits
// with 0 within 10 seconds.
func (p *Process) Close() error {
	p.In.Close()
	defer p.out.Close()
	dog := time.AfterFunc(10*time.Second, func() {
		p.bitten.Store(true)
		p.cmd.Process.Kill()
	})
	defer dog.Stop()
	rest, err := p.Out.Read()
	if err == nil {
		p.Kill()
		return fmt.Errorf("a line too many: %.200q", rest)
	}
	<-p.ended
	p.dog.Stop()
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the end of the output: %w", err)
	}
	if p.bitten.Load() {
		return errors.New("still ran 10 s after the end of its input")
	}
	if p.err != nil {
		return p.explain(p.err)
	}
	return nil
}

// Kill ends the node at once. It may be called after Close and more than once.
func (p *Process) Kill() {
	p.dog.Stop()
	p.cmd.Process.Kill()
	<-p.ended
	p.In.Close()
	p.out.Close()
}

// explain adds to an error what the node said before it died.
func (p *Process) explain(err error) error {
	p.cmd.Process.Kill()
	<-p.ended
	switch {
	case p.bitten.Load():
		return fmt.Errorf("the watchdog killed it: %w", err)
	case p.errors != nil:
		return fmt.Errorf("%w (%v; last said: %.300q)", err, p.cmd.ProcessState, p.errors.Text())
	}
	return fmt.Errorf("%w (%v)", err, p.cmd.ProcessState)
}

// CPU is the processor time the node has used so far, user and system.
func (p *Process) CPU() time.Duration { return cpuTime(p.cmd.Process.Pid) }

// Memory is what the node holds now.
func (p *Process) Memory() Memory { return memoryOf(p.cmd.Process.Pid) }

// Memory is a process's use of memory in bytes; NaN where the system can't tell.
type Memory struct {
	RSS  float64 // resident
	Peak float64 // the most that ever was resident
	PSS  float64 // resident, shared pages divided among their users
}

// tail counts the lines written to it and keeps the end of the text.
type tail struct {
	mu    sync.Mutex
	lines int
	keep  []byte
}

const tailSize = 1 << 20

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines += bytes.Count(b, []byte("\n"))
	t.keep = append(t.keep, b...)
	if over := len(t.keep) - tailSize; over > tailSize {
		t.keep = append(t.keep[:0], t.keep[over:]...)
	}
	return len(b), nil
}

// Lines is the number of lines written so far.
func (t *tail) Lines() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lines
}

// Text is the end of what was written, a MiB at least.
func (t *tail) Text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.keep)
}
