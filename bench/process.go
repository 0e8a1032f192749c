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

// initLine is the first line of every node.
const initLine = `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"

// Process is a node that runs as a child between pipes of the harness.
//
// The harness waits for it in system calls that block a thread, never in Go's poller,
// and it runs no timer meanwhile. With a timer or the poller, the scheduler of the
// harness would wake threads while it measures. The node would then often be woken on
// a core that sleeps, and one echo through cat would take 5 µs in one run and 40 µs in
// the next. So no read has a deadline: a watchdog kills a node that takes too long,
// which ends every read and write.
type Process struct {
	In  *os.File // the node's standard input, the end of the harness
	Out *Lines   // the node's standard output, the end of the harness

	// lenient is for nodes of others: their exit status is not checked. The official
	// library ends in a deadlock once a reply has come late.
	lenient bool

	cmd    *exec.Cmd
	out    *os.File
	errors *tail         // nil when standard error goes to the null device
	limit  time.Duration // when the watchdog kills it, counted from the watchdog's start
	late   atomic.Bool   // the watchdog has killed it
	ended  chan struct{} // closed once it has been waited for
	err    error         // what Wait returned; read after ended
}

// Launch says how a process is started.
type Launch struct {
	Command []string
	Env     []string      // added to that of the harness
	Log     bool          // read standard error; otherwise it goes to the null device
	Limit   time.Duration // how long it may run; zero means 2 minutes
	Pipe    int           // the size of the pipes in bytes; zero leaves the system's
}

// start runs a node; the caller ends it with Close or Kill.
func start(l Launch) (*Process, error) {
	cmd := exec.Command(l.Command[0], l.Command[1:]...)
	cmd.Env = append(os.Environ(), l.Env...)

	stdin, in, err := pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	out, stdout, err := pipe()
	if err != nil {
		stdin.Close()
		in.Close()
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	if l.Pipe > 0 {
		err = errors.Join(resizePipe(in, l.Pipe), resizePipe(out, l.Pipe))
	}
	p := &Process{In: in, Out: newLines(out), cmd: cmd, out: out, ended: make(chan struct{})}
	cmd.Stdin, cmd.Stdout = stdin, stdout
	read := make(chan struct{})
	if l.Log && err == nil {
		var r, w *os.File
		if r, w, err = pipe(); err == nil {
			p.errors = &tail{}
			cmd.Stderr = w
			defer w.Close()
			go func() {
				defer close(read)
				defer r.Close()
				p.errors.readFrom(r)
			}()
		}
	}
	if p.errors == nil {
		close(read)
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
	go func() {
		p.err = cmd.Wait()
		<-read
		close(p.ended)
	}()
	limit := l.Limit
	if limit == 0 {
		limit = 2 * time.Minute
	}
	theWatchdog.watch(p, limit)
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
		return fmt.Errorf("the reply to init is %.200q", lines)
	}
	return nil
}

// Close ends the node's input and checks that it writes nothing more and, unless
// it is lenient, exits with 0 within 10 seconds.
func (p *Process) Close() error {
	p.In.Close()
	defer p.out.Close()
	theWatchdog.watch(p, 10*time.Second)
	rest, err := p.Out.Read()
	if err == nil {
		p.Kill()
		return fmt.Errorf("an extra line: %.200q", rest)
	}
	<-p.ended
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the end of the output: %w", err)
	}
	if p.lenient {
		return nil
	}
	if p.late.Load() {
		return errors.New("still ran 10 s after the end of its input")
	}
	if p.err != nil {
		return p.explain(p.err)
	}
	return nil
}

// Kill ends the node at once. It may be called after Close and more than once.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.ended
	p.In.Close()
	p.out.Close()
}

// explain kills the node and adds to an error how it ended and what it wrote to standard error.
func (p *Process) explain(err error) error {
	p.cmd.Process.Kill()
	<-p.ended
	switch {
	case p.late.Load():
		return fmt.Errorf("the watchdog killed it: %w", err)
	case p.errors != nil:
		return fmt.Errorf("%w (%v; standard error: %.300q)", err, p.cmd.ProcessState, p.errors.Text())
	}
	return fmt.Errorf("%w (%v)", err, p.cmd.ProcessState)
}

// CPU is the processor time the node has used so far, user and system.
func (p *Process) CPU() time.Duration { return cpuTime(p.cmd.Process.Pid) }

// Memory is what the node holds now.
func (p *Process) Memory() Memory { return memoryOf(p.cmd.Process.Pid) }

// Memory returns the memory of a process in bytes, NaN where the system does not say.
type Memory struct {
	RSS  float64 // resident
	Peak float64 // the most that ever was resident
	PSS  float64 // resident, shared pages divided among their users
}

// watchdog kills processes that take too long. It looks once a second, from a
// thread that sleeps in the kernel, see Process.
type watchdog struct {
	start     time.Time
	mu        sync.Mutex
	processes map[*Process]bool
}

var theWatchdog watchdog

// watch lets p run for the limit from now on.
func (d *watchdog) watch(p *Process, limit time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.processes == nil {
		d.start = time.Now()
		d.processes = map[*Process]bool{}
		go d.run()
	}
	d.processes[p] = true
	p.limit = time.Since(d.start) + limit
}

func (d *watchdog) run() {
	for {
		sleep(time.Second)
		d.mu.Lock()
		for p := range d.processes {
			select {
			case <-p.ended:
				delete(d.processes, p)
				continue
			default:
			}
			if time.Since(d.start) > p.limit {
				p.late.Store(true)
				p.cmd.Process.Kill()
			}
		}
		d.mu.Unlock()
	}
}

// errorText is the end of what the node wrote to standard error, if that was read.
func (p *Process) errorText() string {
	if p.errors == nil {
		return ""
	}
	return p.errors.Text()
}

// tail counts the lines written to it and keeps the end of the text.
type tail struct {
	mu    sync.Mutex
	lines int
	keep  []byte
}

const tailSize = 1 << 20

// readFrom reads until the end.
func (t *tail) readFrom(r io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		t.add(buf[:n])
		if err != nil {
			return
		}
	}
}

func (t *tail) add(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines += bytes.Count(b, []byte("\n"))
	t.keep = append(t.keep, b...)
	if over := len(t.keep) - tailSize; over > tailSize {
		t.keep = append(t.keep[:0], t.keep[over:]...)
	}
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
