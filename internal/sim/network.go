// Package sim simulates a network with faults and keeps a journal of what happens in it.
// It has a seed and no clock: its caller tells it the time.
package sim

import (
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/eddyrpc/eddy/internal/eventqueue"
	"github.com/eddyrpc/eddy/internal/message"
)

// A Config says how a network treats messages apart from faults.
type Config struct {
	Seed uint64

	// Latency, Loss and Duplicate apply to the links between nodes. Each copy of
	// a message is lost with the probability Loss.
	Latency         Dist
	Loss, Duplicate float64

	// ClientLatency and ClientLoss apply to the links of clients (c0, c1, ...).
	// They are 0 unless set, because the subject of a test is the nodes.
	ClientLatency Dist
	ClientLoss    float64

	// FIFO delivers the messages of each link between nodes in the order in which they
	// were sent, as a TCP connection does. A message waits for those before it. Lost
	// messages are lost all the same.
	FIFO bool

	// Links override the values above on single links.
	Links map[Link]LinkConfig

	// StaleReplies delivers replies to requests that a node sent in an earlier
	// incarnation. Between real machines such replies are lost, because a new
	// process has a new port.
	StaleReplies bool
}

// A Network simulates a network. Its methods are given the time, which must never
// go back. It is not safe for concurrent use.
//
// A message's fate is a function of the seed, its link, its body without ids, and
// how often this body was sent over this link before. So it does not depend on how
// the operating system schedules the processes.
type Network struct {
	quiesced  bool // loss and duplication have ended
	spared    bool // the same for clients' links, but not for ever
	config    Config
	journal   Journal
	flying    eventqueue.Queue[flight]
	held      []flight    // held back by clogged links
	endpoints []*endpoint // by their numbers in the journal; nil where a number is not an endpoint's
	settings  map[pair]*linkSettings
	sent      map[uint64]uint32 // how often a body was sent over a link
	open      map[requestKey]openRequests
	faults    []ongoing
	begun     int // the number of faults that have begun
	chances   []Chance
	given     map[Chance]bool // nil unless the chances are given: see SetChances

	carry        func(*Record) // nil without a carrier
	carried      map[uint32]carriedCopy
	carriedCount int
}

// An endpoint sends and receives messages.
type endpoint struct {
	number      uint32
	class       uint32 // for a client, the number of AnyClient; otherwise number
	client      bool
	down        bool
	epoch       uint32 // how often it was killed
	incarnation int
}

// linkSettings are the settings of one link.
type linkSettings struct {
	latency         Dist
	loss, duplicate float64
	hash            uint64
	latest          time.Duration // when the last message is due, with Config.FIFO
	client          bool          // one of its ends is a client
	deterministic   bool          // a client's link without random loss, duplication or latency
}

// New returns a network without messages.
func New(config Config) *Network {
	n := &Network{
		config:   config,
		settings: map[pair]*linkSettings{},
		sent:     map[uint64]uint32{},
		open:     map[requestKey]openRequests{},
	}
	n.endpoint(AnyClient)
	return n
}

// Journal returns the record of everything that has happened so far.
func (n *Network) Journal() *Journal { return &n.journal }

func (n *Network) endpoint(name string) *endpoint { return n.endpointAt(n.journal.names.Number(name)) }

func (n *Network) endpointAt(number uint32) *endpoint {
	for int(number) >= len(n.endpoints) {
		n.endpoints = append(n.endpoints, nil)
	}
	if n.endpoints[number] == nil {
		e := &endpoint{number: number, class: number, client: IsClient(n.journal.names.Name(number)), incarnation: 1}
		if e.client {
			e.class = n.endpoint(AnyClient).number
		}
		n.endpoints[number] = e
	}
	return n.endpoints[number]
}

func (n *Network) link(m *message.Message, src, dest *endpoint) *linkSettings {
	at := pair{src.number, dest.number}
	s, known := n.settings[at]
	if !known {
		s = n.newSettings(m.Src, m.Dest, src, dest)
		n.settings[at] = s
	}
	return s
}

func (n *Network) newSettings(from, to string, src, dest *endpoint) *linkSettings {
	c := &n.config
	s := &linkSettings{latency: c.Latency, loss: c.Loss, duplicate: c.Duplicate}
	s.hash = mix(c.Seed, xxhash.Sum64String(from), xxhash.Sum64String(to))
	if s.client = src.client || dest.client; s.client {
		s.latency, s.loss, s.duplicate = c.ClientLatency, c.ClientLoss, 0
	}
	for _, l := range matchingLinks(from, to, src, dest) {
		override := c.Links[l]
		if override.Latency != nil {
			s.latency = *override.Latency
		}
		if override.Loss != nil {
			s.loss = *override.Loss
		}
		if override.Duplicate != nil {
			s.duplicate = *override.Duplicate
		}
	}
	s.deterministic = s.client && s.loss == 0 && s.duplicate == 0 && s.latency.IsConstant()
	return s
}

// matchingLinks returns the keys of Config.Links that match a link, the most
// specific last.
func matchingLinks(from, to string, src, dest *endpoint) []Link {
	var all []Link
	if src.client {
		all = append(all, Link{AnyClient, to})
	}
	if dest.client {
		all = append(all, Link{from, AnyClient})
	}
	return append(all, Link{from, to})
}

// Send sends a message of a node or a client. It copies what it keeps. It returns
// the message's index in the journal.
func (n *Network) Send(now time.Duration, m message.Message) int { return n.send(now, m, false) }

// Forge sends a message that the test makes in the name of its src. It is treated
// like any other message.
func (n *Network) Forge(now time.Duration, m message.Message) int { return n.send(now, m, true) }

