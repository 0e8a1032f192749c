package trial

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// An effect is what a fault that was asked for must have done to some message. A fault that
// touched nothing has tested nothing, and a note says so.
type effect struct {
	flag    string // that asked for it
	did     string // such as "lost"
	to      scope
	link    sim.Link // unless zero, only messages of this link count
	touched func(m *carriedMessage) bool

	text  string // the note, if it is not made of the above
	count int    // the messages that it may have touched
}

// A scope is a kind of messages.
type scope int

const (
	betweenNodes scope = iota
	ofNodes            // between nodes and services, too
	ofClients
	anyMessage
)

// A carriedMessage is a record of the journal. The links of clients are links of
// sim.AnyClient.
type carriedMessage struct {
	sim.Record
	link sim.Link
	of   scope // betweenNodes, ofNodes for one from or to a service, or ofClients
}

// carriedMessages iterates over the journal.
func carriedMessages(j *sim.Journal, nodes []string) iter.Seq[*carriedMessage] {
	names := map[string]bool{}
	for _, name := range nodes {
		names[name] = true
	}
	return func(yield func(*carriedMessage) bool) {
		for r := range j.All() {
			m := carriedMessage{r, sim.Link{From: r.Src, To: r.Dest}, ofClients}
			switch {
			case sim.IsClient(r.Src):
				m.link.From = sim.AnyClient
			case sim.IsClient(r.Dest):
				m.link.To = sim.AnyClient
			case names[r.Src] && names[r.Dest]:
				m.of = betweenNodes
			default:
				m.of = ofNodes
			}
			if !yield(&m) {
				return
			}
		}
	}
}

// concerns reports whether the fault may have touched a message.
func (e *effect) concerns(m *carriedMessage) bool {
	if e.link != (sim.Link{}) {
		return e.link == m.link || e.link == sim.Link{From: m.Src, To: m.Dest}
	}
	return e.to == m.of || e.to == ofNodes && m.of == betweenNodes || e.to == anyMessage
}

// note says that the fault touched nothing.
func (e *effect) note() string {
	of, none := "between nodes", "the nodes sent each other none"
	switch {
	case e.text != "":
		return e.text
	case e.link != (sim.Link{}):
		of, none = "of this link", "there was none"
	case e.to == ofNodes:
		of, none = "between nodes and services", "the nodes sent messages to clients only"
	case e.to == ofClients:
		of, none = "of clients", "there was none"
	}
	if e.count == 0 {
		return fmt.Sprintf("%s %s no message: %s", e.flag, e.did, none)
	}
	return fmt.Sprintf("%s %s none of the %d messages %s", e.flag, e.did, e.count, of)
}

// A span is the time of a fault.
type span struct {
	begin, end time.Duration
	fault      *sim.Fault
	links      map[sim.Link]bool
}

// noteEffects adds notes about faults that were asked for and touched nothing.
func (t *Trial) noteEffects() {
	if t.stopped != "" {
		return // which is said
	}
	for _, note := range missingEffects(t.cfg, t.net.Journal()) {
		t.notes.add(note, "")
	}
}

// missingEffects returns a note for each fault that was asked for and touched nothing.
func missingEffects(cfg *Config, j *sim.Journal) (notes []string) {
	var pending []*effect
	for i, kind := range cfg.Nemeses {
		if slices.Contains(cfg.Nemeses[:i], kind) {
			continue
		}
		switch e := nemesisEffect(cfg, j, kind); {
		case e.touched != nil:
			pending = append(pending, e)
		case e.text != "":
			notes = append(notes, e.text)
		}
	}
	pending = append(pending, flagEffects(&cfg.Network)...)
	if cfg.Network.StaleReplies && !slices.ContainsFunc(j.Events(), func(e sim.Event) bool { return e.What == "killed" }) {
		notes = append(notes, "--stale-replies delivered no reply: no process was killed")
	}

	for m := range carriedMessages(j, cfg.Nodes) {
		if len(pending) == 0 {
			break
		}
		pending = slices.DeleteFunc(pending, func(e *effect) bool {
			if !e.concerns(m) {
				return false
			}
			e.count++
			return e.touched(m)
		})
	}
	for _, e := range pending {
		notes = append(notes, e.note())
	}
	return notes
}

// nemesisEffect returns what the faults of a nemesis must have done to some message. If it has
// only a text, they have touched nothing; if it has not even that, they need touch nothing.
func nemesisEffect(cfg *Config, j *sim.Journal, kind string) *effect {
	e := &effect{flag: "--nemesis " + kind}
	spans := spansOf(j, kind)
	switch {
	case len(cfg.Nodes) == 1 && needsLinks(kind):
		e.text = e.flag + " did nothing: one node has no links to other nodes"
		return e
	case len(spans) == 0:
		e.text = e.flag + " did nothing: no such fault began"
		return e
	case sim.NeedsServers(kind):
		return e
	}
	switch sim.FaultKind(kind) {
	case sim.Kill, sim.KillWipe:
		if !killedOne(j, spans) {
			e.text = e.flag + " killed no process"
		}
		return e
	case sim.Pause:
		e.to, e.text = anyMessage, e.flag+" did nothing: no message came to a process while it was paused"
	case sim.Slow:
		e.did = "delayed"
	case sim.Flaky:
		e.did = "lost or duplicated"
	case sim.Clog:
		e.did = "held back"
	case "partition-" + sim.Clients:
		e.to, e.did = ofClients, "stopped"
	default:
		e.did = "stopped"
	}
	e.touched = func(m *carriedMessage) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return s.touched(m) })
	}
	return e
}

