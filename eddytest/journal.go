package eddytest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy"
)

// An Entry is one message that was sent, and its fate.
type Entry struct {
	At      time.Duration // since New
	Message eddy.Message
	Fate    Fate // Lost if there is no place with the name of the destination
}

// Journal returns all messages that were sent, in their order, without the init messages of
// Start and the replies to them.
func (n *Net) Journal() []Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.journal)
}

// String returns a line such as
//
//	500ms n1 -> n2 {"type":"get","msg_id":3} lost
func (e Entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %s -> %s %s", e.At, e.Message.Src, e.Message.Dest, e.Message.Body)
	if len(e.Fate) == 0 {
		b.WriteString(" lost")
	}
	for i, delay := range e.Fate {
		if i > 0 {
			b.WriteString(" and again")
		}
		if i > 0 || delay > 0 {
			fmt.Fprintf(&b, " after %v", delay)
		}
	}
	return b.String()
}

// tail returns the last count lines of the journal.
func (n *Net) tail(count int) string {
	entries := n.Journal()
	var b strings.Builder
	for _, e := range entries[max(0, len(entries)-count):] {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}
