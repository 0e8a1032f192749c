// Package buggy has nodes that each have one bug of a kind that people make, and the same
// nodes without it. A test runs them to see that eddytest.Check finds the bug and blames
// nobody else. Most of the bugs are rare: they need two or three things to happen together.
package buggy

import (
	"log/slog"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A Program is a node, as eddytest.Check runs it.
type Program = func(*eddytest.Process) error

// A Bug is a node with a bug.
type Bug struct {
	Name    string
	What    string // what the node does wrong, and when it shows
	Buggy   Program
	Healthy Program // the same node without the bug
	Test    eddytest.Test
	Checks  []string // one of these checks must be the one that decides
	Faults  int      // how many faults the bug needs, if the test says so
}

// All are all bugs.
var All = []Bug{
	writeBehind, givesUp, hashCollision, reusedMsgID, compaction, doubleAck, anyAck,
	countDigest, clearsPending, fileOrder, lateReply, dedupByMsgID, countsAgain, restartSecond,
	noWriteBack, casInTwoSteps, falseDefinite, lease, overlap, staleReply,
	pollsUnsaved, commitGoesBack, lostUpdate, abortedRead, dirtyRead, repliesTwice,
}

// serve runs a node of package eddy without a log.
func serve(n *eddy.Node, p *eddytest.Process) error {
	n.Log = slog.New(slog.DiscardHandler)
	n.Drain = time.Second
	return n.Serve(p.Context, p)
}

// others returns the names of all nodes but n.
func others(n *eddy.Node) (ids []string) {
	for _, id := range n.IDs() {
		if id != n.ID() {
			ids = append(ids, id)
		}
	}
	return ids
}

var once = &eddy.Policy{Attempts: 1}
