package sim

import (
	"fmt"
	"math"
)

// A Comparison compares the random fates of messages in two tests: of the k-th
// message with the same body on the same link in both.
type Comparison struct {
	Same, Different  int
	OnlyInOne        int    // messages that were sent in only one of the tests
	FirstDifference  string // for people
	WithoutDuplicate bool   // duplicates were not compared, because of a flaky link
}

// Compare compares the journals of two tests. It ignores what depends on the time
// and not on the seed: partitions, kills, flaky links and how long a message took.
// It also ignores messages sent after Quiesce, which have no random fate: one test
// may send and lose a message just before Quiesce that the other sends just after.
func Compare(a, b *Journal) Comparison {
	c := Comparison{WithoutDuplicate: a.hadFlaky() || b.hadFlaky()}
	fates := a.randomFates()
	earliest := b.length
	for key, second := range b.randomFates() {
		first, both := fates[key]
		delete(fates, key)
		switch {
		case !both:
			c.OnlyInOne++
		case first.lost == second.lost && (c.WithoutDuplicate || first.duplicated == second.duplicated):
			c.Same++
		default:
			c.Different++
			if second.index < earliest {
				earliest = second.index
				c.FirstDifference = fmt.Sprintf("message %d is %v, and message %d of the other test is %v", first.index, first, second.index, second)
			}
		}
	}
	c.OnlyInOne += len(fates)
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

// A sending is the k-th time that a body is sent over a link.
type sending struct {
	src, dest string
	body      uint64
	k         int
}

// A randomFate is the part of a message's fate that the seed decides.
type randomFate struct {
	index            int // of the message, in its journal
	lost, duplicated bool
}

func (f randomFate) String() string {
	switch {
	case f.lost && f.duplicated:
		return "lost and duplicated"
	case f.lost:
		return "lost"
	case f.duplicated:
		return "duplicated"
	}
	return "neither lost nor duplicated"
}

// quiescedAt is the step at which random loss and duplication ended.
func (j *Journal) quiescedAt() int {
	for i := range j.events {
		if j.events[i].What == "quiesced" {
			return j.events[i].Step
		}
	}
	return math.MaxInt
}

// randomFates returns the random fates of all messages that have one.
func (j *Journal) randomFates() map[sending]randomFate {
	times := map[sending]int{}
	keys := make([]sending, j.length)
	all := make(map[sending]randomFate, j.length)
	quiesced := j.quiescedAt()
	for r := range j.All() {
		if r.SentStep > quiesced {
			break
		}
		if r.Fate == UnknownDest || r.Forged {
			continue
		}
		if r.IsDuplicate() {
			if original, ok := all[keys[r.Of]]; ok {
				original.duplicated = true
				all[keys[r.Of]] = original
			}
			continue
		}
		key := sending{src: r.Src, dest: r.Dest, body: BodyHash(r.Body)}
		times[key]++
		key.k = times[key]
		keys[r.Index] = key
		if r.Fate != StaleReply && r.Fate != LostByFault {
			all[key] = randomFate{index: r.Index, lost: r.Fate == LostByLink}
		}
	}
	return all
}
