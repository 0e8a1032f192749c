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

// Traffic is what the messages between nodes were for. Copies that the network made do not
// count.
type Traffic struct {
	Text     string         `json:"text"` // for people
	Messages int            `json:"messages"`
	Elements int            `json:"elements"` // that nodes got from clients
	ByType   map[string]int `json:"by_type"`
	ByLink   map[string]int `json:"by_link"` // n1>n2

	// Each message that carried elements is one of these.
	New      int `json:"new"`      // brought one to a node that lacked it
	Known    int `json:"known"`    // brought only those that the node had
	Repeated int `json:"repeated"` // brought only those that the node had, and that had been sent over this link before
	Lost     int `json:"lost"`     // was not delivered

	Without int  `json:"without"` // messages without elements
	Guess   bool `json:"guess"`   // what is taken for elements may be something else
	Best    int  `json:"best"`    // the least number of messages for an element: one to each other node
	Part    bool `json:"part"`    // only the first messages were looked at, because they are so large
}

// A Journey is how an element got to the node that it reached last.
type Journey struct {
	Text     string        `json:"text"` // for people
	Element  int64         `json:"element"`
	Took     time.Duration `json:"took_ns"` // from the first node to the last one
	Hops     []Leg         `json:"hops"`    // from the client on
	Latency  time.Duration `json:"latency_ns"`
	Diameter int           `json:"diameter"` // of the topology: how many hops the two nodes farthest apart need
	Everyone bool          `json:"everyone"` // it got to all nodes
}

// A Leg is a hop of a Journey.
type Leg struct {
	Hop
	Waited    time.Duration `json:"waited_ns"`    // between the arrival at the sender and the sending
	Travelled time.Duration `json:"travelled_ns"` // between the sending and the arrival
	LostFirst int           `json:"lost_first"`   // how many earlier messages with it over this link were lost
}

// maxIntegers bounds how many integers Traffic looks at.
const maxIntegers = 30_000_000

// A survey goes through a journal and notes which element got where.
type survey struct {
	*Spread
	Traffic
	number  map[int64]int         // of elements
	nodes   map[string][]int32    // by node and element: 1 + the message that brought it first
	sent    map[sim.Link][]uint64 // by link: the elements that were sent over it
	old     map[int]bool          // messages whose elements had all been sent over their link before
	carries map[int]bool
	left    int
	times   []time.Duration // how long messages between nodes took
}

// Traffic surveys the messages between nodes. It also returns the journey of the element that
// took longest, or nil if there is none. topology has the neighbours of each node.
func (s *Spread) Traffic(nodes []string, topology map[string][]string) (*Traffic, *Journey) {
	v := &survey{Spread: s, number: map[int64]int{}, nodes: map[string][]int32{}, sent: map[sim.Link][]uint64{}, old: map[int]bool{}, carries: map[int]bool{}, left: maxIntegers}
	v.ByType, v.ByLink, v.Guess, v.Best = map[string]int{}, map[string]int{}, s.guess, max(0, len(nodes)-1)
	for e := range s.asked {
		v.number[e] = len(v.number)
	}
	for _, node := range nodes {
		v.nodes[node] = make([]int32, len(v.number))
	}
	for step := range s.j.Steps() {
		switch m := &step.Record; {
		case step.Event != nil:
		case step.Sent && betweenNodes(m):
			v.wasSent(m)
		case !step.Sent && betweenNodes(m):
			v.done(m)
		case !step.Sent && m.Fate == sim.Delivered && v.nodes[m.Dest] != nil:
			v.fromClient(m)
		}
	}
	for e := range s.asks {
		if v.gotAnywhere(v.number[e]) {
			v.Elements++
		}
	}
	v.Text = v.Traffic.text()
	journey := v.slowest(topology)
	if journey != nil {
		journey.Text = journey.text()
	}
	return &v.Traffic, journey
}

