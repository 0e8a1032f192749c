package export

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/sim"
)

// shivizEvent is the expression by which ShiViz parses a log unless the user gives another.
var shivizEvent = regexp.MustCompile(`(?m)^(\S*) ({.*})\n(.*)$`)

// An entry is an event of a log.
type entry struct {
	host  string
	clock clock
	what  string
}

func entries(t *testing.T, log []byte) (all []entry) {
	t.Helper()
	parsed := shivizEvent.FindAllSubmatch(log, -1)
	if lines := strings.Count(string(log), "\n"); lines != 2*len(parsed) {
		t.Errorf("%d lines, but %d events", lines, len(parsed))
	}
	for _, m := range parsed {
		e := entry{host: string(m[1]), what: string(m[3])}
		if err := json.Unmarshal(m[2], &e.clock); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// before reports whether a is not after b in any component.
func before(a, b clock) bool {
	for host, n := range a {
		if n > b[host] {
			return false
		}
	}
	return true
}

// The clocks are consistent: a host's own component counts its events from 1, every component
// names an event that came before, and all that this event knew is known.
func TestShiVizClocks(t *testing.T) {
	known := map[string]clock{} // by event
	count := map[string]int{}
	for _, e := range entries(t, written(t, ShiViz, stored(t))) {
		count[e.host]++
		if e.clock[e.host] != count[e.host] {
			t.Errorf("event %d of %s has the clock %v", count[e.host], e.host, e.clock)
		}
		known[fmt.Sprint(e.host, count[e.host])] = e.clock
		for host, n := range e.clock {
			if cause := known[fmt.Sprint(host, n)]; cause == nil || !before(cause, e.clock) {
				t.Errorf("event %d of %s has the clock %v, but event %d of %s has %v", count[e.host], e.host, e.clock, n, host, cause)
			}
		}
	}
	if len(count) < 4 {
		t.Errorf("%d hosts", len(count))
	}
}

// The clock of each delivery is after that of its sending.
func TestShiVizMessages(t *testing.T) {
	test := stored(t)
	all := entries(t, written(t, ShiViz, test))
	sent := map[int]clock{}
	delivered := 0
	for step := range test.Journal.Steps() {
		m := &step.Record
		switch {
		case step.Event != nil && step.Event.Node == "", step.Event == nil && !step.Sent && m.Fate != sim.Delivered:
			continue
		case step.Event != nil:
		case step.Sent:
			sent[m.Index] = all[0].clock
		default:
			delivered++
			cause := m.Index
			if m.IsDuplicate() {
				cause = m.Of
			}
			if sent[cause] == nil || !before(sent[cause], all[0].clock) {
				t.Errorf("message %d was sent at %v and delivered at %v", m.Index, sent[cause], all[0].clock)
			}
		}
		all = all[1:]
	}
	if delivered < 10 || len(all) != 0 {
		t.Errorf("%d messages were delivered, %d events are left", delivered, len(all))
	}
}

// A message that the test sent in the name of a node is none of the node's. Names and bodies
// with blanks and line breaks do not break the log.
func TestShiVizNames(t *testing.T) {
	test := handmade(t, `
{"message":0,"src":"n1","dest":"n 2\n{","forged":true,"sent_ns":1,"step":1,"fate":"delivered","done_ns":2,"done_step":2,"body":{"type":"a  b", "text":"`+strings.Repeat("ü", 300)+`"}}
`)
	all := entries(t, written(t, ShiViz, test))
	if len(all) != 2 || all[0].host != forger || all[1].host != `"n_2\n_"` || !strings.HasSuffix(all[1].what, "...") {
		t.Errorf("%v", all)
	}
}
