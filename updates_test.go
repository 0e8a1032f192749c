package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A tally is a number that goes up and down, so that the same value comes again. If updates
// store in Last what each node has done last, no tally is equal to an earlier one.
type tally struct {
	N    int
	Last map[string]int `json:",omitempty"`
}

// A contest is a number of nodes that update one key on a network with faults.
type contest struct {
	seed         uint64
	nodes, ops   int     // ops of each node
	lose, double float64 // of the messages
	delay        time.Duration
	sequential   bool // on seq-kv
	ids          bool // updates leave an id in Last
	again        bool // Update goes on after a timeout
	naive        bool // without Update, by a plain loop of compare-and-swap
	mu           sync.Mutex
	random       *rand.Rand
	at           []int            // the operation that each node is at
	of           map[[2]int64]int // which operation a swap belongs to: by node and msg_id
	effects      []int            // of each operation: how often the service made its swap
	outcomes     []error
}

func (c *contest) chance(p float64) bool { return c.random.Float64() < p }
func (c *contest) upTo(d time.Duration) time.Duration {
	return time.Duration(c.random.Int64N(int64(d) + 1))
}

// step returns what operation op adds.
func step(op int) int { return 1 - op%2*2 }

// fate loses, duplicates and delays messages. It counts the swaps of the service, which
// sends cas_ok for each.
func (c *contest) fate(m eddy.Message) eddytest.Fate {
	c.mu.Lock()
	defer c.mu.Unlock()
	number := func(node string) (i int64) { fmt.Sscanf(node, "n%d", &i); return i }
	switch m.Type() {
	case "cas":
		c.of[[2]int64{number(m.Src), m.ID}] = c.at[number(m.Src)]
	case "cas_ok":
		c.effects[c.of[[2]int64{number(m.Dest), m.InReplyTo}]]++
	}
	switch {
	case c.chance(c.lose):
		return eddytest.Lost
	case c.chance(c.double):
		return eddytest.Fate{c.upTo(c.delay), c.upTo(20 * c.delay)}
	case c.chance(0.1): // very late
		return eddytest.Fate{c.upTo(20 * c.delay)}
	}
	return eddytest.Fate{c.upTo(c.delay)}
}