// wasSent counts a message.
func (v *survey) wasSent(m *sim.Record) {
	v.Messages++
	v.ByType[m.Type]++
	v.ByLink[m.Src+">"+m.Dest]++
	link := sim.Link{From: m.Src, To: m.Dest}
	seen := v.sent[link]
	if seen == nil {
		seen = make([]uint64, len(v.number)/64+1)
		v.sent[link] = seen
	}
	carries, old := false, true
	v.look(m, func(i int) {
		carries = true
		old = old && seen[i/64]>>(i%64)&1 != 0
		seen[i/64] |= 1 << (i % 64)
	})
	switch {
	case !carries:
		v.Without++
	case m.Fate == sim.InFlight:
		v.Lost++
	default:
		v.carries[m.Index], v.old[m.Index] = true, old
	}
}

// look calls do with the numbers of the elements that a message carries.
func (v *survey) look(m *sim.Record, do func(i int)) {
	if v.left <= 0 {
		v.Part = true
		return
	}
	integers(m.Type, m.Body, func(where uint64, value int64) {
		v.left--
		if i, known := v.number[value]; known && v.places[where] {
			do(i)
		}
	})
}

// done notes what a message that was delivered or lost has brought.
func (v *survey) done(m *sim.Record) {
	if m.Fate == sim.Delivered {
		v.times = append(v.times, m.Done-m.Sent)
	}
	isNew := false
	if has := v.nodes[m.Dest]; has != nil && m.Fate == sim.Delivered {
		v.look(m, func(i int) {
			if has[i] == 0 {
				has[i], isNew = int32(m.Index)+1, true
			}
		})
	}
	switch {
	case m.IsDuplicate() || !v.carries[m.Index]:
	case m.Fate != sim.Delivered:
		v.Lost++
	case isNew || v.nodes[m.Dest] == nil: // a service keeps what it gets
		v.New++
	case v.old[m.Index]:
		v.Repeated++
	default:
		v.Known++
	}
}

// fromClient notes what a client's request has brought.
func (v *survey) fromClient(m *sim.Record) {
	if e, ok := v.element(m); ok {
		if has := v.nodes[m.Dest]; has[v.number[e]] == 0 {
			has[v.number[e]] = int32(m.Index) + 1
		}
	}
}

func (v *survey) gotAnywhere(i int) bool {
	for _, has := range v.nodes {
		if has[i] != 0 {
			return true
		}
	}
	return false
}

// slowest returns the journey of the element that took longest to get to all nodes that it
// reached.
func (v *survey) slowest(topology map[string][]string) *Journey {
	var best *Journey
	var end string
	for e, i := range v.number {
		first, last, node, count := time.Duration(-1), time.Duration(0), "", 0
		for name, has := range v.nodes {
			if has[i] == 0 {
				continue
			}
			m := v.j.At(int(has[i] - 1))
			count++
			if first < 0 || m.Done < first {
				first = m.Done
			}
			if m.Done > last || m.Done == last && name < node {
				last, node = m.Done, name
			}
		}
		took := last - first
		if count > 1 && (best == nil || took > best.Took || took == best.Took && e < best.Element) {
			best, end = &Journey{Element: e, Took: took, Everyone: count == len(v.nodes)}, node
		}
	}
	if best == nil {
		return nil
	}
	best.Diameter, best.Latency = diameter(topology), v.median()
	best.Hops = v.legs(v.number[best.Element], end)
	v.countLost(best)
	return best
}

// legs returns the hops that brought an element to a node.
func (v *survey) legs(i int, node string) (legs []Leg) {
	t := trip{Spread: v.Spread}
	for seen := map[string]bool{}; v.nodes[node] != nil && v.nodes[node][i] != 0 && !seen[node]; {
		seen[node] = true
		m := v.j.At(int(v.nodes[node][i] - 1))
		l := Leg{Hop: t.hop(&m), Travelled: m.Done - m.Sent}
		if has := v.nodes[m.Src]; has != nil && has[i] != 0 {
			l.Waited = max(0, m.Sent-v.j.At(int(has[i]-1)).Done)
		}
		legs = append(legs, l)
		node = m.Src
	}
	slices.Reverse(legs)
	return legs
}