func (n *Network) send(now time.Duration, m message.Message, forged bool) int {
	src, dest := n.endpoint(m.Src), n.endpoint(m.Dest)
	link := n.link(&m, src, dest)
	loss, duplicate, delay := n.faultEffects(src, dest)
	var d draw
	if !link.deterministic || loss > 0 || duplicate > 0 {
		d = n.draw(link, &m, forged)
	}
	i := n.journal.add(now, &m, src, dest)
	n.journal.row(i).forged = forged
	if m.IsReply() && !forged && n.isStale(&m, src, dest) {
		n.journal.end(i, now, StaleReply)
		return i
	}
	random := !n.quiesced && !(n.spared && (src.client || dest.client))
	lost := random && n.happens(d, drawLoss, link.loss)
	lostByFault := !lost && n.happens(d, drawFaultLoss, loss)
	duplicated := random && n.happens(d, drawDuplicate, link.duplicate) || n.happens(d, drawFaultDuplicate, duplicate)
	n.launch(now, i, dest, link, delay+link.latency.At(d.unit(drawLatency)), lost, lostByFault)
	if duplicated {
		second := n.journal.duplicate(i)
		n.launch(now, second, dest, link, delay+link.latency.At(d.unit(drawDuplicateLatency)),
			n.happens(d, drawDuplicateLoss, link.loss), false)
	}
	return i
}

// Quiesce ends random loss and duplication for the rest of the test. Latency
// stays. Every message sent from now on is delivered once, so a node that does not
// reply from now on has no excuse. The journal records the time.
func (n *Network) Quiesce(now time.Duration) {
	n.quiesced = true
	n.journal.event(Event{At: now, What: "quiesced"})
}

// SpareClients ends random loss and duplication on the links of clients, or lets them
// begin again.
func (n *Network) SpareClients(spare bool) { n.spared = spare }

// Drop records a message in the journal without sending it. fate says why.
func (n *Network) Drop(now time.Duration, m message.Message, fate Fate) int {
	i := n.journal.add(now, &m, n.endpoint(m.Src), n.endpoint(m.Dest))
	n.journal.end(i, now, fate)
	return i
}

// A flight is one copy of a message that is in flight.
type flight struct {
	due    time.Duration
	record uint32 // its index in the journal
	epoch  uint32 // how often the receiver had been killed when it was sent
}

// push adds a flight. Copies due at the same time are delivered in the order of
// sending.
func (n *Network) push(f flight) { n.flying.Push(f.due, uint64(f.record), f) }

// launch puts one copy in flight, unless it is lost.
func (n *Network) launch(now time.Duration, i int, dest *endpoint, link *linkSettings, latency time.Duration, lost, lostByFault bool) {
	switch {
	case lost:
		n.journal.end(i, now, LostByLink)
	case lostByFault:
		n.journal.end(i, now, LostByFault)
	default:
		due := now + latency
		if n.config.FIFO && !link.client {
			link.latest = max(link.latest, due)
			due = link.latest
		}
		n.push(flight{due: due, record: uint32(i), epoch: dest.epoch})
	}
}

// draw returns the message's random number. It is not called for a link without any
// chance, as the links of clients usually are: then it need not count how often a body
// was sent, which saves memory. Forged messages are counted separately, so that they do
// not change the fates of the nodes' own messages.
func (n *Network) draw(link *linkSettings, m *message.Message, forged bool) draw {
	key := mix(link.hash, BodyHash(m.Body))
	if forged {
		key = ^key
	}
	count := n.sent[key]
	n.sent[key] = count + 1
	return draw(mix(key, uint64(count)))
}

// Next returns when the earliest message in flight is due.
func (n *Network) Next() (at time.Duration, ok bool) { return n.flying.Next() }

// InFlight returns the number of copies in flight, including those that a clog
// holds back or the carrier has.
func (n *Network) InFlight() int { return n.flying.Len() + len(n.held) + len(n.carried) }

// A Delivery is a message that is delivered to its receiver. The receiver must not
// change its body.
type Delivery struct {
	message.Message
	Record    int           // its index in the journal
	At        time.Duration // when it was due
	Duplicate bool          // the network made this copy
}

// Due delivers the earliest message that is due by now. Whether its receiver can
// be reached is decided now, not when the message was sent.
func (n *Network) Due(now time.Duration) (Delivery, bool) {
	for at, ok := n.flying.Next(); ok && at <= now; at, ok = n.flying.Next() {
		_, f := n.flying.Pop()
		row := n.journal.row(int(f.record))
		src, dest := n.endpointAt(row.src), n.endpointAt(row.dest)
		if fate := n.arrivalFate(f, src, dest); fate != Delivered {
			n.journal.end(int(f.record), now, fate)
			continue
		}
		if n.isClogged(src, dest) {
			n.held = append(n.held, f)
			continue
		}
		if n.carry != nil {
			n.giveToCarrier(f)
			continue
		}
		return n.deliver(now, int(f.record), f.due), true
	}
	return Delivery{}, false
}

func (n *Network) deliver(now time.Duration, i int, due time.Duration) Delivery {
	n.journal.end(i, now, Delivered)
	record := n.journal.At(i)
	src, dest := n.endpoint(record.Src), n.endpoint(record.Dest)
	if record.IsRequest() && !dest.client {
		n.requestDelivered(&record, src, dest)
	}
	return Delivery{record.Message, i, due, record.IsDuplicate()}
}

// Undeliver changes the fate of a message that Due returned but that did not reach
// its receiver.
func (n *Network) Undeliver(now time.Duration, d Delivery, fate Fate) {
	n.journal.end(d.Record, now, fate)
}
