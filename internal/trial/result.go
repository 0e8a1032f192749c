package trial

import (
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// A Result is the record of a test.
type Result struct {
	History        *history.History
	Violations     []*Violation
	Warnings       []*Violation // oddities between nodes: the first of each kind and node
	Journal        *sim.Journal
	Elapsed        time.Duration    // until all nodes had ended
	MainPhase      time.Duration    // how long clients sent requests
	SimulatedNodes []string         // nodes that the workload simulated
	Stopped        string           // why the test ended early, or ""
	Notes          []string         // facts that do not change the verdict
	Unchecked      bool             // Judge runs no checks of the workload, because they were interrupted
	Numbers        []checker.Number // of the workload; set by Judge
	Crash          *Crash           // nil unless eddy itself failed; Judge may set it

	check  func(numbers bool) ([]checker.Problem, []checker.Number)
	load   workload.Workload
	tested func() tested
	drawn  func() *Case
}

// Case returns what has happened in the test, for a replay.
func (res *Result) Case() *Case { return res.drawn() }

// Result returns the result of a test that is Done, at a time. It returns an error if
// the program of the nodes cannot be started, or if the test itself fails. The faults of
// the nodes are in the result.
func (t *Trial) Result(now time.Duration) (*Result, error) {
	if t.err != nil {
		return nil, t.err
	}
	t.advance(now)
	if t.inMain {
		t.endMain()
	}
	t.noteCarrier()
	t.noteEffects()
	return &Result{
		History: t.history, Violations: t.violations.all, Warnings: t.warnings.all, Journal: t.net.Journal(),
		Elapsed: t.now, MainPhase: t.mainEnded - t.mainBegan,
		SimulatedNodes: t.peers.names, Stopped: t.stopped, Notes: t.notes.texts(),
		check: t.check, load: t.load, tested: t.tested, drawn: t.Case,
	}, nil
}

// check checks what happened in the test.
func (t *Trial) check(withNumbers bool) ([]checker.Problem, []checker.Number) {
	record := workload.Record{History: t.history, Journal: t.net.Journal(), End: t.endedAt, NoNumbers: !withNumbers}
	if !t.cfg.Virtual {
		record.Lag, record.Stood = t.stalls.lag, t.stalls.between
	}
	problems, numbers := t.load.Check(record)
	return append(problems, checker.Errors(t.history, t.expectsError, t.excuse())...), numbers
}
