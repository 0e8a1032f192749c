// Package trialtest runs trials of nodes that are Go functions, in virtual time, so that
// the same configuration gives the same run.
package trialtest

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/eventqueue"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/trial"
)

// A Program begins an incarnation of a node. It returns the function that receives the
// messages after init.
type Program func(*Host) func(*message.Message)

// A Host is what an incarnation of a node runs on.
type Host struct {
	Name        string
	Nodes       []string
	Incarnation int
	Disk        map[string]any // outlives the incarnation

	cluster *cluster
	process *process
	receive func(*message.Message)
	paused  bool
	delayed []func() // until the end of the pause
	lines   int64
}

// Send sends a message without ids. The body is formatted as by fmt.Sprintf.
func (h *Host) Send(dest, body string, args ...any) {
	h.write(dest, fmt.Appendf(nil, body, args...))
}

// Reply replies to a request.
func (h *Host) Reply(m *message.Message, body string, args ...any) {
	h.write(m.Src, message.With(fmt.Appendf(nil, body, args...), "in_reply_to", message.Int(m.ID)))
}

// After calls f after some time, unless the node is killed before.
func (h *Host) After(wait time.Duration, f func()) {
	h.cluster.after(wait, func() { h.do(f) })
}

func (h *Host) write(dest string, body []byte) {
	h.lines++
	text := message.Append(nil, h.Name, dest, body)
	line := &trial.Line{Incarnation: h.Incarnation, Number: h.lines, Text: text, Size: int64(len(text))}
	h.cluster.after(0, func() { h.cluster.trial.Wrote(h.cluster.now, h.process.index, line) })
}

// do calls f, at the end of a pause if there is one, unless the node is killed before.
func (h *Host) do(f func()) {
	switch {
	case h.process.host != h:
	case h.paused:
		h.delayed = append(h.delayed, f)
	default:
		f()
	}
}

// read reads a line of input.
func (h *Host) read(line []byte) {
	m, err := message.Parse(line)
	if err != nil {
		panic(err) // the trial has written it
	}
	if m.Type == "init" {
		h.receive = h.cluster.program(h)
		h.Reply(&m, `{"type":"init_ok"}`)
		return
	}
	h.receive(&m)
}

// A process is the place of one node's incarnations.
type process struct {
	index       int
	incarnation int
	host        *Host // nil while there is no process
	disk        map[string]any
}

// A cluster is the processes of a trial, and its clock.
type cluster struct {
	cfg       *trial.Config
	program   Program
	trial     *trial.Trial
	now       time.Duration
	events    eventqueue.Queue[func()]
	count     uint64 // events that were ever queued
	processes []*process
}

// Run runs a trial of a program.
func Run(cfg *trial.Config, program Program) (*trial.Result, error) {
	virtual := *cfg
	virtual.Virtual = true
	c := &cluster{cfg: &virtual, program: program}
	for i := range cfg.Nodes {
		c.processes = append(c.processes, &process{index: i, disk: map[string]any{}})
	}
	c.trial = trial.New(c.cfg, c)
	c.trial.Begin(0)
	for !c.trial.Done() {
		if c.runDue() || c.trial.Step(c.now) {
			continue
		}
		next := c.trial.Next()
		if at, ok := c.events.Next(); ok {
			next = min(next, at)
		}
		c.now = max(c.now, next)
	}
	return c.trial.Result(c.now)
}

// after calls f after some time.
func (c *cluster) after(wait time.Duration, f func()) {
	c.count++
	c.events.Push(c.now+wait, c.count, f)
}

// runDue calls the next function whose time has come. It returns false if there is none.
func (c *cluster) runDue() bool {
	if at, ok := c.events.Next(); !ok || at > c.now {
		return false
	}
	_, f := c.events.Pop()
	f()
	return true
}

func (c *cluster) Start(node int, wipe bool) (incarnation int) {
	p := c.processes[node]
	if wipe {
		p.disk = map[string]any{}
	}
	p.incarnation++
	p.host = &Host{Name: c.cfg.Nodes[node], Nodes: c.cfg.Nodes, Incarnation: p.incarnation, Disk: p.disk, cluster: c, process: p}
	number := p.incarnation
	c.after(0, func() { c.trial.Started(c.now, node, number, nil) })
	return number
}

func (c *cluster) Send(node int, line []byte) bool {
	h := c.processes[node].host
	if h == nil {
		return false
	}
	line = append([]byte(nil), line...)
	c.after(0, func() { h.do(func() { h.read(line) }) })
	return true
}

func (c *cluster) Queued(int) int { return 0 }

func (c *cluster) Pause(node int) {
	if h := c.processes[node].host; h != nil {
		h.paused = true
	}
}

func (c *cluster) Resume(node int) {
	h := c.processes[node].host
	if h == nil {
		return
	}
	delayed := h.delayed
	h.paused, h.delayed = false, nil
	for _, f := range delayed {
		c.after(0, func() { h.do(f) })
	}
}

func (c *cluster) Kill(node int) { c.exit(node, trial.Exit{State: "signal: killed"}) }

func (c *cluster) End() {
	for i := range c.processes {
		c.exit(i, trial.Exit{State: "exit status 0", OK: true})
	}
}

func (c *cluster) exit(node int, exit trial.Exit) {
	p := c.processes[node]
	if p.host == nil {
		return
	}
	p.host = nil
	c.after(0, func() { c.trial.Exited(c.now, node, exit) })
}
