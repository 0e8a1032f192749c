package natsnet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/wire"
)

// manyNames is more names of nodes than are kept, each as long as a subject permits.
func manyNames(yield func(i int, name string) bool) {
	long := strings.Repeat("x", 1800)
	for i := range (maxRequestBytes + maxPeerBytes) / len(long) {
		if !yield(i, fmt.Sprint(i, long)) {
			return
		}
	}
}

// isFull checks that a map has used most of its limit and not more.
func isFull(t *testing.T, what string, bytes, limit int) {
	t.Helper()
	if bytes > limit || bytes < limit/2 {
		t.Errorf("%d bytes are kept of %s, the limit is %d", bytes, what, limit)
	}
}

// What is kept for the names and incarnations of nodes that send something is bounded.
func TestNamesOfSendersAreBounded(t *testing.T) {
	var p peers
	p.init(subjects{"c"}, "n1")
	var in incarnations
	in.init()
	good := strings.Repeat("y", idLen)
	for i, name := range manyNames {
		if got, ok := p.source(p.subjects.subject("n1", name)); got != name || !ok {
			t.Fatalf("the source is %q, %v", got, ok)
		}
		for _, incarnation := range []string{good, strings.Repeat("y", 2000), strings.Repeat("*", idLen)} {
			reply := "_INBOX.eddy.c.n9." + incarnation + ".n1"
			if !in.accept(name, reply, &wire.Body{ID: int64(i), InReplyTo: wire.NoID}) {
				t.Fatal("a request is not accepted")
			}
		}
	}
	bytes := 0
	for subject, src := range p.sources.All() {
		bytes += len(subject) + len(src)
	}
	isFull(t, "senders' names", bytes, maxPeerBytes)
	bytes = 0
	for r, asker := range in.askers.All() {
		bytes += len(r.node) + len(asker)
		if asker != good {
			t.Fatalf("the incarnation %q is kept", asker)
		}
	}
	isFull(t, "requests", bytes, maxRequestBytes)
}

// What is kept for the names of nodes that are sent something is bounded.
func TestNamesOfDestsAreBounded(t *testing.T) {
	var p peers
	p.init(subjects{"c"}, "n1")
	var trips roundTrips
	trips.init(func(string, time.Duration) {})
	for i, name := range manyNames {
		d := p.dest([]byte(name))
		if d == nil || d.name != name {
			t.Fatalf("the dest is %+v", d)
		}
		d.replySubject("incarnation")
		trips.sent(name, &wire.Body{ID: int64(i), InReplyTo: wire.NoID})
	}
	bytes := 0
	for _, d := range p.dests.All() {
		bytes += len(d.name) + len(d.subject) + len(d.reply)
	}
	isFull(t, "dests' names", bytes, maxPeerBytes+maxPeerBytes/10) // a reply subject is somewhat longer than a subject
	bytes = 0
	for r := range trips.open.All() {
		bytes += len(r.node)
	}
	isFull(t, "requests", bytes, maxRequestBytes)
}

// A name that is too long for a subject costs no subject, and is not kept.
func TestOverlongNameIsRefusedAtOnce(t *testing.T) {
	var p peers
	p.init(subjects{"c"}, "n1")
	for _, name := range []string{strings.Repeat("x", 1<<20), strings.Repeat("é", maxSubjects/8)} {
		bytes := []byte(name)
		if got := testing.AllocsPerRun(10, func() { p.dest(bytes) }); got > 1 { // one to look it up
			t.Errorf("a name of %d bytes costs %v allocations", len(name), got)
		}
		if p.dest([]byte(name)) != nil {
			t.Errorf("a name of %d bytes is accepted", len(name))
		}
	}
}
