package spread

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// A Way is the way of an element towards a node that lacks it.
type Way struct {
	Element int64    `json:"element"`
	Node    string   `json:"node"`    // the node that lacks it
	Text    string   `json:"text"`    // why, in a sentence or two
	Guess   bool     `json:"guess"`   // integers in messages between nodes may be something else
	Reached []Hop    `json:"reached"` // the message that first brought it to each node that got it, in their order
	Lost    []Hop    `json:"lost"`    // messages that carried it to nodes that never got it, or to the node after it had lost it
	More    int      `json:"more"`    // how many more such messages there were
	Without []string `json:"without"` // the nodes that never got it
}

// A Hop is a message that carried an element.
type Hop struct {
	From    string        `json:"from"`
	To      string        `json:"to"`
	Type    string        `json:"type"` // of the message
	Fate    string        `json:"fate"`
	Sent    time.Duration `json:"sent_ns"`
	Done    time.Duration `json:"done_ns,omitzero"` // when it was delivered or lost
	Message int           `json:"message"`          // its index in the journal
	Text    string        `json:"text"`             // what it did, in a sentence
}

// maxLost is how many lost messages a Way has.
const maxLost = 10

// A Want is an element that is missing at a node, and when that showed.
type Want struct {
	Element int64
	Node    string
	At      time.Duration
}

// Ways returns the way of each wanted element. nodes are all nodes of the test.
func (s *Spread) Ways(wants []Want, nodes []string) []*Way {
	carrying := map[int64][]int{}
	for _, w := range wants {
		carrying[w.Element] = nil
	}
	for m := range s.j.All() {
		if !betweenNodes(&m) {
			continue
		}
		seen := int64(0)
		s.elements(&m, func(e int64) {
			if all, wanted := carrying[e]; wanted && (seen != e || len(all) == 0 || all[len(all)-1] != m.Index) {
				carrying[e] = append(all, m.Index)
				seen = e
			}
		})
	}
	ways := make([]*Way, len(wants))
	for i, w := range wants {
		t := trip{Spread: s, want: w, arrived: map[string]sim.Record{}}
		t.follow(slices.Concat(s.asks[w.Element], carrying[w.Element]))
		ways[i] = t.way(nodes)
	}
	return ways
}

// A trip is how far an element got.
type trip struct {
	*Spread
	want    Want
	carried int                   // messages between nodes with it
	to      []sim.Record          // those to the node that lacks it
	arrived map[string]sim.Record // by node, the first message that brought it
	undone  []sim.Record          // messages with it that were not delivered
}

// follow takes the messages that carry the element.
func (t *trip) follow(indices []int) {
	var delivered []sim.Record
	for _, i := range indices {
		m := t.j.At(i)
		if m.Sent > t.want.At {
			continue
		}
		if betweenNodes(&m) {
			t.carried++
			if m.Dest == t.want.Node {
				t.to = append(t.to, m)
			}
		}
		if m.Fate == sim.Delivered {
			delivered = append(delivered, m)
		} else {
			t.undone = append(t.undone, m)
		}
	}
	slices.SortStableFunc(delivered, func(a, b sim.Record) int { return cmp.Compare(a.DoneStep, b.DoneStep) })
	for _, m := range delivered {
		if _, known := t.arrived[m.Dest]; !known && m.Done <= t.want.At {
			t.arrived[m.Dest] = m
		}
	}
}

// way returns what is known.
func (t *trip) way(nodes []string) *Way {
	w := &Way{Element: t.want.Element, Node: t.want.Node, Guess: t.guess || len(t.places) == 0 && !t.silent, Reached: []Hop{}, Lost: []Hop{}, Without: []string{}}
	var first []sim.Record
	for _, m := range t.arrived {
		first = append(first, m)
	}
	slices.SortFunc(first, func(a, b sim.Record) int { return cmp.Compare(a.DoneStep, b.DoneStep) })
	for i := range first {
		w.Reached = append(w.Reached, t.hop(&first[i]))
	}
	for _, node := range nodes {
		if _, known := t.arrived[node]; !known {
			w.Without = append(w.Without, node)
		}
	}
	// Those to the node itself come first.
	slices.SortStableFunc(t.undone, func(a, b sim.Record) int {
		return cmp.Compare(distance(&a, t.want.Node), distance(&b, t.want.Node))
	})
	for i := range t.undone {
		m := &t.undone[i]
		if _, known := t.arrived[m.Dest]; known && !(m.Dest == w.Node && m.SentStep > t.latest().DoneStep) {
			continue
		}
		if len(w.Lost) == maxLost {
			w.More++
			continue
		}
		w.Lost = append(w.Lost, t.hop(m))
	}
	w.Text = t.why(w)
	return w
}

func distance(m *sim.Record, node string) int {
	if m.Dest == node {
		return 0
	}
	return 1
}

// hop describes a message that carried the element.
func (t *trip) hop(m *sim.Record) Hop {
	h := Hop{From: m.Src, To: m.Dest, Type: m.Type, Fate: m.Fate.String(), Sent: m.Sent, Done: m.Done, Message: m.Index}
	if m.Fate == sim.InFlight {
		h.Done = 0
	}
	if m.Fate == sim.Delivered {
		h.Text = fmt.Sprintf("%s got it from %s at %s: %s, sent at %s", m.Dest, m.Src, seconds(m.Done), m.Type, seconds(m.Sent))
	} else {
		h.Text = fmt.Sprintf("%s sent it to %s at %s: the message, %s, %s", m.Src, m.Dest, seconds(m.Sent), m.Type, t.became(m))
	}
	return h
}

