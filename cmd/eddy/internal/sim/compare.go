package sim

import (
	"fmt"
	"math"
)

// A Comparison says how far two tests drew the same fates: what chance did to
// the k-th message with some body over some link, in both. A retry that one test
// has and the other has not is compared with nothing.
type Comparison struct {
	Same, Different  int
	OnlyOne          int    // drawn in one of the tests alone
	FirstDifference  string // for people
	WithoutDuplicate bool   // a flaky link makes duplicates for a while: none were compared
}

// Compare compares the journals of two tests. What time did, and not chance, is
// left out: partitions, kills, a flaky link and how long a message took. So is
// what was sent in the calm, when nothing is drawn: a message that one test sent
// just before it, and lost, another sends just after.
func Compare(a, b *Journal) Comparison {
	c := Comparison{WithoutDuplicate: a.hadFlaky() || b.hadFlaky()}
	drawn := a.drawn()
	earliest := b.length
	for key, second := range b.drawn() {
		first, both := drawn[key]
		delete(drawn, key)
		switch {
		case !both:
			c.OnlyOne++
		case first.lost == second.lost && (c.WithoutDuplicate || first.twice == second.twice):
			c.Same++
		default:
			c.Different++
			if second.index < earliest {
				earliest = second.index
				c.FirstDifference = fmt.Sprintf("message %d is %v, and message %d of the other test is %v", first.index, first, second.index, second)
			}
		}
	}
	c.OnlyOne += len(drawn)
	return c
}

func (j *Journal) hadFlaky() bool {
	for i := range j.events {
		if f := j.events[i].Begun; f != nil && f.Kind == Flaky {
			return true
		}
	}
	return false
}

// occasion is the k-th time that a body went over a link.
type occasion struct {
	src, dest string
	body      uint64
	k         int
}

// chance is what chance did.
type chance struct {
	index       int
	lost, twice bool
}

func (c chance) String() string {
	switch {
	case c.lost && c.twice:
		return "lost and sent twice"
	case c.lost:
		return "lost"
	case c.twice:
		return "sent twice"
	}
	return "spared"
}

// calmSince is the step from which on nothing was lost or sent twice by chance.
func (j *Journal) calmSince() int {
	for i := range j.events {
		if j.events[i].What == "calm" {
			return j.events[i].Step
		}
	}
	return math.MaxInt
}

// drawn are the chances of all messages that had one.
func (j *Journal) drawn() map[occasion]chance {
	times := map[occasion]int{}
	keys := make([]occasion, j.length)
	all := make(map[occasion]chance, j.length)
	calm := j.calmSince()
	for r := range j.All() {
		if r.SentStep > calm {
			break // and so is all that follows
		}
		if r.Fate == Nobody || r.Forged {
			continue
		}
		if r.IsDuplicate() {
			if was, drawn := all[keys[r.Of]]; drawn {
				was.twice = true
				all[keys[r.Of]] = was
			}
			continue
		}
		key := occasion{src: r.Src, dest: r.Dest, body: BodyHash(r.Body)}
		times[key]++
		key.k = times[key]
		keys[r.Index] = key
		if r.Fate != EarlierLife && r.Fate != LostByFault {
			all[key] = chance{index: r.Index, lost: r.Fate == LostByLink}
		}
	}
	return all
}
