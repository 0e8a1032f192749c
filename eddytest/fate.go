package eddytest

import (
	"time"

	"github.com/eddyrpc/eddy"
)

// A Fate is what becomes of a message: after how long each copy of it arrives.
// One copy is the rule, none is a loss, two are a duplicate.
type Fate []time.Duration

// The plain fates. Fate{300 * time.Millisecond} is a delay, Fate{0, time.Second}
// a duplicate that comes a second later.
var (
	Lost    = Fate(nil)
	Arrives = Fate{0}
)

// A link is one direction between two places.
type link struct {
	lose, duplicate int // how many of the next messages
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

// Delay makes every message from src to dest take this long from now on.
func (n *Net) Delay(src, dest string, d time.Duration) {
	n.change(src, dest, func(l *link) { l.delay = d })
}

// Cut loses all that a and b send each other, until Heal. What is on its way
// still arrives.
func (n *Net) Cut(a, b string) { n.setCut(a, b, true) }

// Heal ends a Cut.
func (n *Net) Heal(a, b string) { n.setCut(a, b, false) }

func (n *Net) setCut(a, b string, cut bool) {
	n.change(a, b, func(l *link) { l.cut = cut })
	n.change(b, a, func(l *link) { l.cut = cut })
}

// Script asks f for the fate of every message that is not lost by Cut or Lose;
// Duplicate and Delay add to what it says. f is called for one message at a
// time, in the order they are sent, and must not use the net. nil ends it.
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

// fate decides what becomes of a message.
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

// spares reports whether no fault may meet a message: it belongs to Start.
func (n *Net) spares(m eddy.Message) bool {
	for _, name := range []string{m.Src, m.Dest} {
		if c, ok := n.places[name].(*Client); ok && c.spared {
			return true
		}
	}
	return false
}
