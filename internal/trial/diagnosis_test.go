package trial

import (
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// A node that does not reply to init in time may say why when its input ends.
func TestNoInitIsExplained(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  string
	}{
		{nil, "it wrote nothing to stdout: does it have a handler for init?"},
		{[]string{`{"src":"n1","dest":"n2","body":{"type":"hello"}}`}, "none of the lines that it wrote to stdout is one"},
		{[]string{`{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}`}, "it wrote its reply only when its input had ended: it does not flush its output"},
	} {
		d := newDesk(t, "echo", sim.Config{})
		n := d.nodes[0]
		n.state, n.incarnation = starting, newIncarnation(1)
		d.advance(20 * time.Second)
		d.checkInits()
		if n.state != mute {
			t.Fatalf("the node has state %v", n.state)
		}
		d.endNodes()
		for _, line := range test.lines {
			d.Wrote(d.now, 0, &Line{Incarnation: 1, Number: 1, Text: []byte(line), Size: int64(len(line))})
		}
		d.Exited(d.now, 0, Exit{State: "exit status 0", OK: true})
		all := d.violations.all
		if len(all) != 1 || all[0].Kind != "no-init" || !strings.HasSuffix(all[0].Text, "; "+test.want) {
			t.Errorf("%q: %+v", test.lines, all)
		}
	}
}
