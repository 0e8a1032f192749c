package challenge

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
)

// Grid sends every node its neighbours in a square grid that is filled row by row.
func (c *Cluster) Grid() {
	side := 1
	for side*side < len(c.Nodes) {
		side++
	}
	near := map[string][]string{}
	join := func(a, b string) { near[a], near[b] = append(near[a], b), append(near[b], a) }
	for i, id := range c.Nodes {
		if i%side > 0 {
			join(c.Nodes[i-1], id)
		}
		if i >= side {
			join(c.Nodes[i-side], id)
		}
	}
	for _, id := range c.Nodes {
		c.Client.Call(id, map[string]any{"type": "topology", "topology": near})
	}
}

// A Spread is the time from when a value is sent until every node shows it.
type Spread struct{ Median, Max time.Duration }

// Broadcast is a Load of broadcasts and reads, alternately. It also reads all nodes
// every 20 ms until each knows all values. So the times may be 20 ms too long.
func (c *Cluster) Broadcast(t testing.TB, rate int, during time.Duration) Spread {
	const tick = 20 * time.Millisecond
	observer := c.Net.Client("c2")
	waiting, spread, looked := map[int64]time.Time{}, []time.Duration{}, time.Now()
	look := func() {
		synctest.Wait() // for the messages of this moment
		looked = time.Now()
		shown := map[int64]int{}
		for _, id := range c.Nodes {
			var body struct {
				Messages []int64 `json:"messages"`
			}
			if err := observer.Call(id, eddy.Raw(`{"type":"read"}`)).Body.Decode(&body); err != nil {
				t.Fatal(err)
			}
			for _, message := range body.Messages {
				shown[message]++
			}
		}
		for message, begun := range waiting {
			if shown[message] == len(c.Nodes) {
				spread = append(spread, looked.Sub(begun))
				delete(waiting, message)
			}
		}
	}
	c.Load(rate, during, func(i int) any {
		if time.Since(looked) >= tick {
			look()
		}
		if i%2 == 1 {
			return eddy.Raw(`{"type":"read"}`)
		}
		waiting[int64(i)] = time.Now()
		return map[string]any{"type": "broadcast", "message": i}
	})
	for end := time.Now().Add(time.Minute); len(waiting) > 0; time.Sleep(tick) {
		if look(); time.Now().After(end) {
			t.Fatalf("a minute later %d values are not known everywhere", len(waiting))
		}
	}
	time.Sleep(time.Second) // for the last acknowledgements
	slices.Sort(spread)
	return Spread{spread[len(spread)/2], spread[len(spread)-1]}
}

// Outlast cuts a node off for a minute, on a bad network, while this node and another
// one get values. It checks that all nodes know all values soon after.
func (c *Cluster) Outlast(t testing.TB, seed uint64) {
	c.Faults(seed)
	c.Isolate(c.Nodes[1])
	for i := range 10 {
		c.Client.Call(c.Nodes[i%2], map[string]any{"type": "broadcast", "message": i})
	}
	time.Sleep(time.Minute)
	c.Join(c.Nodes[1])
	time.Sleep(10 * time.Second)
	for _, id := range c.Nodes {
		var known []int
		if err := c.Client.Call(id, eddy.Raw(`{"type":"read"}`)).Body.Get("messages").Decode(&known); err != nil {
			t.Fatal(err)
		}
		if slices.Sort(known); !slices.Equal(known, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("%s knows %v, want 0 to 9", id, known)
		}
	}
}
