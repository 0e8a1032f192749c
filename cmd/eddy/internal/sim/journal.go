package sim

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
)

// A Fate is what became of one copy of a message.
type Fate uint8

const (
	InFlight    Fate = iota // the test ended before it was due
	Delivered               // its receiver was handed it
	LostByLink              // the link lost it
	LostByFault             // a flaky link lost it, while that fault lasted
	Partitioned             // a partition stood between the two when it was due
	Killed                  // its receiver was killed while it was in flight
	Down                    // its receiver was not running when it was due
	EarlierLife             // a reply to a request of an earlier life of its receiver
	Unread                  // its receiver had not read its input for too long
	Nobody                  // there is no such receiver
	Vanished                // the network that this one goes over lost it; see Network.Over
)

var fates = []string{
	"in-flight", "delivered", "lost", "flaky", "partitioned",
	"killed", "down", "earlier-life", "unread", "nobody", "vanished",
}

func (f Fate) String() string { return fates[f] }

// Fates are the names of all fates, in their order.
func Fates() []string { return fates }

// MarshalText writes the fate's name.
func (f Fate) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the fate's name.
func (f *Fate) UnmarshalText(text []byte) error {
	i := slices.Index(fates, string(text))
	if i < 0 {
		return fmt.Errorf("%q is no fate of a message", text)
	}
	*f = Fate(i)
	return nil
}

// A Record is one copy of a message, as the journal knows it.
type Record struct {
	message.Message
	Index int           // its place in the journal, in the order of sending
	Of    int           // the message that the network made this duplicate of, or -1
	Life  int           // which life of its sender sent it, from 0
	Sent  time.Duration // since the test began
	Done  time.Duration // when it was delivered or lost; without meaning in flight
	Fate  Fate

	Forged bool // src did not send it: the test did, in its name

	SentStep, DoneStep int // the places of both among all steps of the test
}

// IsDuplicate says whether the network made this copy.
func (r *Record) IsDuplicate() bool { return r.Of >= 0 }

// A Journal holds every message of a test and every fault, in the order in
// which they happened. A message costs its body and about 80 bytes. The zero
// value is empty and ready. It may be read while nobody writes.
type Journal struct {
	names  names
	blocks [][]row // of rowsPerBlock each
	length int
	bodies [][]byte
	events []Event
	steps  uint32
}

// An Event is something that happened to a node or to the links.
type Event struct {
	At    time.Duration `json:"at_ns"`
	Step  int           `json:"step"`
	What  string        `json:"event"`           // begin, end, killed, started, calm, whole
	Fault int           `json:"fault,omitzero"`  // begin and end: which, from 1
	Begun *Fault        `json:"begun,omitempty"` // begin
	Node  string        `json:"node,omitempty"`  // killed and started
	Life  int           `json:"life,omitzero"`   // started: from 0
}

const (
	rowsPerBlock = 4096
	bodyBlock    = 256 << 10
)

// A row is a record as it is kept: no pointer in it, so that a million of them
// cost the garbage collector nothing.
type row struct {
	sent, done         time.Duration
	id, inReplyTo      int64
	src, dest, typ     uint32
	block, start, size uint32 // of the body
	of                 uint32 // its own index if it is no duplicate
	sentStep, doneStep uint32
	life               uint16
	fate               Fate
	forged             bool
}

// names numbers strings: nodes and types come up again and again.
type names struct {
	list   []string
	number map[string]uint32
}

func (n *names) of(name string) uint32 {
	if i, known := n.number[name]; known {
		return i
	}
	if n.number == nil {
		n.number = map[string]uint32{}
	}
	i := uint32(len(n.list))
	name = string(append([]byte(nil), name...))
	n.list = append(n.list, name)
	n.number[name] = i
	return i
}

// A node that invents a type for each message gets the first of them numbered.
// What is beyond is read from the body again.
const (
	maxNames = 1 << 14
	unnamed  = math.MaxUint32
)

func (n *names) ofType(name string) uint32 {
	if i, known := n.number[name]; known {
		return i
	}
	if len(n.list) >= maxNames {
		return unnamed
	}
	return n.of(name)
}

// Len is the number of records, duplicates included.
func (j *Journal) Len() int { return j.length }

// Events are the faults, kills and starts, in their order.
func (j *Journal) Events() []Event { return j.events }

func (j *Journal) row(i int) *row { return &j.blocks[i/rowsPerBlock][i%rowsPerBlock] }

