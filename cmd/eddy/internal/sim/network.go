package sim

import (
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/eddyrpc/eddy/internal/message"
)

// A Config says how a network treats messages while no fault is on.
type Config struct {
	Seed uint64

	// Latency, Loss and Duplicate are for the links between nodes. A loss of
	// 0.1 loses each copy of a message with that probability.
	Latency         Dist
	Loss, Duplicate float64

	// ClientLatency and ClientLoss are for the links of clients (c0, c1, ...),
	// which are never lossy unless asked: a test wants to know what nodes do.
	ClientLatency Dist
	ClientLoss    float64

	// Links are exceptions, one direction each.
	Links map[Link]LinkConfig

	// StaleReplies lets a reply reach a node although the request was sent in
	// an earlier life of it. On real machines a new process has a new port.
	StaleReplies bool
}

// A Network carries messages. It is given the time, which must never go back;
// it is not safe for concurrent use.
//
// A message's fate is a function of the seed, its link, its body without ids
// and how many times that body went over that link before. So the operating
// system may schedule the processes as it likes.
type Network struct {
	calm     bool // nothing is lost or sent twice any more
	config   Config
	journal  Journal
	flying   heap
	held     []flight // by clogged links
	ends     []*end   // by their number in the journal; nil where that is no end's
	settings map[pair]*settings
	went     map[uint64]uint32 // bodies over links
	asked    map[question]asked
	faults   []ongoing
	begun    int

	carry   func(*Record) // see Over; nil without another network
	carried map[uint32]carriage
	turns   int
}

// An end is one that sends or receives.
type end struct {
	number uint32
	class  uint32 // the number of AnyClient for a client, its own otherwise
	client bool
	down   bool
	epoch  uint32 // how often it was killed
	life   int
}

// settings are what holds for one link.
type settings struct {
	latency         Dist
	loss, duplicate float64
	hash            uint64
	quiet           bool // a client's, with nothing random about it
}

// New is an empty network.
func New(config Config) *Network {
	n := &Network{
		config:   config,
		settings: map[pair]*settings{},
		went:     map[uint64]uint32{},
		asked:    map[question]asked{},
	}
	n.end(AnyClient)
	return n
}

// Journal is what has happened so far.
func (n *Network) Journal() *Journal { return &n.journal }

func (n *Network) end(name string) *end { return n.endAt(n.journal.names.of(name)) }

func (n *Network) endAt(number uint32) *end {
	for int(number) >= len(n.ends) {
		n.ends = append(n.ends, nil)
	}
	if n.ends[number] == nil {
		e := &end{number: number, class: number, client: IsClient(n.journal.names.list[number])}
		if e.client {
			e.class = n.end(AnyClient).number
		}
		n.ends[number] = e
	}
	return n.ends[number]
}

func (n *Network) link(m *message.Message, src, dest *end) *settings {
	at := pair{src.number, dest.number}
	s, known := n.settings[at]
	if !known {
		s = n.newSettings(m.Src, m.Dest, src, dest)
		n.settings[at] = s
	}
	return s
}

func (n *Network) newSettings(from, to string, src, dest *end) *settings {
	c := &n.config
	s := &settings{latency: c.Latency, loss: c.Loss, duplicate: c.Duplicate}
	s.hash = mix(c.Seed, xxhash.Sum64String(from), xxhash.Sum64String(to))
	if src.client || dest.client {
		s.latency, s.loss, s.duplicate = c.ClientLatency, c.ClientLoss, 0
	}
	for _, l := range exceptionsFor(from, to, src, dest) {
		except := c.Links[l]
		if except.Latency != nil {
			s.latency = *except.Latency
		}
		if except.Loss != nil {
			s.loss = *except.Loss
		}
		if except.Duplicate != nil {
			s.duplicate = *except.Duplicate
		}
	}
	s.quiet = (src.client || dest.client) && s.loss == 0 && s.duplicate == 0 && s.latency.IsConstant()
	return s
}

// exceptionsFor names a link, what is more special last.
func exceptionsFor(from, to string, src, dest *end) []Link {
	var all []Link
	if src.client {
		all = append(all, Link{AnyClient, to})
	}
	if dest.client {
		all = append(all, Link{from, AnyClient})
	}
	return append(all, Link{from, to})
}

// Send takes a message that a node or a client has just sent. It copies what
// it keeps. It returns the message's index in the journal.
func (n *Network) Send(now time.Duration, m message.Message) int { return n.send(now, m, false) }

// Forge takes a message that somebody else has sent in the name of its src. It
// goes its way like any other.
func (n *Network) Forge(now time.Duration, m message.Message) int { return n.send(now, m, true) }

func (n *Network) send(now time.Duration, m message.Message, forged bool) int {
	src, dest := n.end(m.Src), n.end(m.Dest)
	link := n.link(&m, src, dest)
	d := n.draw(link, &m, forged)
	i := n.journal.add(now, &m, src, dest)
	n.journal.row(i).forged = forged
	if m.IsReply() && !forged && n.isStale(&m, src, dest) {
		n.journal.end(i, now, EarlierLife)
		return i
	}
	loss, duplicate, delay := n.troubles(src, dest)
	lost := !n.calm && d.unit(askLoss) < link.loss
	twice := !n.calm && d.unit(askDuplicate) < link.duplicate || d.unit(askFaultDuplicate) < duplicate
	n.fly(now, i, dest, delay+link.latency.At(d.unit(askLatency)), lost, d.unit(askFaultLoss) < loss)
	if twice {
		second := n.journal.duplicate(i)
		n.fly(now, second, dest, delay+link.latency.At(d.unit(askSecondLatency)),
			d.unit(askSecondLoss) < link.loss, false)
	}
	return i
}

