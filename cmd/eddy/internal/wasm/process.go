package wasm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

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

	// MaxWork limits how many functions may be called and how many iterations of loops may be
	// begun in one Run, so that a program that never blocks ends with an error. The default is
	// 4,000,000,000, which take seconds.
	MaxWork uint64
}

const (
	defaultMaxWork = 4_000_000_000
	callWork       = 100 // what a call of a function of the host counts
)

// A Process is one run of a Program. Its methods must not be called at the same time.
type Process struct {
	config  Config
	program *Program

	resume func() (struct{}, bool) // lets the program go on until it blocks or ends
	stop   func()                  // makes it end where it is blocked
	yield  func(struct{}) bool     // blocks; the goroutine of the program calls it

	meter       api.MutableGlobal // what the program may still do; see addMeter
	random      *rand.ChaCha8
	now         time.Duration
	waits       wait
	in          input
	out         output // standard output
	errs        output // standard error
	descriptors []*descriptor

	written int // bytes written to both outputs in this step
	yields  int // how often the program has yielded since it did something else

	ended  bool
	code   int
	reason error
}

// killed is the panic that ends a program where it calls the host.
type killed struct{}

// Start makes a process. It runs nothing of the program; the first Run does.
func (p *Program) Start(c Config) *Process {
	if c.MaxWork == 0 {
		c.MaxWork = defaultMaxWork
	}
	var key [32]byte
	little.PutUint64(key[:], c.Seed)
	process := &Process{config: c, program: p, random: rand.NewChaCha8(key), waits: wait{timed: true}}
	process.openStandard()
	process.resume, process.stop = iter.Pull(process.main)
	return process
}

// main is the goroutine of the program. iter.Pull makes sure that it and the caller of Run
// never run at the same time.
func (p *Process) main(yield func(struct{}) bool) {
	p.yield = yield
	err := p.runStart(context.WithValue(context.Background(), processKey{}, p))
	p.closeFiles()
	p.in = input{closed: true}
	p.ended = true
	var exit *sys.ExitError
	switch {
	case p.reason != nil:
		p.code = ExitKilled
	case errors.As(err, &exit):
		p.code = int(exit.ExitCode())
	case err != nil:
		p.code, p.reason = ExitKilled, err
	}
}

// runStart runs the program to its end.
func (p *Process) runStart(ctx context.Context) error {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions().WithArgs(p.config.Args...)
	for _, entry := range p.config.Env {
		key, value, _ := strings.Cut(entry, "=")
		config = config.WithEnv(key, value)
	}
	module, err := p.program.runtime.InstantiateModule(ctx, p.program.compiled, config)
	if err != nil {
		return fmt.Errorf("start the program: %w", err)
	}
	defer module.Close(ctx)
	p.meter = counter(module)
	defer func() { p.meter = nil }() // it holds the memory of the program
	p.refill()
	if _, err = module.ExportedFunction("_start").Call(ctx); err != nil && p.meter.Get() == 0 {
		return fmt.Errorf("the program did not block: it called %d functions and iterations of loops: %w",
			p.config.MaxWork, err)
	}
	return err
}

// counter returns the global variable that addMeter has added.
func counter(module api.Module) api.MutableGlobal {
	return module.ExportedGlobal(meterName).(api.MutableGlobal)
}

// refill lets the program do as much as in every step.
func (p *Process) refill() {
	p.written, p.yields = 0, 0
	if p.meter != nil { // else it has not been started wholly
		p.meter.Set(p.config.MaxWork)
	}
}

// charge counts the call of a function of the host.
func (p *Process) charge() {
	if p.meter != nil {
		left := p.meter.Get()
		p.meter.Set(left - min(left, callWork))
	}
}

// fail ends the program in a function of the host.
func (p *Process) fail(reason error) {
	p.reason = reason
	panic(killed{})
}

// ExitKilled is the exit code of a process that did not end by itself: it trapped, was killed,
// or exceeded a limit.
const ExitKilled = -1

// Write adds bytes to the standard input of the program.
func (p *Process) Write(b []byte) {
	if !p.in.closed {
		p.in.pending = append(p.in.pending, b...)
	}
}

// CloseInput ends the standard input of the program.
func (p *Process) CloseInput() { p.in.closed = true }

// Run sets the clock of the program to now, lets it run until it blocks or ends, and collects
// its output. If it is blocked and nothing has happened that it waits for, Run only sets the
// clock. The clock never goes back: a now before the last one counts as the last one.
//
// Run returns an error if the program has ended other than by its own exit: by a trap, or
// because it exceeded a limit.
func (p *Process) Run(now time.Duration) error {
	p.now = max(p.now, now)
	if !p.ended && p.waits.over(p) {
		p.resume()
	}
	return p.reason
}

// block lets the caller of Run go on, and returns when the wait is over.
func (p *Process) block(w wait) {
	p.yields = 0
	for p.waits = w; !w.over(p); {
		if !p.yield(struct{}{}) {
			panic(killed{})
		}
		p.refill()
	}
}

// Wake returns the virtual time at which the program wants to run again at the latest. It
// returns false if it wants to only when there is input, or not at all.
func (p *Process) Wake() (time.Duration, bool) {
	switch {
	case p.ended:
		return 0, false
	case p.waits.over(p):
		return p.now, true
	case p.waits.timed:
		return p.waits.until, true
	}
	return 0, false
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
