package natsnet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/wire"
)

// What is kept for the names and incarnations of nodes that send something is bounded,
// however many and however long they are.
func TestNamesOfSendersAreBounded(t *testing.T) {
	var p peers
	p.init(subjects{"c"}, "n1")
	var in incarnations
	in.init()
	for i := range 2 * maxPeers {
		name := fmt.Sprint(i, strings.Repeat("x", 1800))
		if got, ok := p.source(p.subjects.subject("n1", name)); got != name || !ok {
			t.Fatalf("the source is %q, %v", got, ok)
		}
		for _, incarnation := range []string{strings.Repeat("y", idLen), strings.Repeat("y", 2000), strings.Repeat("*", idLen)} {
			body := wire.Body{ID: int64(i), InReplyTo: wire.NoID}
			if !in.accept(name, p.subjects.reply(name, incarnation, "n1"), &body) {
				t.Fatal("a request is not accepted")
			}
		}
	}
	bytes := 0
	for subject, src := range p.sources.All() {
		bytes += len(subject) + len(src)
	}
	if bytes > maxPeerBytes || bytes < maxPeerBytes/2 {
		t.Errorf("%d bytes are kept of the senders' names", bytes)
	}
	bytes = 0
	for r, asker := range in.askers.All() {
		bytes += len(r.node) + len(asker)
		if asker != strings.Repeat("y", idLen) {
			t.Fatalf("the incarnation %q is kept", asker)
		}
	}
	if bytes > maxRequestBytes || bytes < maxRequestBytes/2 {
		t.Errorf("%d bytes are kept of requests", bytes)
	}
}