// run makes all the updates, and returns the value in the end.
func (c *contest) run(t *testing.T) (end tally) {
	withServices(t, c.nodes, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
		c.random = rand.New(rand.NewPCG(c.seed, 0))
		c.at, c.of = make([]int, c.nodes+1), map[[2]int64]int{}
		c.effects, c.outcomes = make([]int, c.nodes*c.ops), make([]error, c.nodes*c.ops)
		of := eddy.LinKV[tally]
		if c.sequential {
			of = eddy.SeqKV[tally]
		}
		net.Script(c.fate)
		var all sync.WaitGroup
		for i, n := range nodes {
			all.Go(func() {
				kv := of(n)
				for j := range c.ops {
					op := i*c.ops + j
					c.mu.Lock()
					c.at[i+1] = op
					c.mu.Unlock()
					c.outcomes[op] = c.update(kv, n.ID(), op)
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute) // until the last messages have arrived
		net.Script(nil)
		end, _ = of(nodes[0]).Fresh(context.Background(), "x")
	})
	return end
}

func (c *contest) update(kv *eddy.KV[tally], node string, op int) error {
	f := func(old tally, _ bool) (tally, error) {
		if c.ids {
			if last, ok := old.Last[node]; ok && last == op {
				return old, nil // it was made
			}
			old.Last = maps.Clone(old.Last)
			if old.Last == nil {
				old.Last = map[string]int{}
			}
			old.Last[node] = op
		}
		old.N += step(op)
		return old, nil
	}
	kv.Again = c.again
	ctx := context.Background()
	if !c.naive {
		_, err := kv.Update(ctx, "x", f)
		return err
	}
	kv.Changes = &eddy.Policy{} // each swap is sent up to three times
	for range 30 {
		old, err := kv.ReadOr(ctx, "x", tally{})
		if err != nil {
			return err
		}
		value, _ := f(old, true)
		if err := kv.CompareAndSwap(ctx, "x", old, value, true); !errors.Is(err, eddy.PreconditionFailed) {
			return err
		}
		c.mu.Lock()
		pause := c.upTo(100 * time.Millisecond)
		c.mu.Unlock()
		time.Sleep(pause)
	}
	return eddy.PreconditionFailed
}

// wrongs describes the operations whose outcome is not true.
func (c *contest) wrongs(end tally) (wrong []string) {
	least, most := 0, 0
	for op, err := range c.outcomes {
		count, indefinite := c.effects[op], errors.Is(err, eddy.ErrIndefinite)
		switch {
		case err == nil && count != 1, indefinite && count > 1, err != nil && !indefinite && count > 0:
			wrong = append(wrong, fmt.Sprintf("operation %d had %d effects, and says: %v", op, count, err))
		case err == nil:
			least, most = least+step(op), most+step(op)
		case indefinite:
			least, most = least+min(step(op), 0), most+max(step(op), 0)
		}
	}
	if len(wrong) == 0 && (end.N < least || end.N > most) {
		wrong = append(wrong, fmt.Sprintf("the end is %d, not from %d to %d", end.N, least, most))
	}
	return wrong
}

func drawContest(t *rapid.T) *contest {
	return &contest{
		seed:       rapid.Uint64().Draw(t, "seed"),
		nodes:      rapid.IntRange(1, 5).Draw(t, "nodes"),
		ops:        rapid.IntRange(1, 12).Draw(t, "ops"),
		lose:       rapid.Float64Range(0, 0.3).Draw(t, "lose"),
		double:     rapid.SampledFrom([]float64{0, 0.1, 0.5}).Draw(t, "double"),
		delay:      time.Duration(rapid.IntRange(0, 200).Draw(t, "delay")) * time.Millisecond,
		sequential: rapid.Bool().Draw(t, "seq-kv"),
		ids:        rapid.Bool().Draw(t, "ids"),
	}
}

// Many nodes update one key on a network that loses and delays. If they use ids and Again,
// the network also duplicates. An Update that returns nil was made once. One that returns
// ErrIndefinite was made once at most, and one that returns another error was not made. A
// plain loop that sends a swap again after a timeout breaks this. So does Update without ids
// on a network that duplicates, as its documentation says.
func TestUpdatesOnABadNetwork(t *testing.T) {
	var ok, unsure, lost, contests, naive, copies, unsureAgain, okAgain int
	for range 3 { // of 100 each
		rapid.Check(t, func(rt *rapid.T) {
			c := drawContest(rt)
			double := c.double
			c.double = 0
			for _, wrong := range c.wrongs(c.run(t)) {
				rt.Error(wrong)
			}
			contests++
			for _, err := range c.outcomes {
				switch {
				case err == nil:
					ok++
				case errors.Is(err, eddy.ErrIndefinite):
					unsure++
				default:
					lost++
				}
			}
			if c.ids {
				c.again, c.double = true, double
				for _, wrong := range c.wrongs(c.run(t)) {
					rt.Errorf("again: %s", wrong)
				}
				for _, err := range c.outcomes {
					if err == nil {
						okAgain++
					} else if errors.Is(err, eddy.ErrIndefinite) {
						unsureAgain++
					}
				}
				return
			}
			c.double = 0.3
			copies += len(c.wrongs(c.run(t)))
			c.double, c.naive = 0, true
			naive += len(c.wrongs(c.run(t)))
		})
	}
	t.Logf("%d contests: %d updates made, %d indefinite, %d not made; with Again %d made, %d indefinite", contests, ok, unsure, lost, okAgain, unsureAgain)
	t.Logf("wrong outcomes of the plain loop: %d; on networks that duplicate: %d", naive, copies)
	if ok == 0 || unsure < 50 || lost == 0 || naive < 50 || copies < 50 {
		t.Error("the networks are not bad enough")
	}
}

// Many nodes update the same key at the same time, and all succeed.
func TestUpdatesInContention(t *testing.T) {
	const count, each = 50, 4
	for _, delay := range []time.Duration{0, time.Millisecond, 100 * time.Millisecond} {
		withServices(t, count, func(t *testing.T, net *eddytest.Net, nodes []*eddy.Node) {
			net.Script(func(eddy.Message) eddytest.Fate { return eddytest.Fate{delay} })
			var all sync.WaitGroup
			start := time.Now()
			for _, n := range nodes {
				all.Go(func() {
					for range each {
						if _, err := eddy.LinKV[int](n).Update(t.Context(), "x", increment); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			t.Logf("%d updates by %d nodes, %v a message: %v, %d swaps", count*each, count, delay, time.Since(start), sent(net, "lin-kv", "cas"))
			if v, err := eddy.LinKV[int](nodes[0]).Read(t.Context(), "x"); v != count*each || err != nil {
				t.Error(v, err)
			}
		})
	}
}
