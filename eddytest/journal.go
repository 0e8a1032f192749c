package eddytest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy"
)

// An Entry of the journal is one message that was sent, and what became of it.
type Entry struct {
	At      time.Duration // since New
	Message eddy.Message
	Fate    Fate // Lost if there is nobody of the name
}

// Journal returns all that was sent so far, in its order, but Start's init.
func (n *Net) Journal() []Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.journal)
}

// String is one line, such as
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

// tail is the end of the journal, for a person.
func (n *Net) tail(count int) string {
	entries := n.Journal()
	var b strings.Builder
	for _, e := range entries[max(0, len(entries)-count):] {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}