// Calm ends loss and duplication for good; latency stays. What is sent from now on
// arrives, so that whoever keeps silent then does so of its own accord. The
// journal tells since when.
func (n *Network) Calm(now time.Duration) {
	n.calm = true
	n.journal.event(Event{At: now, What: "calm"})
}

// Refuse puts a message into the journal that goes nowhere.
func (n *Network) Refuse(now time.Duration, m message.Message, why Fate) int {
	i := n.journal.add(now, &m, n.end(m.Src), n.end(m.Dest))
	n.journal.end(i, now, why)
	return i
}

// fly sets out one copy, or loses it at once.
func (n *Network) fly(now time.Duration, i int, dest *end, latency time.Duration, lost, flaky bool) {
	switch {
	case lost:
		n.journal.end(i, now, LostByLink)
	case flaky:
		n.journal.end(i, now, LostByFault)
	default:
		n.flying.push(flight{due: now + latency, record: uint32(i), epoch: dest.epoch})
	}
}

// draw is the message's randomness. Clients send most of what is sent and need
// none, so that we don't remember what went over their links unless we must.
// A forged message counts apart: the real one meets the fate it would have met.
func (n *Network) draw(link *settings, m *message.Message, forged bool) draw {
	if link.quiet && len(n.faults) == 0 {
		return 0
	}
	key := mix(link.hash, BodyHash(m.Body))
	if forged {
		key = ^key
	}
	count := n.went[key]
	n.went[key] = count + 1
	return draw(mix(key, uint64(count)))
}

// troubles are what ongoing faults add to a link.
func (n *Network) troubles(src, dest *end) (loss, duplicate float64, delay time.Duration) {
	for i := range n.faults {
		o := &n.faults[i]
		if (o.fault.Kind == Slow || o.fault.Kind == Flaky) && o.touches(src, dest) {
			loss = max(loss, o.fault.Loss)
			duplicate = max(duplicate, o.fault.Duplicate)
			delay += o.fault.Delay
		}
	}
	return loss, duplicate, delay
}

// Next is when the earliest message in flight is due.
func (n *Network) Next() (time.Duration, bool) {
	if len(n.flying) == 0 {
		return 0, false
	}
	return n.flying[0].due, true
}

// InFlight is the number of copies on their way, those that are held included.
func (n *Network) InFlight() int { return len(n.flying) + len(n.held) + len(n.carried) }

// A Delivery is a message that has arrived. Its body is the journal's own.
type Delivery struct {
	message.Message
	Record    int           // its index in the journal
	At        time.Duration // when it was due
	Duplicate bool          // the network made this copy
}

// Due takes out the earliest message that has arrived by now. Whether its
// receiver can be reached is looked at here, not when it was sent.
func (n *Network) Due(now time.Duration) (Delivery, bool) {
	for len(n.flying) > 0 && n.flying[0].due <= now {
		f := n.flying.pop()
		row := n.journal.row(int(f.record))
		src, dest := n.endAt(row.src), n.endAt(row.dest)
		if fate := n.obstacle(f, src, dest); fate != Delivered {
			n.journal.end(int(f.record), now, fate)
			continue
		}
		if n.isClogged(src, dest) {
			n.held = append(n.held, f)
			continue
		}
		if n.carry != nil {
			n.carryOn(f)
			continue
		}
		return n.handOut(now, int(f.record), f.due), true
	}
	return Delivery{}, false
}

func (n *Network) handOut(now time.Duration, i int, due time.Duration) Delivery {
	n.journal.end(i, now, Delivered)
	record := n.journal.At(i)
	src, dest := n.end(record.Src), n.end(record.Dest)
	if record.IsRequest() && !dest.client {
		n.note(&record, src, dest)
	}
	return Delivery{record.Message, i, due, record.IsDuplicate()}
}

func (n *Network) obstacle(f flight, src, dest *end) Fate {
	switch {
	case dest.epoch != f.epoch:
		return Killed
	case dest.down:
		return Down
	}
	for i := range n.faults {
		if o := &n.faults[i]; o.fault.Kind == Partition && o.touches(src, dest) {
			return Partitioned
		}
	}
	return Delivered
}

// Undo says that what Due handed out did not reach its receiver after all,
// since that one does not read.
func (n *Network) Undo(now time.Duration, d Delivery, why Fate) {
	n.journal.end(d.Record, now, why)
}

// Begin begins a fault and returns its number, for End. Of a pause or a kill it
// makes a note; the processes are the caller's.
func (n *Network) Begin(now time.Duration, f Fault) int {
	n.begun++
	o := ongoing{number: n.begun, fault: f.clone()}
	o.links = n.pairs(o.fault.Links)
	n.faults = append(n.faults, o)
	n.journal.event(Event{At: now, What: "begin", Fault: o.number, Begun: o.fault})
	return o.number
}

// End ends a fault. What has ended does not end again.
func (n *Network) End(now time.Duration, number int) {
	i := slices.IndexFunc(n.faults, func(o ongoing) bool { return o.number == number })
	if i < 0 {
		return
	}
	over := n.faults[i]
	n.faults = slices.Delete(n.faults, i, i+1)
	if over.fault.Kind == Clog {
		n.unclog(now, &over)
	}
	n.journal.event(Event{At: now, What: "end", Fault: number})
}

// Faults are those that are on, in the order they began.
func (n *Network) Faults() []*Fault {
	var on []*Fault
	for i := range n.faults {
		on = append(on, n.faults[i].fault)
	}
	return on
}
