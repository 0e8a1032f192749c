package eddytest

import (
	"time"

	"github.com/eddyrpc/eddy"
)

// A Fate is what becomes of a message: the delay of each copy that arrives. Without a copy the
// message is lost; with two it is duplicated.
type Fate []time.Duration

// The simple fates. Others are, for example, Fate{300 * time.Millisecond}, a delay, and
// Fate{0, time.Second}, a duplicate that arrives a second later.
var (
	Lost    = Fate(nil)
	Arrives = Fate{0}
)

// A link carries messages from one place to another.
type link struct {
	lose, duplicate int // how many of the next messages to lose, to duplicate
	delay           time.Duration
	cut             bool
}

// Lose loses the next count messages from src to dest.
func (n *Net) Lose(src, dest string, count int) {
	n.change(src, dest, func(l *link) { l.lose = count })
}

// Duplicate makes the next count messages from src to dest arrive twice.
func (n *Net) Duplicate(src, dest string, count int) {
	n.change(src, dest, func(l *link) { l.duplicate = count })
}

// Delay makes every message from src to dest that is sent from now on arrive d later.
func (n *Net) Delay(src, dest string, d time.Duration) {
	n.change(src, dest, func(l *link) { l.delay = d })
}

// Cut loses all messages that a and b send to each other, until Heal. Messages that were sent
// before still arrive.
func (n *Net) Cut(a, b string) { n.setCut(a, b, true) }

// Heal ends a Cut.
func (n *Net) Heal(a, b string) { n.setCut(a, b, false) }

func (n *Net) setCut(a, b string, cut bool) {
	n.change(a, b, func(l *link) { l.cut = cut })
	n.change(b, a, func(l *link) { l.cut = cut })
}

// Script makes f decide the fate of every message that is not lost by Cut or Lose. Duplicate
// and Delay are applied to what f returns. f is called for one message at a time, in the
// order in which they are sent, and must not use the network. A nil f ends this.
func (n *Net) Script(f func(m eddy.Message) Fate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = f
}

func (n *Net) change(src, dest string, f func(*link)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(n.link(src, dest))
}

func (n *Net) link(src, dest string) *link {
	key := [2]string{src, dest}
	if n.links[key] == nil {
		n.links[key] = new(link)
	}
	return n.links[key]
}

// fate returns the fate of a message.
func (n *Net) fate(m eddy.Message) Fate {
	l := n.link(m.Src, m.Dest)
	switch {
	case n.places[m.Dest] == nil, l.cut:
		return Lost
	case l.lose > 0:
		l.lose--
		return Lost
	}
	fate := Arrives
	if n.script != nil {
		fate = n.script(m)
	}
	var changed Fate
	for _, delay := range fate {
		changed = append(changed, delay+l.delay)
	}
	if l.duplicate > 0 && len(changed) > 0 {
		l.duplicate--
		changed = append(changed, changed[0])
	}
	return changed
}

// spares reports whether no fault affects a message, because Start has sent it or waits for it.
func (n *Net) spares(m eddy.Message) bool {
	for _, name := range []string{m.Src, m.Dest} {
		if c, ok := n.places[name].(*Client); ok && c.spared {
			return true
		}
	}
	return false
}
