// Package virtual lets the nodes of a trial take turns in virtual time, so that the same seed
// gives the same run: one line is delivered, then all nodes run until they wait, then what
// they have written is taken in the order of the nodes, and the next line is delivered. It
// does not know what nodes are: goroutines or WebAssembly programs.
package virtual

import (
	"bytes"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
)

// Programs start processes.
type Programs interface {
	// Start returns a node's next incarnation, counted from 1, which runs in the next Rest.
	// With wipe it empties the node's directory first.
	Start(node, incarnation int, wipe bool) Process
	// Rest lets all processes run until they wait for input or for a later time. It returns
	// false if none of them can have written something since the last call, or ended.
	Rest(now time.Duration) bool
}

// A Process is one incarnation of a node.
type Process interface {
	// Send adds a line to the input.
	Send(line []byte)
	// EndInput ends the input.
	EndInput()
	// Pause stops the process, or lets it go on. One that cannot be stopped gets no input
	// meanwhile, and its output waits.
	Pause(paused bool)
	// Terminate asks the process to end.
	Terminate()
	// Kill ends it. What it writes from then on is lost.
	Kill()
	// Output returns what it has written since the last call: whole lines, and also the rest
	// if it has ended.
	Output() []byte
	// Ended reports whether it has ended by itself, and how.
	Ended() (trial.Exit, bool)
}

// Nodes are the nodes of a trial. They are its [trial.Processes].
type Nodes struct {
	cfg      *trial.Config
	programs Programs
	trial    *trial.Trial
	now      time.Duration
	nodes    []node
	told     []func()      // what happened to nodes, for the trial
	stirred  bool          // a node may have something to do
	resumed  bool          // a node that was paused may have written something before
	ending   time.Duration // when the nodes were told to end, or -1
	forced   string        // the last signal that processes would have got since

	// OnStep, unless nil, is called before the nodes run.
	OnStep func()
}

type node struct {
	process     Process // of the latest incarnation; nil before the first
	incarnation int
	lines       int64 // written by the incarnation
	exited      bool  // the trial was told
	paused      bool
	held        [][]byte // lines that came while it was paused
}

// New returns the nodes of a trial, and the trial.
func New(cfg *trial.Config, programs Programs) (*Nodes, *trial.Trial) {
	n := &Nodes{cfg: cfg, programs: programs, nodes: make([]node, len(cfg.Nodes)), ending: -1}
	n.trial = trial.New(cfg, n)
	return n, n.trial
}

// Advance does everything that is due at a time, and returns when it must be called again.
// Nodes may have something to do before.
func (n *Nodes) Advance(now time.Duration) time.Duration {
	n.now = now
	n.stirred = true
	n.settle()
	for n.trial.Step(now) {
		n.settle()
	}
	n.forceEnd()
	n.settle()
	return min(n.trial.Next(), n.nextForce())
}

// settle lets the nodes run until all of them wait, and gives the trial what they have done.
func (n *Nodes) settle() {
	for n.stirred || len(n.told) > 0 || n.release() {
		n.stirred = false
		if n.OnStep != nil {
			n.OnStep()
		}
		if n.programs.Rest(n.now) || n.resumed {
			n.resumed = false
			for i := range n.nodes {
				n.take(i)
			}
		}
		for len(n.told) > 0 {
			tell := n.told[0]
			n.told = n.told[1:]
			tell()
		}
	}
}

// release gives a node that was paused the next line that it has missed. It returns false
// if there is none. The lines come one by one, as all others.
func (n *Nodes) release() bool {
	for i := range n.nodes {
		if at := &n.nodes[i]; !at.paused && len(at.held) > 0 {
			at.process.Send(at.held[0])
			at.held = at.held[1:]
			n.stirred = true
			return true
		}
	}
	return false
}

