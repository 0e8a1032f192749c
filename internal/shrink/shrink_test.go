package shrink

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
)

// chance returns a chance with a number.
func chance(number int) (c sim.Chance) {
	if err := c.UnmarshalText(fmt.Appendf(nil, "lost %016x", number)); err != nil {
		panic(err)
	}
	return c
}

// drawCase draws a case of up to four nodes.
func drawCase(t *rapid.T) *trial.Case {
	c := &trial.Case{Version: trial.CaseVersion, Nodes: []string{"n1", "n2", "n3", "n4"}[:rapid.IntRange(1, 4).Draw(t, "nodes")], TimeLimit: 10 * time.Second}
	node := rapid.SampledFrom(c.Nodes)
	for i := range rapid.IntRange(0, 6).Draw(t, "faults") {
		f := sim.Planned{Fault: sim.Fault{Kind: sim.Kill}, Begin: time.Duration(i) * time.Second, End: time.Duration(i+1) * time.Second}
		f.Nodes = slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(node, 1, 3).Draw(t, "killed"))))
		if rapid.Bool().Draw(t, "partition") {
			f.Kind, f.Links = sim.Partition, []sim.Link{{From: node.Draw(t, "from"), To: node.Draw(t, "to")}}
		}
		c.Faults = append(c.Faults, f)
	}
	for i := range rapid.IntRange(0, 10).Draw(t, "fates") {
		c.Fates = append(c.Fates, chance(i))
	}
	for i := range rapid.IntRange(0, 40).Draw(t, "asks") {
		c.Asks = append(c.Asks, trial.Ask{At: time.Duration(i) * 200 * time.Millisecond, Node: node.Draw(t, "node"), Turn: int64(i)})
	}
	return c
}

// single returns the cases without a single element.
func single(c *trial.Case) (all []*trial.Case) {
	add := func(change func(*trial.Case)) {
		less := *c
		less.Faults = slices.Clone(c.Faults)
		change(&less)
		all = append(all, &less)
	}
	for i := range c.Faults {
		add(func(c *trial.Case) { c.Faults = slices.Delete(c.Faults, i, i+1) })
		for k := range c.Faults[i].Nodes {
			if c.Faults[i].Kind == sim.Kill && len(c.Faults[i].Nodes) > 1 {
				add(func(c *trial.Case) { c.Faults[i].Nodes = slices.Delete(slices.Clone(c.Faults[i].Nodes), k, k+1) })
			}
		}
	}
	for i := range c.Fates {
		add(func(c *trial.Case) { c.Fates = slices.Delete(slices.Clone(c.Fates), i, i+1) })
	}
	for i := range c.Asks {
		add(func(c *trial.Case) { c.Asks = slices.Delete(slices.Clone(c.Asks), i, i+1) })
	}
	for _, name := range c.Nodes {
		if len(c.Nodes) > 1 {
			all = append(all, WithoutNode(c, name))
		}
	}
	return all
}

// A needs is what an artificial case needs to fail.
type needs struct {
	turns, fates []int
	kinds        map[sim.FaultKind]int // how many faults of a kind
	nodes        int
	odd          bool // an odd number of requests, so that removing one never fails
	chaos        int  // if not 0, the share of cases that fail by themselves, one in chaos
}

func drawNeeds(t *rapid.T, c *trial.Case) needs {
	n := needs{kinds: map[sim.FaultKind]int{}, nodes: rapid.IntRange(1, len(c.Nodes)).Draw(t, "needed nodes")}
	if len(c.Asks) > 0 {
		n.turns = rapid.SliceOfN(rapid.IntRange(0, len(c.Asks)-1), 0, 4).Draw(t, "needed turns")
	}
	if len(c.Fates) > 0 {
		n.fates = rapid.SliceOfN(rapid.IntRange(0, len(c.Fates)-1), 0, 3).Draw(t, "needed fates")
	}
	for _, f := range c.Faults {
		if rapid.Bool().Draw(t, "needed fault") {
			n.kinds[f.Kind]++
		}
	}
	n.odd = rapid.Bool().Draw(t, "odd") && len(c.Asks)%2 == 1
	n.chaos = rapid.SampledFrom([]int{0, 0, 2, 5}).Draw(t, "chaos")
	return n
}

func (n *needs) fail(c *trial.Case) bool {
	if n.chaos > 0 {
		key := hash(c)
		h := fnv.New32()
		h.Write(key[:])
		return int(h.Sum32())%n.chaos == 0
	}
	kinds := map[sim.FaultKind]int{}
	for _, f := range c.Faults {
		kinds[f.Kind]++
	}
	for kind, count := range n.kinds {
		if kinds[kind] < count {
			return false
		}
	}
	for _, turn := range n.turns {
		if !slices.ContainsFunc(c.Asks, func(a trial.Ask) bool { return a.Turn == int64(turn) }) {
			return false
		}
	}
	for _, number := range n.fates {
		if !slices.Contains(c.Fates, chance(number)) {
			return false
		}
	}
	return len(c.Nodes) >= n.nodes && (!n.odd || len(c.Asks)%2 == 1)
}

