package sim

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
)

// exchange has every node ask the next, in the order given, and kills one.
func exchange(t *testing.T, seed uint64, order []int) *Journal {
	n := New(Config{Seed: seed, Loss: 0.3, Duplicate: 0.2, Latency: Exponential(5 * ms)})
	for turn, i := range order {
		now := time.Duration(turn) * ms
		n.Send(now, request(t, fmt.Sprintf("n%d", i%5), fmt.Sprintf("n%d", (i+1)%5), turn, i))
		drain(n, now)
		switch turn {
		case len(order) / 3:
			n.Killed("n1", now)
		case len(order) / 2:
			n.Started("n1", 1, now)
		}
	}
	return n.Journal()
}

func TestCompare(t *testing.T) {
	var order []int
	for i := range 300 {
		order = append(order, i%200)
	}
	backwards := slices.Clone(order)
	slices.Reverse(backwards)
	first := exchange(t, 1, order)
	if c := Compare(first, exchange(t, 1, backwards)); c.Same != 300 || c.Different+c.OnlyOne != 0 {
		t.Errorf("another order: %+v", c)
	}
	if c := Compare(first, exchange(t, 2, order)); c.Different < 100 || c.FirstDifference == "" {
		t.Errorf("another seed: %+v", c)
	}
	if c := Compare(first, exchange(t, 1, order[:200])); c.Same != 200 || c.OnlyOne != 100 {
		t.Errorf("fewer messages: %+v", c)
	}
}

// A message that one test sent just before the calm and another just after met
// no chance in the second. Also when the journals are read from their files.
func TestCompareLeavesOutTheCalm(t *testing.T) {
	var journals []*Journal
	for _, calmAt := range []int{3, 5} {
		n := New(Config{Seed: 1, Loss: 1})
		for turn := range 8 {
			now := time.Duration(turn) * ms
			if turn == calmAt {
				n.Calm(now)
			}
			n.Send(now, request(t, "n1", "n2", turn, turn%2))
			drain(n, now)
		}
		var file bytes.Buffer
		if _, err := n.Journal().WriteTo(&file); err != nil {
			t.Fatal(err)
		}
		read, err := ReadJournal(&file)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range []*Journal{n.Journal(), read} {
			if got := len(j.drawn()); got != calmAt {
				t.Errorf("%d messages were drawn, want %d", got, calmAt)
			}
		}
		journals = append(journals, read)
	}
	if c := Compare(journals[0], journals[1]); c.Same != 3 || c.Different != 0 || c.OnlyOne != 2 {
		t.Errorf("%+v", c)
	}
}