// take gives the trial what a node has written, and that it has ended.
func (n *Nodes) take(i int) {
	at := &n.nodes[i]
	if at.process == nil || at.exited || at.paused {
		return
	}
	exit, ended := at.process.Ended()
	for line := range bytes.Lines(at.process.Output()) {
		text, whole := bytes.CutSuffix(line, []byte("\n"))
		at.lines++
		n.trial.Wrote(n.now, i, &trial.Line{Incarnation: at.incarnation, Number: at.lines, Text: text, Size: int64(len(text)), Incomplete: !whole})
	}
	if ended {
		exit.Forced = n.forced
		n.exited(i, exit)
	}
}

func (n *Nodes) exited(i int, exit trial.Exit) {
	n.nodes[i].exited = true
	n.told = append(n.told, func() { n.trial.Exited(n.now, i, exit) })
}

// nextForce returns when forceEnd has something to do.
func (n *Nodes) nextForce() time.Duration {
	const never = 1<<63 - 1
	switch {
	case n.ending < 0 || n.forced == "SIGKILL":
		return never
	case n.forced == "":
		return n.ending + n.cfg.EndGrace()
	default:
		return n.ending + n.cfg.EndGrace() + trial.TermGrace
	}
}

// forceEnd ends nodes that do not end by themselves after the end of their input.
func (n *Nodes) forceEnd() {
	if n.now < n.nextForce() {
		return
	}
	n.stirred = true
	if n.forced == "" {
		n.forced = "SIGTERM"
		for i := range n.nodes {
			if at := &n.nodes[i]; at.process != nil && !at.exited {
				at.process.Terminate()
			}
		}
		return
	}
	n.forced = "SIGKILL"
	for i := range n.nodes {
		n.Kill(i)
	}
}

// KillAll kills all nodes that still run.
func (n *Nodes) KillAll() {
	for i := range n.nodes {
		if p := n.nodes[i].process; p != nil {
			p.Kill()
		}
	}
}

// Start implements [trial.Processes].
func (n *Nodes) Start(i int, wipe bool) int {
	at := &n.nodes[i]
	at.incarnation++
	at.lines, at.exited = 0, false
	at.process = n.programs.Start(i, at.incarnation, wipe)
	incarnation := at.incarnation
	n.told = append(n.told, func() { n.trial.Started(n.now, i, incarnation, nil) })
	return incarnation
}

// Send implements [trial.Processes].
func (n *Nodes) Send(i int, line []byte) bool {
	at := &n.nodes[i]
	switch {
	case at.process == nil || at.exited:
		return false
	case at.paused || len(at.held) > 0:
		at.held = append(at.held, bytes.Clone(line))
	default:
		at.process.Send(line)
		n.stirred = true
	}
	return true
}

// Queued implements [trial.Processes].
func (n *Nodes) Queued(int) int { return 0 }

// Pause implements [trial.Processes].
func (n *Nodes) Pause(i int) { n.setPaused(i, true) }

// Resume implements [trial.Processes].
func (n *Nodes) Resume(i int) { n.setPaused(i, false) }

func (n *Nodes) setPaused(i int, paused bool) {
	at := &n.nodes[i]
	at.paused, n.stirred, n.resumed = paused, true, true
	if at.process != nil {
		at.process.Pause(paused)
	}
}

// Kill implements [trial.Processes].
func (n *Nodes) Kill(i int) {
	at := &n.nodes[i]
	if at.process == nil || at.exited {
		return
	}
	at.paused, at.held, n.stirred = false, nil, true
	at.process.Kill()
	n.exited(i, trial.Exit{State: "killed", Forced: n.forced})
}

// End implements [trial.Processes].
func (n *Nodes) End() {
	n.ending = n.now
	for i := range n.nodes {
		at := &n.nodes[i]
		if at.process == nil || at.exited {
			continue
		}
		n.setPaused(i, false)
		for _, line := range at.held {
			at.process.Send(line)
		}
		at.held = nil
		at.process.EndInput()
	}
	n.stirred = true
}
