// Package spread follows the elements of a set through the messages of a test: which messages
// carried an element from node to node, and what became of them. All functions are pure.
//
// Nodes may write messages between them in any form. So where elements stand in them is
// learned from the messages: at a place where nearly every integer is one that clients had
// asked for by then, integers are elements.
package spread

import (
	"time"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A Spread knows the elements of a test, and where they stand in messages between nodes.
type Spread struct {
	j      *sim.Journal
	asked  map[int64]time.Duration // when a client first asked for each element
	ask    Request
	asks   map[int64][]int // by element, the requests of clients, their copies too
	places map[uint64]bool // where elements stand
	guess  bool            // some of these integers may be something else
	silent bool            // there is no message between nodes
}

// A Request says how clients ask for an element: the type of the request, and the member of
// its body that is the element.
type Request struct{ Type, Member string }

// New learns from a journal.
func New(j *sim.Journal, r Request) *Spread {
	s := &Spread{j: j, ask: r, asked: map[int64]time.Duration{}, asks: map[int64][]int{}}
	for m := range j.All() {
		if e, ok := s.element(&m); ok {
			if _, known := s.asked[e]; !known {
				s.asked[e] = m.Sent
			}
			s.asks[e] = append(s.asks[e], m.Index)
		}
	}
	s.learn()
	return s
}

// element returns the element that a client's request asks for.
func (s *Spread) element(m *sim.Record) (int64, bool) {
	if !m.IsRequest() || m.Type != s.ask.Type || !sim.IsClient(m.Src) {
		return 0, false
	}
	return integer(message.Member(m.Body, s.ask.Member))
}

// betweenNodes reports whether no client sent or gets the message.
func betweenNodes(m *sim.Record) bool { return !sim.IsClient(m.Src) && !sim.IsClient(m.Dest) }

const (
	// maxLearned bounds how many integers places are learned from.
	maxLearned = 2_000_000

	// mostlyElements is the least share of integers at a place that are elements.
	mostlyElements = 0.95
)

// A place is what is known of where integers stand.
type place struct {
	integers, elements int
	distinct           map[int64]bool // elements
}

// learn finds the places where elements stand: where nearly all integers are elements, and
// there are at least half as many different ones as at the place with the most.
func (s *Spread) learn() {
	found, left, most := map[uint64]*place{}, maxLearned, 0
	s.silent = true
	for m := range s.j.All() {
		if !betweenNodes(&m) || m.IsDuplicate() {
			continue
		}
		s.silent = false
		if left <= 0 {
			break
		}
		integers(m.Type, m.Body, func(where uint64, value int64) {
			p := found[where]
			if p == nil {
				p = &place{distinct: map[int64]bool{}}
				found[where] = p
			}
			left--
			p.integers++
			if at, known := s.asked[value]; known && at <= m.Sent {
				p.elements++
				p.distinct[value] = true
			}
		})
	}
	mostly := func(p *place) bool { return float64(p.elements) >= mostlyElements*float64(p.integers) }
	for _, p := range found {
		if mostly(p) {
			most = max(most, len(p.distinct))
		}
	}
	s.places = map[uint64]bool{}
	for where, p := range found {
		if mostly(p) && 2*len(p.distinct) >= most {
			s.places[where] = true
			s.guess = s.guess || p.elements < p.integers
		}
	}
}

// elements calls do with each element that a message between nodes carries.
func (s *Spread) elements(m *sim.Record, do func(element int64)) {
	integers(m.Type, m.Body, func(where uint64, value int64) {
		if s.places[where] {
			if _, known := s.asked[value]; known {
				do(value)
			}
		}
	})
}