// countLost counts for each hop the earlier messages over its link that were lost.
func (v *survey) countLost(j *Journey) {
	for m := range v.j.All() {
		if m.Fate == sim.Delivered || m.Fate == sim.InFlight || !betweenNodes(&m) {
			continue
		}
		for i := range j.Hops {
			l := &j.Hops[i]
			if m.Src != l.From || m.Dest != l.To || m.Index >= l.Message {
				continue
			}
			found := false
			v.elements(&m, func(e int64) { found = found || e == j.Element })
			if found {
				l.LostFirst++
			}
		}
	}
}

// median returns the median time of a message between nodes.
func (v *survey) median() time.Duration {
	if len(v.times) == 0 {
		return 0
	}
	slices.Sort(v.times)
	return v.times[(len(v.times)-1)/2]
}

// diameter returns how many hops the two nodes of a graph that are farthest apart need.
func diameter(topology map[string][]string) (most int) {
	for from := range topology {
		distance := map[string]int{from: 0}
		for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
			for _, next := range topology[queue[0]] {
				if _, known := distance[next]; !known {
					distance[next] = distance[queue[0]] + 1
					most = max(most, distance[next])
					queue = append(queue, next)
				}
			}
		}
	}
	return most
}

// String returns the text.
func (t *Traffic) String() string { return t.Text }

// String returns the text.
func (j *Journey) String() string { return j.Text }

// String returns the text.
func (c Counts) String() string { return c.Text }

// text says how many messages an element needed, and what they were for.
func (t *Traffic) text() string {
	if t.Elements == 0 {
		return "none"
	}
	per := func(n int) string { return fmt.Sprintf("%.1f", float64(n)/float64(t.Elements)) }
	text := fmt.Sprintf("%s, at best %d: %s brought a new value, %s only known ones, %s the same again, %s were lost, %s carried no value",
		per(t.Messages), t.Best, per(t.New), per(t.Known), per(t.Repeated), per(t.Lost), per(t.Without))
	if t.Guess {
		text += " (a guess: it is not certain which integers are values)"
	}
	if t.Part {
		text += " (of the first messages only, as they are so large)"
	}
	return text
}

// Types says how many messages of each type an element needed.
func (t *Traffic) Types() Counts { return newCounts(t.ByType, t.Elements, "%.1f") }

// Links says how many messages each link carried.
func (t *Traffic) Links() Counts { return newCounts(t.ByLink, 1, "%.0f") }

// Counts are numbers of messages.
type Counts struct {
	Text string         `json:"text"` // for people
	By   map[string]int `json:"by"`
}

// newCounts lists the largest numbers in the text, each divided by per.
func newCounts(by map[string]int, per int, format string) Counts {
	const most = 5
	names := slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b)) })
	parts := []string{}
	for _, name := range names[:min(most, len(names))] {
		parts = append(parts, fmt.Sprintf("%s "+format, strings.Replace(name, ">", "→", 1), float64(by[name])/float64(max(1, per))))
	}
	if more := len(names) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	if len(parts) == 0 {
		parts = append(parts, "none")
	}
	return Counts{strings.Join(parts, ", "), by}
}

// text says how the element got to the node that it reached last.
func (j *Journey) text() string {
	text := fmt.Sprintf("%d took %s to the last node", j.Element, milliseconds(j.Took))
	if !j.Everyone {
		text += " that it got to"
	}
	if j.Diameter > 0 {
		text += fmt.Sprintf("; the two nodes farthest apart in the topology need at least %s: %d times the %s of a message",
			milliseconds(time.Duration(j.Diameter)*j.Latency), j.Diameter, milliseconds(j.Latency))
	}
	for i, l := range j.Hops {
		if i == 0 {
			text += fmt.Sprintf("\n%s got it from %s at %s", l.To, l.From, seconds(l.Done))
			continue
		}
		text += fmt.Sprintf("\n%s → %s: waited %s, travelled %s", l.From, l.To, milliseconds(l.Waited), milliseconds(l.Travelled))
		if l.LostFirst > 0 {
			text += fmt.Sprintf(", lost before: %d", l.LostFirst)
		}
	}
	return text
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