// needsLinks reports whether a nemesis does something to links between nodes.
func needsLinks(kind string) bool {
	switch sim.FaultKind(kind) {
	case sim.Slow, sim.Flaky, sim.Clog:
		return true
	}
	return strings.HasPrefix(kind, "partition") && kind != "partition-"+sim.Clients && !sim.NeedsServers(kind)
}

// touched reports whether the fault touched a message.
func (s *span) touched(m *carriedMessage) bool {
	sent, done := s.begin <= m.Sent && m.Sent <= s.end, s.begin <= m.Done && m.Done <= s.end
	switch s.fault.Kind {
	case sim.Pause:
		return m.Fate == sim.Delivered && done && slices.Contains(s.fault.Nodes, m.Dest)
	case sim.Slow:
		return s.links[m.link] && sent
	case sim.Flaky:
		return s.links[m.link] && (m.Fate == sim.LostByFault || m.IsDuplicate() && sent)
	case sim.Clog:
		return s.links[m.link] && m.Sent <= s.end && m.Done >= s.end
	}
	return s.links[m.link] && m.Fate == sim.Partitioned && done
}

// spansOf returns the faults of a nemesis. A partition may have any shape, except that only
// partition-clients cuts links of clients.
func spansOf(j *sim.Journal, kind string) (spans []span) {
	shape, isPartition := strings.CutPrefix(kind, "partition-")
	isPartition = isPartition && !sim.NeedsServers(kind)
	at := map[int]int{} // the index of the span of each fault that has not ended
	for _, e := range j.Events() {
		switch {
		case e.What == "end":
			if i, ongoing := at[e.Fault]; ongoing {
				spans[i].end = e.At
				delete(at, e.Fault)
			}
			continue
		case e.What != "begin" || e.Begun == nil:
			continue
		case isPartition && (e.Begun.Kind != sim.Partition || e.Begun.Shape != shape && (shape == sim.Clients || e.Begun.Shape == sim.Clients)):
			continue
		case kind == "partition" && e.Begun.Shape == sim.Clients:
			continue
		case !isPartition && e.Begun.Kind != sim.FaultKind(kind):
			continue
		}
		links := map[sim.Link]bool{}
		for _, l := range e.Begun.Links {
			links[l] = true
		}
		at[e.Fault] = len(spans)
		spans = append(spans, span{e.At, 1<<63 - 1, e.Begun, links})
	}
	return spans
}

// killedOne reports whether one of the faults has killed a process.
func killedOne(j *sim.Journal, spans []span) bool {
	return slices.ContainsFunc(j.Events(), func(e sim.Event) bool {
		return e.What == "killed" && slices.ContainsFunc(spans, func(s span) bool {
			return slices.Contains(s.fault.Nodes, e.Node) && s.begin <= e.At && e.At <= s.end
		})
	})
}

// flagEffects returns what the flags that are about all messages, or about those of a link,
// must have done to some of them.
func flagEffects(c *sim.Config) (all []*effect) {
	lost := func(m *carriedMessage) bool { return m.Fate == sim.LostByLink }
	duplicated := func(m *carriedMessage) bool { return m.IsDuplicate() }
	delayed := func(m *carriedMessage) bool { return m.Fate == sim.Delivered && m.Done > m.Sent }
	add := func(to scope, link sim.Link, prefix, sep string, loss, duplicate float64, latency sim.Dist) {
		note := func(name, did string, value any, touched func(*carriedMessage) bool) {
			all = append(all, &effect{flag: prefix + name + sep + fmt.Sprint(value), did: did, to: to, link: link, touched: touched})
		}
		if loss > 0 {
			note("loss", "lost", loss, lost)
		}
		if duplicate > 0 {
			note("duplicate", "duplicated", duplicate, duplicated)
		}
		if !latency.IsZero() {
			note("latency", "delayed", latency, delayed)
		}
	}
	add(ofNodes, sim.Link{}, "--", " ", c.Loss, c.Duplicate, c.Latency)
	add(ofClients, sim.Link{}, "--client-", " ", c.ClientLoss, 0, c.ClientLatency)
	for _, link := range slices.SortedFunc(maps.Keys(c.Links), func(a, b sim.Link) int { return strings.Compare(a.String(), b.String()) }) {
		of := c.Links[link]
		add(ofNodes, link, "--link "+link.From+":"+link.To+":", "=", value(of.Loss), value(of.Duplicate), value(of.Latency))
	}
	return all
}

// value returns what p points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
