// Package cluster runs node processes: it starts them, writes lines to their input,
// reads their output, and ends them with all processes that they have started.
package cluster

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultGrace is how long a process may take to exit after its input was
	// closed.
	DefaultGrace = 5 * time.Second

	// DefaultTermGrace is how long it may take after SIGTERM.
	DefaultTermGrace = 2 * time.Second

	// orphanGrace is how long a read of the output may wait after the process has
	// exited. A process that it started and that left its group may keep the pipe
	// open.
	orphanGrace = time.Second

	// tailLines and tailBytes bound what StderrTail returns.
	tailLines = 5
	tailBytes = 500
)

// A Stream is standard output or standard error.
type Stream int

const (
	Stdout Stream = iota
	Stderr
)

func (s Stream) String() string {
	if s == Stderr {
		return "stderr"
	}
	return "stdout"
}

// A Config says how to start a process.
type Config struct {
	// Program and Args are the command line. A Program without a slash is
	// searched for in PATH, and then in the working directory.
	Program string
	Args    []string

	// Dir is the working directory. Empty means that of this program.
	Dir string

	// Env is the environment as key=value. nil means that of this program.
	Env []string

	// MaxLine is the limit of a line in bytes. 0 means DefaultMaxLine.
	MaxLine int

	// Grace and TermGrace are how long End waits after it has closed the input,
	// and after SIGTERM. 0 means the default. A negative value means no wait.
	Grace, TermGrace time.Duration

	// Output is called with every line that the process writes. Calls for one
	// stream come one after another, in order. Calls for different streams are
	// concurrent. While Output blocks, the process's writes block, too. If Output
	// is nil, lines are dropped.
	Output func(Stream, Line)
}

// A Process is a running program. It leads its own process group: Ctrl-C in a
// terminal does not reach it, and the processes that it starts end with it. Its
// methods are safe for concurrent use.
type Process struct {
	cfg     Config
	cmd     *exec.Cmd
	feed    *feed
	stdout  *pipe
	stderr  *pipe
	exited  chan struct{} // closed when the process has exited
	done    chan struct{} // closed when its output was read to the end, too
	closing atomic.Bool   // CloseInput was called

	mu    sync.Mutex
	group *group // nil after the process has exited
	exit  Exit
	tail  []string
	said  errorText
}

// Start starts a process. Its errors are those of [exec.LookPath] and [exec.Cmd.Start].
func Start(cfg Config) (*Process, error) {
	p := &Process{
		cfg:    cfg,
		feed:   newFeed(),
		exited: make(chan struct{}),
		done:   make(chan struct{}),
	}
	path, err := find(cfg.Program)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(path, cfg.Args...)
	p.cmd.Args[0] = cfg.Program
	p.cmd.Dir = cfg.Dir
	p.cmd.Env = cfg.Env
	p.cmd.SysProcAttr = groupAttr()

	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// StdoutPipe cannot be used: Wait would close the pipe before its content was
	// read.
	var theirs [2]*os.File
	for i, ours := range []**pipe{&p.stdout, &p.stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		defer w.Close()
		*ours = &pipe{f: r, exited: p.exited}
		theirs[i] = w
	}
	p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1]

	if err := p.cmd.Start(); err != nil {
		stdin.Close()
		p.stdout.f.Close()
		p.stderr.f.Close()
		return nil, err
	}
	p.group = newGroup(p.cmd.Process)
	go p.feed.run(stdin)
	go p.watch()
	return p, nil
}

// watch reads the output and reaps the process.
func (p *Process) watch() {
	var readers sync.WaitGroup
	readers.Go(func() { p.read(Stdout, p.stdout) })
	readers.Go(func() { p.read(Stderr, p.stderr) })

	p.cmd.Wait() // its error is an exit status, which ProcessState has, too

	p.mu.Lock()
	// Kill the processes that the process has started. Another group can hardly
	// have the same number: the system does not reuse it while the group has
	// members, and if it has none, it has been free only since Wait returned.
	p.group.kill()
	p.group.release()
	p.group = nil
	p.exit.State = p.cmd.ProcessState
	p.exit.Early = !p.closing.Load() && p.exit.Forced == ""
	p.mu.Unlock()

	p.feed.stop(fmt.Errorf("the process has exited: %v", p.cmd.ProcessState))
	close(p.exited)
	p.stdout.expire()
	p.stderr.expire()
	readers.Wait()
	close(p.done)
}

func (p *Process) read(stream Stream, r *pipe) {
	defer r.f.Close()
	lines := NewLineReader(r, p.cfg.MaxLine)
	for {
		line, err := lines.Next()
		if err != nil {
			return
		}
		if stream == Stderr {
			p.remember(line.Text)
		}
		if p.cfg.Output != nil {
			p.cfg.Output(stream, line)
		}
	}
}