// Shrink returns a case that fails and from which nothing can be removed, runs no case
// twice and never the given one.
func TestShrink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		n := drawNeeds(t, c)
		before := hash(c)
		ran := map[any]bool{before: true}
		reported := 0
		res := Shrink(c, func(c *trial.Case) bool {
			if ran[hash(c)] {
				t.Fatalf("a case was run again: %v", SizeOf(c))
			}
			ran[hash(c)] = true
			return n.fail(c)
		}, Options{OnProgress: func(p Progress) { reported = p.Runs }})
		switch {
		case !res.Minimal:
			t.Fatal("the search is not limited, and the result is not minimal")
		case hash(c) != before:
			t.Fatal("the given case was changed")
		case res.Runs != len(ran)-1 || res.Runs != reported:
			t.Fatalf("%d runs, %d were reported last, and %d were made", res.Runs, reported, len(ran)-1)
		case res.Case != c && !n.fail(res.Case):
			t.Fatalf("the result does not fail: %v", SizeOf(res.Case))
		}
		for _, less := range single(res.Case) {
			if n.fail(less) && hash(less) != before {
				t.Fatalf("%v can be reduced to %v", SizeOf(res.Case), SizeOf(less))
			}
		}
	})
}

// A search ends when it has used up its runs or its time, with the best that it has.
func TestShrinkWithinLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		n := drawNeeds(t, c)
		all := Shrink(c, n.fail, Options{})
		limit, runs := rapid.IntRange(1, all.Runs+2).Draw(t, "runs"), 0
		byTime := rapid.Bool().Draw(t, "by time")
		o := Options{Runs: limit}
		if byTime {
			o = Options{Expired: func() bool { return runs >= limit }}
		}
		res := Shrink(c, func(c *trial.Case) bool {
			runs++
			return n.fail(c)
		}, o)
		switch {
		case runs > limit || res.Runs != runs:
			t.Fatalf("%d runs, %d reported, the limit is %d", runs, res.Runs, limit)
		case res.Minimal != (limit >= all.Runs):
			t.Fatalf("minimal: %v; the limit is %d, and the whole search has %d runs", res.Minimal, limit, all.Runs)
		case res.Case != c && !n.fail(res.Case):
			t.Fatal("the result does not fail")
		}
	})
}

// Shrinking takes few runs if a case has a thousand requests and fails because of three
// of them.
func TestShrinkIsFast(t *testing.T) {
	c := &trial.Case{Nodes: []string{"n1"}, TimeLimit: time.Minute}
	for i := range 1000 {
		c.Asks = append(c.Asks, trial.Ask{Node: "n1", Turn: int64(i)})
		c.Fates = append(c.Fates, chance(i))
	}
	n := needs{turns: []int{17, 500, 983}, fates: []int{321}}
	if res := Shrink(c, n.fail, Options{}); res.Runs > 150 || len(res.Case.Asks) != 3 || len(res.Case.Fates) != 1 {
		t.Errorf("%d runs to %v", res.Runs, SizeOf(res.Case))
	}
}

// The main phase of the result begins with the first request or fault, and ends with the
// last.
func TestShrinkSavesTime(t *testing.T) {
	c := &trial.Case{Nodes: []string{"n1"}, TimeLimit: time.Minute}
	for i := range 60 {
		c.Asks = append(c.Asks, trial.Ask{At: time.Duration(i) * time.Second, Node: "n1", Turn: int64(i)})
	}
	c.Faults = []sim.Planned{{Fault: sim.Fault{Kind: sim.Kill, Nodes: []string{"n1"}}, Begin: 11 * time.Second, End: 15 * time.Second}}
	n := needs{turns: []int{10, 12}, kinds: map[sim.FaultKind]int{sim.Kill: 1}}
	res := Shrink(c, n.fail, Options{}).Case
	if res.Asks[0].At != 0 || res.Asks[1].At != 2*time.Second || res.Faults[0].Begin != time.Second || res.TimeLimit != 5*time.Second+afterLast {
		t.Errorf("%+v", res)
	}
	needsTime := func(c *trial.Case) bool { return n.fail(c) && c.TimeLimit >= 20*time.Second }
	if res := Shrink(c, needsTime, Options{}).Case; res.TimeLimit < 20*time.Second || res.TimeLimit > 24*time.Second {
		t.Errorf("%v", res.TimeLimit)
	}
}

// As many nodes are left as the program needs, at least one.
func TestShrinkKeepsNodes(t *testing.T) {
	c := &trial.Case{Nodes: []string{"n1", "n2", "n3"}, TimeLimit: time.Second}
	for least, want := range []int{1, 1, 2, 3, 3} {
		res := Shrink(c, func(c *trial.Case) bool { return true }, Options{MinNodes: least})
		if len(res.Case.Nodes) != want {
			t.Errorf("at least %d: %q", least, res.Case.Nodes)
		}
	}
}

// Without a node, its requests and what faults do to it are gone.
func TestWithoutNode(t *testing.T) {
	link := func(from, to string) sim.Link { return sim.Link{From: from, To: to} }
	c := &trial.Case{Nodes: []string{"n1", "n2", "n3"}, Asks: []trial.Ask{{Node: "n1"}, {Node: "n2"}}, Faults: []sim.Planned{
		{Fault: sim.Fault{Kind: sim.Kill, Nodes: []string{"n2"}}},
		{Fault: sim.Fault{Kind: sim.Kill, Nodes: []string{"n1", "n2"}}},
		{Fault: sim.Fault{Kind: sim.Partition, Nodes: []string{"n2"}, Links: []sim.Link{link("n2", "n1"), link("n1", "n3")}}},
		{Fault: sim.Fault{Kind: sim.Clog, Nodes: []string{"n1", "n2"}, Links: []sim.Link{link("n1", "n2")}}},
	}}
	less := WithoutNode(c, "n2")
	if fmt.Sprint(less.Nodes, less.Asks) != "[n1 n3] [{0s 0 n1 0}]" || len(less.Faults) != 2 || less.Faults[0].String() != "0s..0s kill n1" ||
		fmt.Sprint(less.Faults[1].Links) != "[n1→n3]" || len(c.Faults[1].Nodes) != 2 {
		t.Errorf("%+v", less)
	}
}
