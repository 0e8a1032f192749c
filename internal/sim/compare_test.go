package sim

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
)

// exchange lets every node send requests to the next one, in the given order, and
// kills one node.
func exchange(t *testing.T, seed uint64, order []int) *Journal {
	n := New(Config{Seed: seed, Loss: 0.3, Duplicate: 0.2, Latency: Exponential(5 * ms)})
	for k, i := range order {
		now := time.Duration(k) * ms
		n.Send(now, request(t, fmt.Sprintf("n%d", i%5), fmt.Sprintf("n%d", (i+1)%5), k, i))
		drain(n, now)
		switch k {
		case len(order) / 3:
			n.Killed("n1", now)
		case len(order) / 2:
			n.Started("n1", 2, now)
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
	if c := Compare(first, exchange(t, 1, backwards)); c.Same != 300 || c.Different+c.OnlyInOne != 0 {
		t.Errorf("another order: %+v", c)
	}
	if c := Compare(first, exchange(t, 2, order)); c.Different < 100 || c.FirstDifference == "" {
		t.Errorf("another seed: %+v", c)
	}
	if c := Compare(first, exchange(t, 1, order[:200])); c.Same != 200 || c.OnlyInOne != 100 {
		t.Errorf("fewer messages: %+v", c)
	}
}

// A message that one test sends just before Quiesce and the other just after has a
// random fate only in the first. This also holds when the journals are read from
// files.
func TestCompareIgnoresMessagesAfterQuiesce(t *testing.T) {
	var journals []*Journal
	for _, quiesceAt := range []int{3, 5} {
		n := New(Config{Seed: 1, Loss: 1})
		for k := range 8 {
			now := time.Duration(k) * ms
			if k == quiesceAt {
				n.Quiesce(now)
			}
			n.Send(now, request(t, "n1", "n2", k, k%2))
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
			if got := len(j.randomFates()); got != quiesceAt {
				t.Errorf("%d messages have random fates, want %d", got, quiesceAt)
			}
		}
		journals = append(journals, read)
	}
	if c := Compare(journals[0], journals[1]); c.Same != 3 || c.Different != 0 || c.OnlyInOne != 2 {
		t.Errorf("%+v", c)
	}
}