// remember keeps a line for StderrTail and ErrorLines.
func (p *Process) remember(text []byte) {
	if len(text) > tailBytes {
		text = text[:tailBytes]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tail) == tailLines {
		p.tail = p.tail[1:]
	}
	p.tail = append(p.tail, string(text))
	p.said.add(string(text))
}

// PID returns the process's id. On Unix it is also the id of its group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Send queues a line and a newline for the process's input. It never blocks and
// does not keep line. It returns an error if the process has exited or closed its
// input, or if CloseInput was called. The process need not read a line for which
// Send returned nil.
func (p *Process) Send(line []byte) error { return p.feed.add(line) }

// AwaitQueued blocks until fewer than n bytes are queued for the input, or the
// process no longer reads. If it is called before each Send, the queue is at most n
// bytes and a line.
func (p *Process) AwaitQueued(n int) { p.feed.awaitBelow(n) }

// Queued returns how many bytes are queued for the input, not counting those in
// the system's pipe.
func (p *Process) Queued() int { return p.feed.queued() }

// CloseInput closes the process's input after the queue was written.
func (p *Process) CloseInput() {
	p.closing.Store(true)
	p.feed.close()
}

// End ends the process. It closes its input and waits for Grace, then sends SIGTERM
// (on Windows Ctrl-Break) to its group and waits for TermGrace, and then kills the
// group. It returns when the output was read to the end.
func (p *Process) End() Exit {
	p.CloseInput()
	if !p.endsWithin(p.cfg.Grace, DefaultGrace) {
		p.signal("SIGTERM", (*group).terminate)
		if !p.endsWithin(p.cfg.TermGrace, DefaultTermGrace) {
			p.Kill()
		}
	}
	return p.Wait()
}

// Terminate sends SIGTERM (on Windows Ctrl-Break) to the process's group. It leaves
// the input open and does not wait.
func (p *Process) Terminate() { p.signal("SIGTERM", (*group).terminate) }

// Kill kills the process's group. It does not wait.
func (p *Process) Kill() { p.signal("SIGKILL", (*group).kill) }

// Pause pauses the process's group until Resume. Its error is
// errors.ErrUnsupported where CanPause is false.
func (p *Process) Pause() error { return p.inGroup((*group).pause) }

// Resume resumes a paused process.
func (p *Process) Resume() error { return p.inGroup((*group).resume) }

func (p *Process) inGroup(do func(*group) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.group == nil {
		return os.ErrProcessDone
	}
	return do(p.group)
}

func (p *Process) signal(name string, send func(*group)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.group != nil {
		p.exit.Forced = name
		send(p.group)
		p.group.resume() // a paused process handles no signal except SIGKILL
	}
}

func (p *Process) endsWithin(patience, standard time.Duration) bool {
	if patience == 0 {
		patience = standard
	}
	timer := time.NewTimer(max(patience, 0))
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
		return false
	}
}

// Done returns a channel that is closed when the process has exited and Output was
// called with its last line.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for Done and returns how the process exited.
func (p *Process) Wait() Exit {
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit
}

// StderrTail returns the last lines that the process wrote to stderr, each truncated
// to tailBytes.
func (p *Process) StderrTail() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.tail...)
}

// ErrorLines returns what the process wrote to stderr about its end, such as the line of
// a panic without its stack. It returns the last lines if no line looks like that.
func (p *Process) ErrorLines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.said.lines) > 0 {
		return append([]string(nil), p.said.lines...)
	}
	return append([]string(nil), p.tail...)
}

// An Exit says how a process exited.
type Exit struct {
	// State is the operating system's report.
	State *os.ProcessState

	// Forced is the last signal that was sent to end it: "", "SIGTERM" or "SIGKILL".
	Forced string

	// Early reports that it exited by itself before its input was closed.
	Early bool
}

// Clean reports whether the process exited with status 0 after the end of its
// input, without a signal.
func (e Exit) Clean() bool {
	return e.Forced == "" && !e.Early && e.State.Success()
}

// String returns the state, such as "exit status 3" or "signal: killed".
func (e Exit) String() string { return e.State.String() }

// A pipe reads a process's output. After the process has exited, a read that
// returns nothing for orphanGrace is the end: an orphan that left the group may keep
// the pipe open. The content of the pipe is always read first.
type pipe struct {
	f        *os.File
	exited   chan struct{}
	timeouts int
}

// expire makes a blocked read return. Where pipes have no deadlines (Windows), they
// were closed when the job was killed.
func (r *pipe) expire() { r.f.SetReadDeadline(time.Now()) }

func (r *pipe) Read(b []byte) (int, error) {
	for {
		select {
		case <-r.exited:
			r.f.SetReadDeadline(time.Now().Add(orphanGrace))
		default:
		}
		n, err := r.f.Read(b)
		switch {
		case n > 0 || err == nil:
			return n, nil
		case os.IsTimeout(err) && r.timeouts == 0:
			// This timeout may come from expire, and there may be more to read.
			r.timeouts++
		default:
			return 0, io.EOF
		}
	}
}
