package trial

import (
	"math/rand/v2"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// Processes are the processes of the nodes, which a trial commands. A node is given by
// its index in Config.Nodes. No method waits.
type Processes interface {
	// Start starts a node's next incarnation and returns its number, from 1. With wipe
	// it empties the node's directory first. Started tells the trial when the process
	// runs. The previous incarnation has exited.
	Start(node int, wipe bool) (incarnation int)
	// Send writes a line to the node's input. It returns false if the line is dropped,
	// because the node has no process or does not read. It does not keep the line.
	Send(node int, line []byte) bool
	// Queued returns how many bytes of its input the node has not read.
	Queued(node int) int
	// Pause stops the node's process until Resume. Both do nothing without a process.
	Pause(node int)
	Resume(node int)
	// Kill ends the node's process at once. Exited tells the trial when it has ended.
	Kill(node int)
	// End ends the input of all nodes. Those that do not end by themselves within
	// Config.EndGrace are killed.
	End()
}

// A Trial is a test. Its methods must be called from one goroutine.
type Trial struct {
	cfg       *Config
	processes Processes
	now       time.Duration // never goes back
	net       *sim.Network
	load      workload.Workload
	turn      *workload.Turn
	draws     *rand.PCG // the source of the random numbers of load
	rand      *rand.Rand
	line      []byte // a buffer

	violations violations
	warnings   violations
	ofLine     []*Violation // those by the line that was read last

	asked     map[string]*idCounts // by client: the copies of its requests that any node got
	forwarded map[int]bool         // the messages that a node has passed on under a client's name
	passedOn  bool                 // a node may have passed a client's request on to another

	nodes       []*node
	byName      map[string]*node
	clients     []*client
	byClient    map[string]*client
	ended       map[clientRequest]*endedRequest
	lastProcess int       // the number of client names used
	free        []*client // clients without an open operation
	history     *history.History
	open        int // the number of open operations
	outcomes    [4]int

	plan   []sim.Planned
	asks   []askRow
	replay *replay // nil without Config.Case

	sent               int           // operations of the main phase
	mainFirst, mainEnd int           // where they begin and end in the history
	mainBegan          time.Duration // when the main phase began
	mainEnded          time.Duration // when it ended
	noClient           int           // how often an operation was due and no client was free
	noNode             int           // how often an operation was due and no node was up
	nextOp             time.Duration // when the next operation is due
	notes              notes
	further            string // the first further field of an envelope

	faults      []*ongoingFault
	faultTimers timers
	sendTimers  timers // of messages that simulated nodes send later
	peers       peers
	carrier     *carrierState // nil without a carrier
	stalls      stalls
	stood       time.Duration // how long the caller stood still in all: see StoodStill
	nextTick    time.Duration

	wait      wait          // what the current phase waits for
	inMain    bool          // the main phase, in which clients send requests
	inFinal   bool          // the final phase
	finalEnd  time.Duration // when the final phase ends, without the time that the caller stood still
	finalWait time.Duration // until the final requests are repeated
	ending    bool          // the nodes were told to end
	endedAt   time.Duration // when they were told
	done      bool
	stopped   string // why the test ended early, or ""
	err       error  // why there is no result, or nil
}

// New returns a trial at time 0. Begin starts its nodes.
func New(cfg *Config, processes Processes) *Trial {
	seed := cfg.Network.Seed
	t := &Trial{
		cfg: cfg, processes: processes, net: sim.New(cfg.Network), history: new(history.History),
		rand: rand.New(rand.NewPCG(seed, 1)),
		turn: new(workload.Turn), draws: rand.NewPCG(seed, 2),
		byName: map[string]*node{}, byClient: map[string]*client{}, ended: map[clientRequest]*endedRequest{},
		warnings: violations{most: 1}, forwarded: map[int]bool{},
		replay: newReplay(cfg.Case),
	}
	if cfg.Case != nil {
		t.net.SetChances(cfg.Case.Fates)
	}
	t.load = cfg.Spec.New(workload.Env{
		Nodes: cfg.Nodes, Topology: workload.Topology(cfg.Topology, cfg.Nodes),
		Turn: t.turn, Rand: rand.New(t.draws),
		CallTimeout: cfg.CallTimeout, CallAttempts: cfg.CallAttempts, CallBackoff: cfg.CallBackoff, Flooded: cfg.Rate == MaxRate, IgnoreLate: cfg.IgnoreLate, CallPolicy: cfg.CallPolicy,
		Txn: cfg.Txn,
	})
	t.peers = newPeers(t.load, seed)
	for i, name := range cfg.Nodes {
		n := &node{name: name, index: i, incarnation: newIncarnation(0)}
		t.nodes = append(t.nodes, n)
		t.byName[name] = n
	}
	return t
}

// Done reports whether the test has ended.
func (t *Trial) Done() bool { return t.done }

// InMain reports whether the test is in its main phase, in which clients send requests.
func (t *Trial) InMain() bool { return t.inMain }

// Interrupt ends the test at once. The nodes are not told.
func (t *Trial) Interrupt() {
	if !t.done {
		t.stopped = "interrupted"
		t.finishTest()
	}
}

// fail ends the test at once without a result.
func (t *Trial) fail(err error) { t.err, t.done = err, true }

// finishTest ends the test.
func (t *Trial) finishTest() {
	t.judgeOpen()
	t.done = true
}
