package eddytest

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
)

// A bubble runs a trial whose nodes are programs in this process, in the virtual time of a
// bubble of [synctest]. The nodes take turns: the bubble delivers one message, waits until
// all goroutines are blocked, takes what the nodes have written in the order of the nodes,
// and goes on. Time passes when there is nothing left to do.
type bubble struct {
	cfg     *trial.Config
	program func(*Process) error
	trial   *trial.Trial
	start   time.Time
	nodes   []*resident
	told    []func()      // what happened to nodes, for the trial
	wrote   chan struct{} // receives a value when there is output
	sent    bool          // a node got input since all were quiet
	ending  time.Duration // when the nodes were told to end, or -1
	forced  string        // the last signal that would have been sent to processes since
	steps   *atomic.Int64 // counts what the bubble does, for the watchdog
}

// A resident is a node in a bubble.
type resident struct {
	*pipes      // of the latest incarnation; nil before the first
	dir         *directory
	incarnation int
	lines       int64 // written by the incarnation
	exited      bool  // the trial was told
	paused      bool
	held        [][]byte // lines that came while it was paused
}

// run runs the trial and returns its result. At the end all nodes have ended, unless they
// left goroutines behind.
func (b *bubble) run() (*trial.Result, error) {
	b.start, b.ending = time.Now(), -1
	b.wrote = make(chan struct{}, 1)
	b.trial = trial.New(b.cfg, b)
	b.trial.Begin(0)
	b.sent = true
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !b.trial.Done() {
		b.settle()
		for b.trial.Step(b.now()) {
			b.settle()
		}
		if b.trial.Done() {
			break
		}
		b.forceEnd()
		timer.Reset(max(0, b.next()-b.now()))
		select {
		case <-b.wrote:
		case <-timer.C:
		}
		b.sent = true
	}
	for _, n := range b.nodes {
		if n.pipes != nil {
			n.kill()
		}
	}
	return b.trial.Result(b.now())
}

func (b *bubble) now() time.Duration { return time.Since(b.start) }

// settle waits until all goroutines of the nodes are blocked, and gives the trial what
// they have done.
func (b *bubble) settle() {
	for b.sent || len(b.told) > 0 || b.release() {
		b.steps.Add(1)
		b.sent = false
		synctest.Wait()
		for i, n := range b.nodes {
			b.takeFrom(i, n)
		}
		for len(b.told) > 0 {
			tell := b.told[0]
			b.told = b.told[1:]
			tell()
		}
	}
}

// release gives a node that was paused the next line that it has missed. It returns false
// if there is none. The lines come one by one, so that each run is the same.
func (b *bubble) release() bool {
	for _, n := range b.nodes {
		if !n.paused && len(n.held) > 0 {
			n.send(n.held[0])
			n.held = n.held[1:]
			b.sent = true
			return true
		}
	}
	return false
}

// takeFrom gives the trial what a node has written, and that it has ended.
func (b *bubble) takeFrom(i int, n *resident) {
	if n.pipes == nil || n.exited || n.paused {
		return
	}
	err, done := n.finished()
	for line := range bytes.Lines(n.take(done)) {
		text, whole := bytes.CutSuffix(line, []byte("\n"))
		n.lines++
		b.trial.Wrote(b.now(), i, &trial.Line{Incarnation: n.incarnation, Number: n.lines, Text: text, Size: int64(len(text)), Incomplete: !whole})
	}
	if done {
		exit := trial.Exit{State: "its program returned", OK: err == nil, Forced: b.forced}
		if err != nil {
			exit.State += " the error: " + err.Error()
		}
		b.exited(i, n, exit)
	}
}

func (b *bubble) exited(i int, n *resident, exit trial.Exit) {
	n.exited = true
	b.told = append(b.told, func() { b.trial.Exited(b.now(), i, exit) })
}

// next returns when the bubble has something to do.
func (b *bubble) next() time.Duration {
	switch due := b.trial.Next(); {
	case b.ending < 0 || b.forced == "SIGKILL":
		return due
	case b.forced == "":
		return min(due, b.ending+b.cfg.EndGrace())
	default:
		return min(due, b.ending+b.cfg.EndGrace()+trial.TermGrace)
	}
}

// forceEnd ends nodes that do not end by themselves after the end of their input.
func (b *bubble) forceEnd() {
	after := b.now() - b.ending
	switch {
	case b.ending < 0:
	case b.forced == "" && after >= b.cfg.EndGrace():
		b.forced = "SIGTERM"
		for _, n := range b.nodes {
			n.cancel()
		}
	case b.forced == "SIGTERM" && after >= b.cfg.EndGrace()+trial.TermGrace:
		b.forced = "SIGKILL"
		for i := range b.nodes {
			b.Kill(i)
		}
	}
}

// Start implements [trial.Processes].
func (b *bubble) Start(node int, wipe bool) int {
	n := b.nodes[node]
	if wipe {
		n.dir.wipe()
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.incarnation++
	n.lines, n.exited = 0, false
	p := &pipes{random: b.random(node, n.incarnation), cancel: cancel, wrote: b.wrote, dir: n.dir.get}
	p.changed.L = &p.mu
	n.pipes = p
	incarnation := n.incarnation
	b.told = append(b.told, func() {
		b.trial.Started(b.now(), node, incarnation, nil)
		go func() {
			var err error
			defer func() { p.finish(err) }()
			process := &Process{Context: ctx, pipes: p}
			process.Stdin, process.Stdout = process, process
			err = b.program(process)
		}()
	})
	return incarnation
}

// random returns the number of an incarnation, which follows from the seed.
func (b *bubble) random(node, incarnation int) uint64 {
	return rand.New(rand.NewPCG(b.cfg.Network.Seed, uint64(node)<<32|uint64(incarnation))).Uint64()
}

// Send implements [trial.Processes].
func (b *bubble) Send(node int, line []byte) bool {
	n := b.nodes[node]
	if n.pipes == nil || n.exited {
		return false
	}
	if n.paused || len(n.held) > 0 {
		n.held = append(n.held, bytes.Clone(line))
		return true
	}
	n.send(line)
	b.sent = true
	return true
}

// Queued implements [trial.Processes].
func (b *bubble) Queued(int) int { return 0 }

// Pause implements [trial.Processes]. The node gets no input, and its output waits. Its
// timers go on: a goroutine cannot be stopped.
func (b *bubble) Pause(node int) { b.setPaused(node, true) }

// Resume implements [trial.Processes].
func (b *bubble) Resume(node int) { b.setPaused(node, false) }

func (b *bubble) setPaused(node int, paused bool) {
	b.nodes[node].paused = paused
	b.sent = true
}

// Kill implements [trial.Processes].
func (b *bubble) Kill(node int) {
	n := b.nodes[node]
	if n.pipes == nil || n.exited {
		return
	}
	n.paused, n.held = false, nil
	n.kill()
	b.exited(node, n, trial.Exit{State: "killed", Forced: b.forced})
	b.sent = true
}

// End implements [trial.Processes].
func (b *bubble) End() {
	b.ending = b.now()
	for _, n := range b.nodes {
		if n.pipes != nil {
			n.paused = false
			for _, line := range n.held {
				n.send(line)
			}
			n.held = nil
			n.endInput()
		}
	}
	b.sent = true
}

// nodeDirs returns the nodes of a test whose directories are below a root.
func nodeDirs(names []string, root func() string) (nodes []*resident) {
	for i, name := range names {
		nodes = append(nodes, &resident{dir: &directory{root: root, name: strconv.Itoa(i) + "-" + name}})
	}
	return nodes
}