func (j *Journal) step() uint32 {
	j.steps++
	return j.steps
}

// At is record i. Its body is the journal's own.
func (j *Journal) At(i int) Record {
	r := j.row(i)
	record := Record{
		Message: message.Message{
			Src:       j.names.list[r.src],
			Dest:      j.names.list[r.dest],
			ID:        r.id,
			InReplyTo: r.inReplyTo,
			Body:      j.bodies[r.block][r.start : r.start+r.size : r.start+r.size],
		},
		Index: i, Of: -1, Life: int(r.life),
		Sent: r.sent, Done: r.done, Fate: r.fate, Forged: r.forged,
		SentStep: int(r.sentStep), DoneStep: int(r.doneStep),
	}
	if int(r.of) != i {
		record.Of = int(r.of)
	}
	if r.typ == unnamed {
		record.Type = message.Unquote(message.Member(record.Body, "type"))
	} else {
		record.Type = j.names.list[r.typ]
	}
	return record
}

// All goes through the records in the order of sending.
func (j *Journal) All() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for i := range j.length {
			if !yield(j.At(i)) {
				return
			}
		}
	}
}

// A Step is one thing that happened: a message sent, or its end, or an event.
type Step struct {
	Record Record // if Event is nil
	Sent   bool   // the record was sent; otherwise it was delivered or lost
	Event  *Event
}

// Steps goes through all that happened in the order in which it happened: a
// node that was handed a message before it sent another may have known it.
// What the network duplicated is sent by the network: it has no Sent step.
func (j *Journal) Steps() iter.Seq[Step] {
	return func(yield func(Step) bool) {
		order := j.order()
		for _, number := range order {
			if number == 0 {
				continue
			}
			var step Step
			switch i := int(number-1) / 3; (number - 1) % 3 {
			case 0:
				step = Step{Record: j.At(i), Sent: true}
			case 1:
				step = Step{Record: j.At(i)}
			default:
				step = Step{Event: &j.events[i]}
			}
			if !yield(step) {
				return
			}
		}
	}
}

// order says for each step what it is: 1 + 3 times the index, plus 0 for a
// message that was sent, 1 for its end, 2 for an event.
func (j *Journal) order() []uint64 {
	order := make([]uint64, j.steps+1)
	for i := range j.length {
		r := j.row(i)
		if int(r.of) == i {
			order[r.sentStep] = 1 + 3*uint64(i)
		}
		if r.fate != InFlight {
			order[r.doneStep] = 1 + 3*uint64(i) + 1
		}
	}
	for i := range j.events {
		order[j.events[i].Step] = 1 + 3*uint64(i) + 2
	}
	return order
}

// add takes in a message that was just sent.
func (j *Journal) add(now time.Duration, m *message.Message, src, dest *end) int {
	block, start := j.keep(m.Body)
	step := j.step()
	return j.append(row{
		sent: now, id: m.ID, inReplyTo: m.InReplyTo,
		src: src.number, dest: dest.number, typ: j.names.ofType(m.Type),
		block: block, start: start, size: uint32(len(m.Body)),
		of: uint32(j.length), sentStep: step, life: uint16(src.life),
	})
}

// duplicate adds one more copy of record i.
func (j *Journal) duplicate(i int) int {
	r := *j.row(i)
	r.done, r.doneStep, r.fate = 0, 0, InFlight
	return j.append(r)
}

func (j *Journal) append(r row) int {
	if j.length%rowsPerBlock == 0 {
		j.blocks = append(j.blocks, make([]row, rowsPerBlock))
	}
	j.length++
	*j.row(j.length - 1) = r
	return j.length - 1
}

// end says what became of record i.
func (j *Journal) end(i int, now time.Duration, fate Fate) {
	r := j.row(i)
	if r.fate == InFlight {
		r.doneStep = j.step()
	}
	r.done, r.fate = now, fate
}

func (j *Journal) event(e Event) {
	e.Step = int(j.step())
	j.events = append(j.events, e)
}

// keep copies a body into the blocks that hold them all.
func (j *Journal) keep(body []byte) (block, start uint32) {
	last := len(j.bodies) - 1
	if last < 0 || len(j.bodies[last])+len(body) > cap(j.bodies[last]) {
		j.bodies = append(j.bodies, make([]byte, 0, max(bodyBlock, len(body))))
		last++
	}
	start = uint32(len(j.bodies[last]))
	j.bodies[last] = append(j.bodies[last], body...)
	return uint32(last), start
}
