package cluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultRoom is how many bytes may wait for a node that does not read.
const DefaultRoom = 16 << 20

// Options is how to run a cluster.
type Options struct {
	// Program and Args are every node's command line.
	Program string
	Args    []string

	// Nodes are the nodes' names.
	Nodes []string

	// Dirs gets a working directory for each node, of the node's name. Logs
	// gets a file for each node with what it wrote to stderr. Both exist.
	Dirs, Logs string

	// MaxLine is the limit of a line in bytes; 0 means DefaultMaxLine.
	MaxLine int

	// Room bounds the bytes that wait for one node; 0 means DefaultRoom.
	Room int

	// Grace and TermGrace are as in Config.
	Grace, TermGrace time.Duration

	// Stderr, unless nil, gets every line that a node writes to stderr, for one
	// node one after another.
	Stderr func(node string, line []byte)
}

// A Cluster is a number of nodes side by side, each a process at a time, each
// with a working directory of its own. Its methods are for one goroutine; what
// happens to the nodes comes as events.
type Cluster struct {
	opts  Options
	nodes []*node
	inbox *inbox
}

// A node is a place for one process after another.
type node struct {
	name string
	dir  string
	log  *stderrLog

	mu      sync.Mutex
	process *Process // nil before the first life and between two
	life    int
	ended   bool // no life shall begin any more
}

// New makes a cluster whose nodes are not started.
func New(opts Options) (*Cluster, error) {
	if opts.Room <= 0 {
		opts.Room = DefaultRoom
	}
	program, args, err := fromHere(opts.Program, opts.Args)
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

// Start begins a node's next life, in its directory as it is or, with wipe, in
// an empty one. It does not wait: a Started event tells whether it worked. The
// life before must be over.
func (c *Cluster) Start(i int, wipe bool) (life int) {
	n := c.nodes[i]
	n.mu.Lock()
	n.life++
	life = n.life
	n.mu.Unlock()
	go func() {
		err := c.start(i, life, wipe)
		c.inbox.put(Event{Kind: Started, Node: i, Life: life, At: time.Now(), Err: err})
	}()
	return life
}

func (c *Cluster) start(i, life int, wipe bool) error {
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
				c.inbox.put(Event{Kind: Wrote, Node: i, Life: life, At: time.Now(), Line: line})
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
		c.inbox.put(Event{Kind: Exited, Node: i, Life: life, At: time.Now(), Exit: exit})
	}()
	return nil
}

// Ready receives when events may wait.
func (c *Cluster) Ready() <-chan struct{} { return c.inbox.ready }

// Events returns the events since it was last called. It takes the slice that
// it returned then, to use it again.
func (c *Cluster) Events(old []Event) []Event { return c.inbox.take(old) }

// running returns a node's process, or nil.
func (c *Cluster) running(i int) *Process {
	n := c.nodes[i]
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process
}

// Send gives a node a line. It reports false, and the line is dropped, if the
// node does not run, or reads so slowly that more than Room bytes wait for it.
func (c *Cluster) Send(i int, line []byte) bool {
	p := c.running(i)
	if p == nil || p.Queued()+len(line) > c.opts.Room {
		return false
	}
	return p.Send(line) == nil
}

// Queued returns how many bytes wait for a node to read them.
func (c *Cluster) Queued(i int) int {
	if p := c.running(i); p != nil {
		return p.Queued()
	}
	return 0
}

// Pause stops a node's process until Resume.
func (c *Cluster) Pause(i int) error { return c.with(i, (*Process).Pause) }

// Resume lets it go on.
func (c *Cluster) Resume(i int) error { return c.with(i, (*Process).Resume) }

// Kill kills a node's process, with all that it has started. Its Exited event
// comes when what it wrote before was read.
func (c *Cluster) Kill(i int) error {
	return c.with(i, func(p *Process) error { p.Kill(); return nil })
}

func (c *Cluster) with(i int, do func(*Process) error) error {
	if p := c.running(i); p != nil {
		return do(p)
	}
	return os.ErrProcessDone
}

// StderrTail returns the last few lines that a node's latest process wrote to
// stderr.
func (c *Cluster) StderrTail(i int) []string {
	if p := c.running(i); p != nil {
		return p.StderrTail()
	}
	return nil
}

// End ends all nodes, as Process.End does, side by side; no new life begins. It
// does not wait: the Exited events tell.
func (c *Cluster) End() {
	for _, p := range c.endLives() {
		p.Resume()
		go p.End()
	}
}

// KillAll kills all nodes at once and waits until nothing is left of them.
// Nothing takes events any more.
func (c *Cluster) KillAll() {
	processes := c.endLives()
	c.inbox.close()
	for _, p := range processes {
		p.Kill()
	}
	for _, p := range processes {
		p.Wait()
	}
	c.closeLogs()
}

func (c *Cluster) endLives() (processes []*Process) {
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

// fromHere is a command line for a process that runs in another directory: a
// program or an argument that names a file by a relative path names it by an
// absolute one. An argument is taken for a path if it has a slash or a dot and
// a file of that name is there.
func fromHere(program string, args []string) (string, []string, error) {
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
