package sim

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/names"
)

// A Fate is what became of one copy of a message.
type Fate uint8

const (
	InFlight      Fate = iota // the test ended before it was due
	Delivered                 // it was delivered to its receiver
	LostByLink                // the link lost it
	LostByFault               // a flaky link lost it
	Partitioned               // its link was cut by a partition when it was due
	Killed                    // its receiver was killed while it was in flight
	Down                      // its receiver was not running when it was due
	StaleReply                // it is a reply to a request of an earlier incarnation of its receiver
	Unread                    // it was dropped because its receiver does not read its input
	UnknownDest               // its receiver does not exist
	LostByCarrier             // the carrier lost it; see Network.SetCarrier
)

var fates = []string{
	"in-flight", "delivered", "lost", "lost-by-fault", "partitioned",
	"killed", "down", "stale-reply", "unread", "unknown-dest", "lost-by-carrier",
}

// String returns the fate's name.
func (f Fate) String() string {
	if int(f) >= len(fates) {
		return fmt.Sprintf("Fate(%d)", uint8(f))
	}
	return fates[f]
}

// Fates returns the names of all fates, indexed by Fate.
func Fates() []string { return fates }

// MarshalText writes the fate's name.
func (f Fate) MarshalText() ([]byte, error) {
	if int(f) >= len(fates) {
		return nil, fmt.Errorf("%v has no name", f)
	}
	return []byte(f.String()), nil
}

// UnmarshalText parses a fate's name.
func (f *Fate) UnmarshalText(text []byte) error {
	i := slices.Index(fates, string(text))
	if i < 0 {
		return fmt.Errorf("fate %q: must be one of %s", text, strings.Join(fates, ", "))
	}
	*f = Fate(i)
	return nil
}

// A Record is one copy of a message in the journal.
type Record struct {
	message.Message
	Index       int           // its position in the journal, in the order of sending
	Of          int           // for a duplicate, the Index of the original; otherwise -1
	Incarnation int           // the incarnation of its sender, from 1
	Sent        time.Duration // since the test began
	Done        time.Duration // when it was delivered or lost; undefined while it is in flight
	Fate        Fate

	Forged bool // the test sent it in the name of src

	SentStep, DoneStep int // when it was sent and done, among all steps of the test
}

// IsDuplicate reports whether the network made this copy.
func (r *Record) IsDuplicate() bool { return r.Of >= 0 }

// A Journal holds every message of a test and every fault, in the order in which
// they happened. A message costs its body and about 80 bytes. The zero value is an
// empty journal. It is safe for concurrent reading, but not while it is written.
type Journal struct {
	names  names.Table
	blocks [][]row // of rowsPerBlock each
	length int
	bodies [][]byte
	events []Event
	steps  uint32
}

// An Event is something that happened to a node or to the network.
type Event struct {
	At          time.Duration `json:"at_ns"`
	Step        int           `json:"step"`
	What        string        `json:"event"`                // begin, end, killed, started, quiesced, servers-recovered
	Fault       int           `json:"fault,omitzero"`       // of begin and end: the fault's number, from 1
	Begun       *Fault        `json:"begun,omitempty"`      // of begin: the fault
	Node        string        `json:"node,omitempty"`       // of killed and started
	Incarnation int           `json:"incarnation,omitzero"` // of started: from 1
}

const (
	rowsPerBlock = 4096
	bodyBlock    = 256 << 10
)

// A row is a record as it is stored. It contains no pointers, so that a million
// rows cost the garbage collector nothing.
type row struct {
	sent, done         time.Duration
	id, inReplyTo      int64
	src, dest, typ     uint32
	block, start, size uint32 // of the body
	of                 uint32 // its own index if it is not a duplicate
	sentStep, doneStep uint32
	incarnation        uint16
	fate               Fate
	forged             bool
}

// If nodes send messages of more than maxNames types, the other types are not
// numbered but read from the bodies again.
const (
	maxNames = 1 << 14
	unnamed  = math.MaxUint32
)

// typeNumber returns the number of a message type, or unnamed.
func (j *Journal) typeNumber(name string) uint32 {
	if n, known := j.names.Find(name); known {
		return n
	}
	if j.names.Len() >= maxNames {
		return unnamed
	}
	return j.names.Number(name)
}

// Hash returns a hash of all messages: of what they say, and of when and how each ended.
// Two runs with the same hash were the same run.
func (j *Journal) Hash() uint64 {
	h := xxhash.New()
	var b []byte
	for m := range j.All() {
		b = fmt.Appendf(b[:0], "%d %d %d %s %s ", m.Sent, m.Done, m.Fate, m.Src, m.Dest)
		h.Write(append(b, m.Body...))
	}
	return h.Sum64()
}

// Len returns the number of records, duplicates included.
func (j *Journal) Len() int { return j.length }

// Events returns the events in their order.
func (j *Journal) Events() []Event { return j.events }

func (j *Journal) row(i int) *row { return &j.blocks[i/rowsPerBlock][i%rowsPerBlock] }

func (j *Journal) step() uint32 {
	j.steps++
	return j.steps
}

// At returns record i. The caller must not change its body.
func (j *Journal) At(i int) Record {
	r := j.row(i)
	record := Record{
		Message: message.Message{
			Src:       j.names.Name(r.src),
			Dest:      j.names.Name(r.dest),
			ID:        r.id,
			InReplyTo: r.inReplyTo,
			Body:      j.bodies[r.block][r.start : r.start+r.size : r.start+r.size],
		},
		Index: i, Of: -1, Incarnation: int(r.incarnation),
		Sent: r.sent, Done: r.done, Fate: r.fate, Forged: r.forged,
		SentStep: int(r.sentStep), DoneStep: int(r.doneStep),
	}
	if int(r.of) != i {
		record.Of = int(r.of)
	}
	if r.typ == unnamed {
		record.Type = message.Unquote(message.Member(record.Body, "type"))
	} else {
		record.Type = j.names.Name(r.typ)
	}
	return record
}

// All iterates over the records in the order of sending.
func (j *Journal) All() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for i := range j.length {
			if !yield(j.At(i)) {
				return
			}
		}
	}
}

// A Step is an event, or a message that was sent, delivered or lost.
type Step struct {
	Record Record // if Event is nil
	Sent   bool   // the record was sent; otherwise it was delivered or lost
	Event  *Event
}

// Steps iterates over everything that happened, in the order in which it happened.
// If a message was delivered to a node before the node sent another message, the
// first may be a cause of the second. A duplicate has no Sent step, because the
// network made it.
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

// order encodes what each step is: 1 + 3 times the index of its record or event,
// plus 0 for a message that was sent, 1 for one that was delivered or lost, 2 for
// an event. 0 means that the step is unused.
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

// add adds a message that was just sent and returns its index.
func (j *Journal) add(now time.Duration, m *message.Message, src, dest *endpoint) int {
	block, start := j.keep(m.Body)
	step := j.step()
	return j.append(row{
		sent: now, id: m.ID, inReplyTo: m.InReplyTo,
		src: src.number, dest: dest.number, typ: j.typeNumber(m.Type),
		block: block, start: start, size: uint32(len(m.Body)),
		of: uint32(j.length), sentStep: step, incarnation: uint16(src.incarnation),
	})
}

// duplicate adds a duplicate of record i and returns its index.
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

// end sets the fate of record i.
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

// keep copies a body into the current block of bodies.
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
