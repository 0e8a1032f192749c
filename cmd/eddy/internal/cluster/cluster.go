package cluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultQueueLimit is the limit of the bytes queued for a node that does not read.
const DefaultQueueLimit = 16 << 20

// Options say how to run a cluster.
type Options struct {
	// Program and Args are every node's command line.
	Program string
	Args    []string

	// Nodes are the nodes' names.
	Nodes []string

	// Dirs is where each node gets a working directory of its name. Logs is
	// where each node gets a file with what it wrote to stderr. Both must exist.
	Dirs, Logs string

	// MaxLine is the limit of a line in bytes. 0 means DefaultMaxLine.
	MaxLine int

	// QueueLimit bounds the bytes that are queued for one node. 0 means
	// DefaultQueueLimit.
	QueueLimit int

	// Grace and TermGrace are as in Config.
	Grace, TermGrace time.Duration

	// Stderr, unless nil, is called with every line that a node writes to stderr.
	// Calls for one node come one after another.
	Stderr func(node string, line []byte)
}

// A Cluster is a set of nodes. Each node is one process at a time and has its own
// working directory. The methods must be called from one goroutine. Events report
// what happens to the nodes.
type Cluster struct {
	opts  Options
	nodes []*node
	inbox *inbox
}

// A node runs one process after another, its incarnations.
type node struct {
	name string
	dir  string
	log  *stderrLog

	mu          sync.Mutex
	process     *Process // the latest; nil before the first incarnation
	incarnation int
	ended       bool // no further incarnation may begin
}

// New returns a cluster whose nodes are not started.
func New(opts Options) (*Cluster, error) {
	if opts.QueueLimit <= 0 {
		opts.QueueLimit = DefaultQueueLimit
	}
	program, args, err := absolutePaths(opts.Program, opts.Args)
	if err != nil {
		return nil, err
	}
	opts.Program, opts.Args = program, args
	c := &Cluster{opts: opts, inbox: newInbox()}
	for _, name := range opts.Nodes {
		dir := filepath.Join(opts.Dirs, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			c.closeLogs()
			return nil, err
		}
		log, err := openStderrLog(filepath.Join(opts.Logs, name+".log"))
		if err != nil {
			c.closeLogs()
			return nil, err
		}
		c.nodes = append(c.nodes, &node{name: name, dir: dir, log: log})
	}
	return c, nil
}

// Start starts a node's next incarnation and returns its number, from 1. With wipe
// it empties the node's directory first. It does not wait: a Started event reports
// the result. The previous incarnation must have exited.
func (c *Cluster) Start(i int, wipe bool) (incarnation int) {
	n := c.nodes[i]
	n.mu.Lock()
	n.incarnation++
	incarnation = n.incarnation
	n.mu.Unlock()
	go func() {
		err := c.start(i, incarnation, wipe)
		c.inbox.put(Event{Kind: Started, Node: i, Incarnation: incarnation, At: time.Now(), Err: err})
	}()
	return incarnation
}

func (c *Cluster) start(i, incarnation int, wipe bool) error {
	n := c.nodes[i]
	if wipe {
		if err := os.RemoveAll(n.dir); err != nil {
			return err
		}
		if err := os.MkdirAll(n.dir, 0o755); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return os.ErrProcessDone
	}
	p, err := Start(Config{
		Program:   c.opts.Program,
		Args:      c.opts.Args,
		Dir:       n.dir,
		MaxLine:   c.opts.MaxLine,
		Grace:     c.opts.Grace,
		TermGrace: c.opts.TermGrace,
		Output: func(stream Stream, line Line) {
			if stream == Stdout {
				c.inbox.put(Event{Kind: Wrote, Node: i, Incarnation: incarnation, At: time.Now(), Line: line})
				return
			}
			n.log.write(line.Text)
			if c.opts.Stderr != nil {
				c.opts.Stderr(n.name, line.Text)
			}
		},
	})
	if err != nil {
		return err
	}
	n.process = p
	go func() {
		exit := p.Wait()
		c.inbox.put(Event{Kind: Exited, Node: i, Incarnation: incarnation, At: time.Now(), Exit: exit})
	}()
	return nil
}

