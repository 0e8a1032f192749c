package trial

import (
	"slices"
	"testing"

	"github.com/eddyrpc/eddy/internal/sim"
)

// A note says which nodes write envelopes that Maelstrom refuses. The messages arrive.
func TestFurtherFieldsAreNoted(t *testing.T) {
	d := newDesk(t, "broadcast", sim.Config{})
	for _, l := range []struct {
		node int
		text string
	}{
		{0, `{"src":"n1","dest":"n2","body":{"type":"gossip"},"trace":"a"}`},
		{0, `{"src":"n1","dest":"n2","body":{"type":"gossip"},"span\u001b":"b"}`},
		{1, `{"src":"n2","dest":"n1","body":{"type":"gossip"},"other":null}`},
		{1, `{"id":3,"src":"n2","dest":"n1","body":{"type":"gossip"}}`},
	} {
		d.Wrote(d.now, l.node, &Line{Incarnation: 1, Text: []byte(l.text), Size: int64(len(l.text))})
	}
	want := `n1, n2 wrote messages with other fields than src, dest and body in the envelope, such as "trace"; they are ignored here, but Maelstrom refuses such a message`
	if got := d.notes.texts(); !slices.Equal(got, []string{want}) {
		t.Errorf("the notes are %q", got)
	}
	if sent := d.net.Journal().Len(); sent != 4 || len(d.violations.all) > 0 || len(d.warnings.all) > 0 {
		t.Errorf("%d messages were sent, with violations %v and warnings %v", sent, d.violations.all, d.warnings.all)
	}
}