// why says why the node lacks the element.
func (t *trip) why(w *Way) string {
	got, has := t.arrived[w.Node]
	had := listed(t.names(w))
	switch {
	case has:
		return t.forgot(&got)
	case len(t.to) > 0:
		return t.allLost()
	case t.silent:
		return fmt.Sprintf("%s never sent it on: no node sent a message to another node%s", had, t.killed(w))
	case len(t.places) == 0:
		return fmt.Sprintf("no message between nodes contains %d or another element as an integer, so it is not known where it was lost", w.Element)
	case t.carried == 0:
		return fmt.Sprintf("no message between nodes contained it: %s never sent it on%s", had, t.killed(w))
	case len(w.Lost) > 0:
		return fmt.Sprintf("no message to %s contained it: it got only to %s, and messages that carried it further were lost", w.Node, had)
	}
	return fmt.Sprintf("no message to %s contained it: %s had it and never sent it there, and no message that carried it was lost%s", w.Node, had, t.killed(w))
}

// latest returns the message that brought the element to the node last.
func (t *trip) latest() sim.Record {
	latest := t.arrived[t.want.Node]
	for _, m := range t.to {
		if m.Fate == sim.Delivered && m.Done <= t.want.At && m.DoneStep > latest.DoneStep {
			latest = m
		}
	}
	return latest
}

// forgot says that the node got the element and lacks it all the same. got is the message
// that brought it first.
func (t *trip) forgot(got *sim.Record) string {
	latest := t.latest()
	what := fmt.Sprintf("%s got it at %s, from %s", got.Dest, seconds(got.Done), got.Src)
	if latest.Index != got.Index {
		what += fmt.Sprintf(", and for the last time at %s, from %s", seconds(latest.Done), latest.Src)
	}
	at, killed := t.killedAfter(got.Dest, latest.DoneStep)
	if !killed || at > t.want.At {
		return what + ", and does not return it: the node itself lost it"
	}
	again := slices.ContainsFunc(t.to, func(m sim.Record) bool { return m.SentStep > latest.DoneStep && m.Fate != sim.Delivered })
	if what += fmt.Sprintf(". It was killed at %s and did not keep it", seconds(at)); again {
		return what + ", and the messages that carried it there again were lost"
	}
	return what + ", and no node sent it there again"
}

// allLost says that no message to the node arrived.
func (t *trip) allLost() string {
	last := t.to[len(t.to)-1]
	if len(t.to) == 1 {
		return fmt.Sprintf("the only message that carried it to %s, from %s at %s, %s, and it was not sent again", last.Dest, last.Src, seconds(last.Sent), t.became(&last))
	}
	counts := map[string]int{}
	for i := range t.to {
		counts[t.to[i].Fate.String()]++
	}
	var fates []string
	for _, fate := range sim.Fates() {
		if n := counts[fate]; n > 0 {
			fates = append(fates, fmt.Sprintf("%d %s", n, fate))
		}
	}
	return fmt.Sprintf("none of %d messages that carried it to %s arrived (%s); the last one was sent at %s", len(t.to), last.Dest, strings.Join(fates, ", "), seconds(last.Sent))
}

// names returns the nodes that the element got to.
func (t *trip) names(w *Way) []string {
	var names []string
	for _, h := range w.Reached {
		names = append(names, h.To)
	}
	if names == nil {
		names = []string{"no node"}
	}
	return names
}

// killed says which of the nodes that had the element were killed after they got it.
func (t *trip) killed(w *Way) string {
	var all []string
	for _, h := range w.Reached {
		m := t.arrived[h.To]
		if at, killed := t.killedAfter(h.To, m.DoneStep); killed && at <= t.want.At {
			all = append(all, fmt.Sprintf("%s was killed at %s", h.To, seconds(at)))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "; " + listed(all)
}

// Lines returns the way as lines for people. The first says why the node lacks the element.
func (w *Way) Lines() []string {
	lines := []string{w.Text}
	if w.Guess {
		lines[0] += " (a guess: it is not certain which integers in messages between nodes are elements)"
	}
	on := w.onTheWay()
	for _, h := range w.Reached {
		if on[h.To] {
			lines = append(lines, h.Text)
		}
	}
	if more := len(w.Reached) - len(on); more > 0 {
		lines = append(lines, fmt.Sprintf("it got to %d of %d nodes in all", len(w.Reached), len(w.Reached)+len(w.Without)))
	}
	for _, h := range w.Lost {
		lines = append(lines, h.Text)
	}
	if w.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more messages that carried it were lost", w.More))
	}
	return lines
}

// onTheWay returns the nodes between the clients and where the element was lost: the first
// that got it, the node itself, the senders of lost messages, and from whom they had it.
func (w *Way) onTheWay() map[string]bool {
	from := map[string]string{}
	on := map[string]bool{}
	for i, h := range w.Reached {
		from[h.To] = h.From
		on[h.To] = i == 0
	}
	add := func(node string) {
		for known := from[node]; known != "" && !on[node]; known = from[node] {
			on[node] = true
			node = known
		}
	}
	add(w.Node)
	for _, h := range w.Lost {
		add(h.From)
	}
	maps.DeleteFunc(on, func(_ string, on bool) bool { return !on })
	return on
}

// Messages returns the indices of the messages of the way.
func (w *Way) Messages() (all []int) {
	for _, h := range slices.Concat(w.Reached, w.Lost) {
		all = append(all, h.Message)
	}
	return all
}

func listed(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