// Ready receives a value when Events may return events.
func (c *Cluster) Ready() <-chan struct{} { return c.inbox.ready }

// Events returns the events since the last call. old is the slice that the last
// call returned; Events reuses it.
func (c *Cluster) Events(old []Event) []Event { return c.inbox.take(old) }

// running returns a node's latest process, or nil.
func (c *Cluster) running(i int) *Process {
	n := c.nodes[i]
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process
}

// Send queues a line for a node's input. It returns false and drops the line if the
// node does not run, or if more than QueueLimit bytes would be queued.
func (c *Cluster) Send(i int, line []byte) bool {
	p := c.running(i)
	if p == nil || p.Queued()+len(line) > c.opts.QueueLimit {
		return false
	}
	return p.Send(line) == nil
}

// Queued returns how many bytes are queued for a node.
func (c *Cluster) Queued(i int) int {
	if p := c.running(i); p != nil {
		return p.Queued()
	}
	return 0
}

// Pause pauses a node's process until Resume.
func (c *Cluster) Pause(i int) error { return c.with(i, (*Process).Pause) }

// Resume resumes a paused process.
func (c *Cluster) Resume(i int) error { return c.with(i, (*Process).Resume) }

// Kill kills a node's process and the processes that it has started. The Exited
// event comes after the process's output has been read.
func (c *Cluster) Kill(i int) error {
	return c.with(i, func(p *Process) error { p.Kill(); return nil })
}

func (c *Cluster) with(i int, do func(*Process) error) error {
	if p := c.running(i); p != nil {
		return do(p)
	}
	return os.ErrProcessDone
}

// StderrTail returns the last lines that a node's latest process wrote to stderr.
func (c *Cluster) StderrTail(i int) []string {
	if p := c.running(i); p != nil {
		return p.StderrTail()
	}
	return nil
}

// MissingLog returns how many bytes of what a node wrote to stderr could not be written to
// its file, and why.
func (c *Cluster) MissingLog(i int) (bytes int, why error) { return c.nodes[i].log.missing() }

// End ends all nodes at the same time, as Process.End does. No further incarnation
// can begin. It does not wait: Exited events report the ends.
func (c *Cluster) End() {
	for _, p := range c.endIncarnations() {
		p.Resume()
		go p.End()
	}
}

// KillAll kills all nodes and waits until they have exited. Events must not be
// called afterwards.
func (c *Cluster) KillAll() {
	processes := c.endIncarnations()
	c.inbox.close()
	for _, p := range processes {
		p.Kill()
	}
	for _, p := range processes {
		p.Wait()
	}
	c.closeLogs()
}

// endIncarnations forbids further incarnations and returns the processes.
func (c *Cluster) endIncarnations() (processes []*Process) {
	for _, n := range c.nodes {
		n.mu.Lock()
		n.ended = true
		if n.process != nil {
			processes = append(processes, n.process)
		}
		n.mu.Unlock()
	}
	return processes
}

func (c *Cluster) closeLogs() {
	for _, n := range c.nodes {
		n.log.close()
	}
}

// absolutePaths converts a command line for a process that runs in another
// directory: it makes relative paths of files absolute. An argument is a path if it
// contains a slash or a dot and a file of this name exists.
func absolutePaths(program string, args []string) (string, []string, error) {
	program, err := find(program)
	if err != nil {
		return "", nil, err
	}
	var absolute []string
	for _, arg := range args {
		if filepath.IsLocal(arg) && bytes.ContainsAny([]byte(arg), `./\`) {
			if info, err := os.Stat(arg); err == nil && info.Mode().IsRegular() {
				if arg, err = filepath.Abs(arg); err != nil {
					return "", nil, fmt.Errorf("find %s: %w", arg, err)
				}
			}
		}
		absolute = append(absolute, arg)
	}
	return program, absolute, nil
}
