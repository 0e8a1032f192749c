package trial

import (
	"cmp"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// The phases of a test follow each other: Begin, setup, main, quiesce, final, endNodes.
// A phase does something and then waits; when the wait is over, the next phase begins.

// A wait is what a phase waits for: a condition or a time.
type wait struct {
	done func() bool // nil to wait for the time
	end  time.Duration
	then func(done bool)
}

// await waits until done is true or the time has come, and then calls then.
func (t *Trial) await(end time.Duration, done func() bool, then func(done bool)) {
	t.wait = wait{done, end, then}
}

// endWait ends the wait if it is over, and begins what comes next. It returns false if
// the wait goes on.
func (t *Trial) endWait() bool {
	w := t.wait
	done := w.done != nil && w.done()
	if !done && t.now < w.end {
		return false
	}
	w.then(done)
	return true
}

// Begin starts the nodes.
func (t *Trial) Begin(now time.Duration) {
	t.advance(now)
	if t.cfg.Case != nil {
		if err := t.cfg.Case.Check(t.cfg, t.carrier != nil); err != nil {
			t.fail(err)
			return
		}
	}
	for _, n := range t.nodes {
		t.startNode(n)
	}
	started := func() bool {
		for _, n := range t.nodes {
			if n.state == starting {
				return false
			}
		}
		return true
	}
	t.await(t.now+t.cfg.initTimeout()+time.Second, started, func(bool) {
		for _, n := range t.nodes {
			if n.state != up {
				t.stop(n.name + " did not start")
				return
			}
		}
		t.setup()
	})
}

// requestAll sends requests at the same time and waits until their operations have
// ended. Then it calls then with the operations.
func (t *Trial) requestAll(requests []workload.Request, then func(ops []history.Op)) {
	first := t.history.Len()
	for i := range requests {
		c := t.newClient(t.byName[requests[i].Node])
		t.request(c, requests[i])
	}
	t.await(t.now+time.Hour, func() bool { return t.open == 0 }, func(bool) {
		var ops []history.Op
		for i := first; i < t.history.Len(); i++ {
			if op := t.history.At(i); !op.Again {
				ops = append(ops, op)
			}
		}
		then(ops)
	})
}

// setup sends the requests before all others. The network delivers them: a test whose
// own preparation is lost would say nothing about the nodes.
func (t *Trial) setup() {
	t.net.SpareClients(true)
	t.requestAll(t.load.Setup(), func(ops []history.Op) {
		t.net.SpareClients(false)
		for i := range ops {
			if ops[i].Outcome != history.OK {
				t.stop(ops[i].F + " of " + ops[i].Node + " failed: " + ops[i].Error)
				return
			}
		}
		t.main()
	})
}

// main is the phase with faults, in which clients send requests.
func (t *Trial) main() {
	t.clients, t.free = nil, nil
	for i := range t.cfg.Concurrency {
		c := t.newClient(t.nodes[i%len(t.nodes)])
		c.number = int64(i)
		t.free = append(t.free, c)
	}
	t.nextOp, t.mainBegan, t.mainFirst = t.now, t.now, t.history.Len()
	t.inMain = t.cfg.Rate != 0
	if err := t.startNemeses(); err != nil {
		t.fail(err)
		return
	}
	t.await(t.now+t.cfg.TimeLimit, t.allExited, func(bool) {
		t.endMain()
		if !t.allExited() {
			t.noteRate()
		}
		t.quiesce()
	})
}

// endMain ends the main phase.
func (t *Trial) endMain() {
	t.inMain = false
	t.mainEnd, t.mainEnded = t.history.Len(), t.now
}

func (t *Trial) allExited() bool {
	for _, n := range t.nodes {
		if n.state != exited {
			return false
		}
	}
	return true
}

// quiesce ends all faults, waits until all operations have ended and all nodes are
// up, and then waits for the configured time.
func (t *Trial) quiesce() {
	t.endAllFaults()
	t.awaitServers(func() {
		t.net.Quiesce(t.now)
		t.await(t.now+t.cfg.timeout(t.inFinal)+t.cfg.initTimeout()+time.Second, t.recovered, func(bool) {
			t.await(t.now+t.cfg.quiesce(), nil, func(bool) { t.awaitServers(t.beginFinal) })
		})
	})
}

// recovered reports whether all nodes are up or have exited, and no operation is open.
func (t *Trial) recovered() bool {
	for _, n := range t.nodes {
		if n.state != up && n.state != exited {
			return false
		}
	}
	return t.open == 0
}

// beginFinal begins the final phase.
func (t *Trial) beginFinal() {
	t.inFinal = true
	t.draws.Seed(t.cfg.Network.Seed, 3)
	t.setFinalEnd()
	t.final()
}

// setFinalEnd sets when the final phase ends, and when the final requests are sent again.
func (t *Trial) setFinalEnd() {
	t.finalWait = finalWait
	t.finalEnd = t.now - t.stood + cmp.Or(t.cfg.FinalTimeout, finalTimeout)
}

// final sends the final requests to every node, until their results are complete.
func (t *Trial) final() {
	var requests []workload.Request
	for _, n := range t.nodes {
		if n.state != exited {
			requests = append(requests, t.finals(n.name)...)
		}
	}
	t.requestAll(requests, func(ops []history.Op) {
		lost := t.checkFinal(ops)
		if lost == "" {
			t.endFinal(ops, "")
			return
		}
		t.awaitServers(func() { t.endFinal(ops, lost) })
	})
}

// endFinal ends the final phase, or sends the final requests again. lost is a node
// whose final request or reply the carrier has lost.
func (t *Trial) endFinal(ops []history.Op, lost string) {
	over := t.now-t.stood >= t.finalEnd
	switch {
	case lost != "" && over:
		t.stop("NATS lost a final request to " + lost + ", or the reply")
		return
	case lost != "":
	case t.load.Settled(ops) || t.allExited():
		t.endNodes()
		return
	case progressed(t.load):
		t.setFinalEnd()
		t.final()
		return
	case over:
		t.endNodes()
		return
	}
	t.await(t.now+t.finalWait, nil, func(bool) { t.final() })
	t.finalWait += t.finalWait / 4
}

// finals returns the final requests to a node.
func (t *Trial) finals(node string) []workload.Request {
	requests := []workload.Request{t.load.Final(node)}
	if many, ok := t.load.(workload.ManyFinal); ok {
		requests = many.Finals(node)
	}
	for i := range requests {
		requests[i].Node = node
	}
	return requests
}

// progressed reports whether a workload says that the final phase makes progress.
func progressed(load workload.Workload) bool {
	many, ok := load.(workload.ManyFinal)
	return ok && many.Progressed()
}

// checkFinal adds violations for nodes that sent no reply in the final phase. If the
// carrier lost the request or the reply, it returns the node instead.
func (t *Trial) checkFinal(ops []history.Op) (lost string) {
	replied := map[string]bool{}
	for i := range ops {
		replied[ops[i].Node] = replied[ops[i].Node] || !strings.HasPrefix(ops[i].Error, noReply)
	}
	for i := range ops {
		n := t.byName[ops[i].Node]
		switch {
		case t.carrier != nil && !ops[i].InTime():
			lost = n.name
		case !strings.HasPrefix(ops[i].Error, noReply) || replied[n.name] || n.noReply || n.state == exited:
		case t.lostByCarrier(&ops[i]):
			lost = n.name
		default:
			n.noReply = true
			t.nodeViolation(n, "no-final-reply", "sent no reply to %s in the final phase within %v", ops[i].F, t.cfg.timeout(t.inFinal))
		}
	}
	return lost
}

// lostByCarrier reports whether the carrier lost the request of an operation that
// timed out.
func (t *Trial) lostByCarrier(op *history.Op) bool {
	e := t.ended[clientRequest{op.Client, op.MsgID}]
	return t.carrier != nil && e != nil && t.net.Journal().At(e.record).Fate == sim.InFlight
}

// stop ends the test early: the nodes are told to end. The result says why.
func (t *Trial) stop(why string) {
	if t.inMain {
		t.endMain()
	}
	if t.stopped == "" {
		t.stopped = why
	}
	if !t.ending {
		t.endNodes()
	}
}

// endNodes tells the nodes to end and waits until they have.
func (t *Trial) endNodes() {
	t.ending, t.endedAt = true, t.now
	t.processes.End()
	ended := func() bool {
		for _, n := range t.nodes {
			if n.state != exited && n.state != down {
				return false
			}
		}
		return true
	}
	t.await(t.now+t.cfg.EndGrace()+stopGrace+10*time.Second, ended, func(bool) { t.finishTest() })
}
