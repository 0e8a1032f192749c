package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/sys"
)

// Epoch is the time that a program reads from its wall clock at virtual time 0. It is the one
// of testing/synctest.
var Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// uptime is what a program reads from its monotonic clock at virtual time 0. Go does not accept
// a monotonic clock that says 0.
const uptime = time.Second

// A Config says how a process is started.
type Config struct {
	Args []string // Args[0] is the name of the program
	Env  []string // entries of the form key=value

	// Disk holds the program's files, as its directory "/". A nil Disk means that it has none.
	// Only one process at a time may use a Disk.
	Disk *Disk

	// Seed decides what the program gets when it asks for random bytes. Different nodes and
	// incarnations should have different seeds.
	Seed uint64

	// MaxStep limits the real time of one Run, so that a program that never blocks ends with an
	// error. The default is 10 s.
	MaxStep time.Duration
}

// A Process is one run of a Program. Its methods must not be called at the same time.
type Process struct {
	config  Config
	program *Program

	resume func() (struct{}, bool) // lets the program go on until it blocks or ends
	stop   func()                  // makes it end where it is blocked
	yield  func(struct{}) bool     // blocks, called by the program's goroutine
	cancel context.CancelCauseFunc // ends a program that computes

	now         time.Duration
	waits       wait
	in          input
	out         output // standard output
	errs        output // standard error
	written     int    // bytes written to both in this step
	descriptors []*descriptor

	ended  bool
	code   int
	reason error
}

// killed is the panic that ends a program that is blocked.
type killed struct{}

// Start makes a process. It runs nothing of the program; the first Run does.
func (p *Program) Start(c Config) *Process {
	if c.MaxStep == 0 {
		c.MaxStep = 10 * time.Second
	}
	process := &Process{config: c, program: p, waits: wait{timed: true}}
	process.openStandard()
	process.resume, process.stop = iter.Pull(process.main)
	return process
}

// main is the goroutine of the program. iter.Pull makes sure that it never runs at the same
// time as the caller of Run.
func (p *Process) main(yield func(struct{}) bool) {
	p.yield = yield
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	p.cancel = cancel
	ctx = context.WithValue(ctx, processKey{}, p)
	err := p.runStart(ctx)
	p.closeFiles()
	p.in = input{closed: true}
	p.ended = true
	p.code, p.reason = outcome(err, context.Cause(ctx))
}

// runStart runs the program.
func (p *Process) runStart(ctx context.Context) error {
	module, err := p.program.runtime.InstantiateModule(ctx, p.program.compiled, p.moduleConfig())
	if err != nil {
		return err
	}
	defer module.Close(context.WithoutCancel(ctx))
	_, err = module.ExportedFunction("_start").Call(ctx)
	return err
}

func (p *Process) moduleConfig() wazero.ModuleConfig {
	var key [32]byte
	little.PutUint64(key[:], p.config.Seed)
	copy(key[8:], "random bytes of a process")
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions().
		WithArgs(p.config.Args...).
		WithRandSource(rand.NewChaCha8(key)).
		WithNanotime(func() int64 { return int64(uptime + p.now) }, 1).
		WithWalltime(func() (int64, int32) {
			t := Epoch.Add(p.now)
			return t.Unix(), int32(t.Nanosecond())
		}, 1)
	for _, entry := range p.config.Env {
		key, value, _ := bytes.Cut([]byte(entry), []byte("="))
		config = config.WithEnv(string(key), string(value))
	}
	return config
}

// ExitKilled is the exit code of a process that did not end by itself: it trapped, was killed,
// or exceeded a limit.
const ExitKilled = -1

// outcome returns the exit code of a program and, if it did not end by itself, the reason.
func outcome(err, cause error) (int, error) {
	var exit *sys.ExitError
	switch {
	case err == nil:
		return 0, nil
	case cause != nil:
		return ExitKilled, fmt.Errorf("%w: %w", cause, err)
	case errors.As(err, &exit):
		return int(exit.ExitCode()), nil
	}
	return ExitKilled, fmt.Errorf("the program trapped: %w", err)
}

// Write adds bytes to the standard input of the program.
func (p *Process) Write(b []byte) {
	if !p.in.closed {
		p.in.pending = append(p.in.pending, b...)
	}
}

// CloseInput ends the standard input of the program.
func (p *Process) CloseInput() { p.in.closed = true }

// Run sets the clock of the program to now, lets it run until it blocks or ends, and collects
// its output. If it is blocked and now is no time to wake it, Run does nothing. Time never goes
// back: a now before the last one counts as the last one.
//
// Run returns an error when the program has ended other than by its own exit: by a trap, or
// because it exceeded a limit.
func (p *Process) Run(now time.Duration) error {
	p.now = max(p.now, now)
	if p.ended || !p.waits.over(p) {
		return p.reason
	}
	p.written = 0
	watchdog := time.AfterFunc(p.config.MaxStep, func() {
		p.cancel(fmt.Errorf("the program ran for %v without blocking", p.config.MaxStep))
	})
	defer watchdog.Stop()
	p.resume()
	return p.reason
}

// block lets the caller of Run go on, and returns when the wait is over.
func (p *Process) block(w wait) {
	for p.waits = w; !w.over(p); {
		if !p.yield(struct{}{}) {
			panic(killed{})
		}
	}
}

// Wake returns the virtual time at which the program wants to run again at the latest. It
// returns false if it wants to only when there is input, or not at all.
func (p *Process) Wake() (time.Duration, bool) {
	if p.ended {
		return 0, false
	}
	if p.waits.over(p) {
		return p.now, true
	}
	return p.waits.until, p.waits.timed
}

// Lines returns the complete lines that the program has written to its standard output since
// the last call, without their ends. When the program has ended, a last line without an end
// counts too.
func (p *Process) Lines() [][]byte { return p.out.take(p.ended) }

// ErrorLines is Lines for the standard error.
func (p *Process) ErrorLines() [][]byte { return p.errs.take(p.ended) }

// LastErrorLines returns the last lines, at most 20, that ErrorLines has returned so far.
func (p *Process) LastErrorLines() [][]byte { return p.errs.tail }

// Kill ends the program where it is blocked and frees its memory. The files that it had open
// are left as they are. Kill does nothing if the program has ended.
func (p *Process) Kill() {
	if p.ended {
		return
	}
	p.stop()
	p.ended, p.code, p.reason = true, ExitKilled, nil
}

// Exit returns the exit code of the program and whether it has ended.
func (p *Process) Exit() (code int, ended bool) { return p.code, p.ended }
