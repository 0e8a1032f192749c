// Package cluster runs node processes: it starts one, feeds it lines, watches
// the lines it writes, and ends it so that nothing of it stays behind.
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
	// DefaultGrace is how long a process may take to end after its input has
	// been closed.
	DefaultGrace = 5 * time.Second

	// DefaultTermGrace is how long it may take after SIGTERM.
	DefaultTermGrace = 2 * time.Second

	// orphanGrace is how long we listen to a silent pipe after the process has
	// ended, when something that left its group still holds the other end.
	orphanGrace = time.Second

	// tailLines and tailBytes bound what StderrTail remembers.
	tailLines = 5
	tailBytes = 500
)

// A Stream is one of the two streams a process writes.
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

// Config is how to start a process.
type Config struct {
	// Program and Args are the command line. A Program without a slash is
	// looked up in PATH.
	Program string
	Args    []string

	// Dir is the working directory; empty means ours.
	Dir string

	// Env is the environment as key=value; nil means ours.
	Env []string

	// MaxLine is the limit of a line in bytes; 0 means DefaultMaxLine.
	MaxLine int

	// Grace and TermGrace are the patience of End: after the input's end, and
	// after SIGTERM. 0 means the default, less than 0 none at all.
	Grace, TermGrace time.Duration

	// Output receives every line the process writes. Calls for one stream come
	// one after another in order, those for the two streams concurrently. While
	// it blocks, the process's writes will block too. nil drops the lines.
	Output func(Stream, Line)
}

// A Process is one running program, the leader of a process group of its own:
// a terminal's Ctrl-C does not reach it, and what it starts ends with it.
// Its methods may be called from any goroutine.
type Process struct {
	cfg     Config
	cmd     *exec.Cmd
	feed    *feed
	stdout  *pipe
	stderr  *pipe
	exited  chan struct{} // the process has ended
	done    chan struct{} // and its output has been read to the end
	closing atomic.Bool   // its input was closed by us

	mu    sync.Mutex
	group *group // nil once the process has ended
	exit  Exit
	tail  []string
}

// Start starts a process. Its error is that of the operating system or of the
// search in PATH, as in [exec.Cmd.Start].
func Start(cfg Config) (*Process, error) {
	p := &Process{
		cfg:    cfg,
		feed:   newFeed(),
		exited: make(chan struct{}),
		done:   make(chan struct{}),
	}
	p.cmd = exec.Command(cfg.Program, cfg.Args...)
	p.cmd.Dir = cfg.Dir
	p.cmd.Env = cfg.Env
	p.cmd.SysProcAttr = groupAttr()

	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Pipes of our own and not StdoutPipe: Wait would close those while there
	// is still something in them to read.
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

	p.cmd.Wait() // its error is a bad exit status, which State tells too

	p.mu.Lock()
	// What the process started and left behind ends with it. The group's number
	// cannot have gone to somebody else: as long as the group has members, the
	// system does not give it out, and if it has none it was free for only the
	// moment since Wait.
	p.group.kill()
	p.group.release()
	p.group = nil
	p.exit.State = p.cmd.ProcessState
	p.exit.Early = !p.closing.Load() && p.exit.Forced == ""
	p.mu.Unlock()

	p.feed.stop(fmt.Errorf("the process has ended: %v", p.cmd.ProcessState))
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
}

// PID is the process's id, and on Unix that of its group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Send queues a line for the process's input; a newline is added. It never
// blocks, and keeps no hold of line. The error says that the process has ended,
// has closed its input, or that CloseInput was called; a nil error does not say
// that the process will read the line.
func (p *Process) Send(line []byte) error { return p.feed.add(line) }

// AwaitRoom blocks until fewer than n bytes are queued for the input, or the
// process no longer reads. A sender that calls it before each Send keeps the
// queue below n bytes and a line.
func (p *Process) AwaitRoom(n int) { p.feed.awaitBelow(n) }

// Queued returns how many bytes wait for the process to read them, apart from
// what the system's pipe holds.
func (p *Process) Queued() int { return p.feed.queued() }

// CloseInput closes the process's input once all that was sent is written.
func (p *Process) CloseInput() {
	p.closing.Store(true)
	p.feed.close()
}

// End ends the process: it closes its input, waits for it to end by itself,
// then asks its whole group with SIGTERM (on Windows Ctrl-Break), waits again,
// and then kills the group. It returns when the output has been read to the
// end, too.
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

// Terminate asks the process and its group to end, with SIGTERM (on Windows
// Ctrl-Break), and leaves its input open. It does not wait.
func (p *Process) Terminate() { p.signal("SIGTERM", (*group).terminate) }

// Kill kills the process and its group at once. It does not wait.
func (p *Process) Kill() { p.signal("SIGKILL", (*group).kill) }

// Pause stops the process and its group, until Resume or its end. Its error is
// errors.ErrUnsupported where CanPause is false.
func (p *Process) Pause() error { return p.inGroup((*group).pause) }

// Resume lets a paused process go on.
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
		p.group.resume() // what is held still meets no other signal than SIGKILL
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

// Done is closed when the process has ended and its last line was handed to
// Output.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for Done and says how the process ended.
func (p *Process) Wait() Exit {
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit
}

// StderrTail returns the last few lines the process wrote to stderr, the newest
// last, each cut to some hundred bytes.
func (p *Process) StderrTail() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.tail...)
}

// An Exit is how a process ended.
type Exit struct {
	// State is the operating system's word on it.
	State *os.ProcessState

	// Forced is the last signal we sent to end it: "", "SIGTERM" or "SIGKILL".
	Forced string

	// Early says that it ended on its own before its input was closed.
	Early bool
}

// Clean reports whether the process ended as it should: after its input did,
// with status 0, without being forced.
func (e Exit) Clean() bool {
	return e.Forced == "" && !e.Early && e.State.Success()
}

// String is the exit as the operating system puts it: "exit status 3",
// "signal: killed".
func (e Exit) String() string { return e.State.String() }

// A pipe is the reading end of a process's output. Once the process has ended,
// reads that stay silent for orphanGrace are taken as the end: an orphan that
// left the group may hold the other end open for ever. What is in the pipe is
// always read first.
type pipe struct {
	f        *os.File
	exited   chan struct{}
	timeouts int
}

// expire makes a read that is blocked look again. Where pipes know no
// deadlines (Windows), killing the job has closed them.
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
			// This one may be expire's, and there may be something to read.
			r.timeouts++
		default:
			return 0, io.EOF
		}
	}
}
