package eddytest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
	"github.com/eddyrpc/eddy/internal/virtual"
)

// A bubble runs a trial whose nodes are programs in this process, in the virtual time of a
// bubble of [synctest]. Time passes when all goroutines are blocked.
type bubble struct {
	cfg     *trial.Config
	program func(*Process) error
	dirs    []directory
	wrote   chan struct{} // receives a value when there is output
	heard   bool          // it has received one, and the output is not taken yet
	steps   *atomic.Int64 // counts what the nodes do, for the watchdog
}

// newBubble returns a bubble. root returns the directory of the test.
func newBubble(cfg *trial.Config, program func(*Process) error, root func() string, steps *atomic.Int64) *bubble {
	b := &bubble{cfg: cfg, program: program, wrote: make(chan struct{}, 1), steps: steps}
	for _, name := range cfg.Nodes {
		b.dirs = append(b.dirs, directory{root: root, name: name})
	}
	return b
}

// run runs the trial and returns its result. At the end all nodes have ended, unless they
// left goroutines behind.
func (b *bubble) run() (*trial.Result, error) {
	start := time.Now()
	nodes, test := virtual.New(b.cfg, b)
	defer nodes.KillAll() // also if the workload panics
	nodes.OnStep = func() { b.steps.Add(1) }
	test.Begin(0)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next := nodes.Advance(time.Since(start))
		if test.Done() {
			break
		}
		timer.Reset(max(0, next-time.Since(start)))
		select {
		case <-b.wrote: // by a goroutine that has slept
			b.heard = true
		case <-timer.C:
		}
	}
	nodes.KillAll()
	return test.Result(time.Since(start))
}

// Start implements [virtual.Programs].
func (b *bubble) Start(node, incarnation int, wipe bool) virtual.Process {
	dir := &b.dirs[node]
	if wipe {
		dir.wipe()
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &pipes{random: b.random(node, incarnation), cancel: cancel, wrote: b.wrote, dir: dir.get}
	p.changed.L = &p.mu
	process := &Process{Context: ctx, pipes: p}
	process.Stdin, process.Stdout = process, process
	go func() {
		var err error
		defer func() {
			panicked := ""
			if v := recover(); v != nil {
				panicked = fmt.Sprintf("%v\n%s", v, debug.Stack())
			}
			p.finish(err, panicked)
		}()
		err = b.program(process)
	}()
	return p
}

// random returns the number of an incarnation, which follows from the seed.
func (b *bubble) random(node, incarnation int) uint64 {
	return rand.New(rand.NewPCG(b.cfg.Network.Seed, uint64(node)<<32|uint64(incarnation))).Uint64()
}

// Rest implements [virtual.Programs]. It lets the least time pass. So timers that a node has
// started because of two messages are never due at the same moment, at which their order would
// be random.
func (b *bubble) Rest(time.Duration) bool {
	time.Sleep(time.Nanosecond) // time passes when all wait
	synctest.Wait()             // for those that were woken at the same moment
	heard := b.heard
	b.heard = false
	select {
	case <-b.wrote:
		heard = true
	default:
	}
	return heard
}
