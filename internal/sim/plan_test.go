package sim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func nodes(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("n%d", i))
	}
	return names
}

func allKinds() (names []string) {
	for _, k := range Kinds {
		names = append(names, k.Name)
	}
	return names
}

var servers = []string{"s1", "s2", "s3"}

func plan(t rapid.TB, c PlanConfig) []Planned {
	t.Helper()
	p, err := Plan(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := PlanConfig{
			Seed:     rapid.Uint64().Draw(t, "seed"),
			Nodes:    nodes(rapid.IntRange(1, 9).Draw(t, "nodes")),
			Servers:  servers,
			Kinds:    rapid.SliceOfDistinct(rapid.SampledFrom(allKinds()), func(s string) string { return s }).Draw(t, "kinds"),
			Interval: time.Duration(rapid.IntRange(1, 20_000).Draw(t, "interval")) * ms,
			Until:    time.Duration(rapid.IntRange(0, 60_000).Draw(t, "until")) * ms,
		}
		c.Interval = max(c.Interval, c.Until/20)
		p := plan(t, c)
		if again := plan(t, c); !reflect.DeepEqual(p, again) {
			t.Fatalf("the same seed gives another plan: %s", cmp.Diff(p, again))
		}
		busy := map[string]time.Duration{}
		for i, f := range p {
			if f.Begin <= 0 || f.End <= f.Begin || f.End > c.Until {
				t.Fatalf("%v is not within 0..%v", &f, c.Until)
			}
			if i > 0 && f.Begin < p[i-1].Begin {
				t.Fatalf("%v comes too late", &f)
			}
			if len(f.Nodes) == 0 != f.IsServerFault() || len(f.Servers) == 0 == f.IsServerFault() {
				t.Fatalf("%v must affect either nodes or servers", &f)
			}
			for _, node := range f.Nodes {
				if !slices.Contains(c.Nodes, node) {
					t.Fatalf("%v affects an unknown node", &f)
				}
				if f.Kind == Pause || f.Kind == Kill || f.Kind == KillWipe {
					if f.Begin <= busy[node] && busy[node] > 0 {
						t.Fatalf("%v: another fault affects %s until %v", &f, node, busy[node])
					}
					busy[node] = f.End
				}
			}
			if (f.Kind == Partition) && len(f.Links) == 0 {
				t.Fatalf("%v cuts nothing", &f)
			}
		}
	})
}

func TestEveryKindOccursInAShortTime(t *testing.T) {
	for _, kind := range allKinds() {
		for seed := range uint64(50) {
			c := PlanConfig{Seed: seed, Nodes: nodes(3), Servers: servers, Kinds: []string{kind}, Interval: time.Minute, Until: time.Second}
			if p := plan(t, c); len(p) == 0 || !strings.HasPrefix(kind, string(p[0].Kind)) || p[0].IsServerFault() != NeedsServers(kind) {
				t.Errorf("%s, seed %d: %v", kind, seed, p)
			}
		}
	}
}

func TestKindsAreIndependent(t *testing.T) {
	alone := PlanConfig{Seed: 1, Nodes: nodes(5), Kinds: []string{"slow"}, Interval: time.Second, Until: time.Minute}
	both := alone
	both.Kinds = []string{"partition", "slow"}
	kept := slices.DeleteFunc(plan(t, both), func(p Planned) bool { return p.Kind != Slow })
	if diff := cmp.Diff(plan(t, alone), kept); diff != "" {
		t.Error(diff)
	}
}

// How many nodes each node receives from, in each shape.
func TestShapes(t *testing.T) {
	for _, n := range []int{2, 3, 5, 7} {
		for _, shape := range shapes {
			c := PlanConfig{Seed: 3, Nodes: nodes(n), Kinds: []string{"partition-" + shape}, Interval: time.Second, Until: 3 * time.Second}
			f := plan(t, c)[0]
			saw := map[int]int{} // by the number of nodes that a node receives from, itself included: how many such nodes
			for _, node := range c.Nodes {
				seen := n
				for _, l := range f.Links {
					if l.To == node {
						seen--
					}
				}
				saw[seen]++
			}
			want := map[string]map[int]int{
				One:    {1: 1, n - 1: n - 1},
				Halves: {n / 2: n / 2, n - n/2: n - n/2},
				Ring:   {3: n},
			}[f.Shape]
			switch {
			case f.Shape == OneWay && (saw[1] == 1 && saw[n] == n-1 || saw[n-1] == n-1 && saw[n] == 1 || n == 2):
			case f.Shape == Majority && (n == 3 && saw[2] == 3 || n == 5 && saw[3] == 5 || n == 7 && saw[5] == 7):
			case f.Shape == One && n == 2 && saw[1] == 2:
			case f.Shape == Halves && n == 2 && saw[1] == 2:
			case f.Shape == Majority || !cmp.Equal(saw, want):
				t.Errorf("%d nodes, %s: %v of %v", n, f.Shape, saw, f.Links)
			}
		}
	}
}

func TestPlanNamesTheKinds(t *testing.T) {
	_, err := Plan(PlanConfig{Kinds: []string{"kil"}, Nodes: nodes(1)})
	if err == nil || !strings.Contains(err.Error(), `"kil"`) || !strings.Contains(err.Error(), "kill-wipe") {
		t.Error(err)
	}
}

func TestFaultsOfServersNeedServers(t *testing.T) {
	for _, kind := range []string{"kill-server", "partition-servers"} {
		_, err := Plan(PlanConfig{Kinds: []string{kind}, Nodes: nodes(3)})
		if err == nil || !strings.Contains(err.Error(), kind+" needs servers") {
			t.Error(err)
		}
	}
}

// A partition of three servers cuts off one server, one link, or all servers.
func TestShapesOfServers(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(100) {
		c := PlanConfig{Seed: seed, Nodes: nodes(1), Servers: servers, Kinds: []string{"partition-servers"}, Interval: time.Second, Until: 3 * time.Second}
		f := plan(t, c)[0]
		count[f.Shape]++
		if want := map[string]int{One: 1, LinkShape: 2, All: 3}[f.Shape]; len(f.Servers) != want || !slices.IsSorted(f.Servers) {
			t.Errorf("%v", &f)
		}
	}
	if len(count) != 3 || count[One] < 10 || count[LinkShape] < 10 || count[All] < 10 {
		t.Error(count)
	}
}

// Consecutive seeds give different plans.
func TestSeedsGiveDifferentPlans(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(300) {
		c := PlanConfig{Seed: seed, Nodes: nodes(3), Kinds: []string{"partition"}, Interval: time.Second, Until: 3 * time.Second}
		f := plan(t, c)[0]
		count[f.Shape]++
		count[f.Nodes[0]]++
	}
	for _, what := range []string{One, Halves, Majority, OneWay, "n0", "n1", "n2"} {
		if count[what] < 30 {
			t.Errorf("%s: %d times of 300: %v", what, count[what], count)
		}
	}
}
