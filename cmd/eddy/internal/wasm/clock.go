package wasm

import (
	"errors"
	"time"
)

var clockFunctions = []function{
	{"clock_res_get", "ii", (*Process).clockResolution},
	{"clock_time_get", "iIi", (*Process).clockTime},
	{"random_get", "ii", (*Process).randomBytes},
	{"sched_yield", "", (*Process).schedYield},
}

// The clocks of WASI.
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

// Epoch is the time that a program reads from its wall clock at virtual time 0. It is the one
// of testing/synctest.
var Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// uptime is what a program reads from its monotonic clock at virtual time 0. Go does not accept
// a monotonic clock that says 0.
const uptime = time.Second

func (p *Process) clockTime(m memory, args []uint64) errno {
	switch uint32(args[0]) {
	case clockRealtime:
		return m.put64(args[2], uint64(Epoch.Add(p.now).UnixNano()))
	case clockMonotonic:
		return m.put64(args[2], uint64(uptime+p.now))
	}
	return errInvalid
}

func (p *Process) clockResolution(m memory, args []uint64) errno {
	if id := uint32(args[0]); id != clockRealtime && id != clockMonotonic {
		return errInvalid
	}
	return m.put64(args[1], 1)
}

func (p *Process) randomBytes(m memory, args []uint64) errno {
	b, err := m.bytes(args[0], args[1])
	if err == success {
		p.random.Read(b)
	}
	return err
}

// maxYields is how often a program may yield while it does nothing else.
const maxYields = 100_000

var errYields = errors.New("the program waits in a loop that only yields, so its time cannot pass " +
	"(a Go program does this after signal.Notify; WASI has no signals)")

func (p *Process) schedYield(memory, []uint64) errno {
	if p.yields++; p.yields > maxYields {
		p.fail(errYields)
	}
	return success
}
