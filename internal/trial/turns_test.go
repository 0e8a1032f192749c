package trial

import (
	"fmt"
	"slices"
	"testing"

	"github.com/eddyrpc/eddy/internal/sim"
)

// What a client asks does not depend on the order in which clients get their replies.
func TestTurns(t *testing.T) {
	const clients, rounds = 4, 20
	for _, name := range []string{"echo", "broadcast", "lin-kv", "relay"} {
		// ask returns what each client asks if they ask in an order.
		ask := func(order []int) (asked [clients][]string) {
			d := newDesk(t, name, sim.Config{Seed: 7})
			d.cfg.Concurrency = clients
			all := make([]client, clients)
			for i := range all {
				all[i] = client{number: int64(i), node: d.nodes[i%len(d.nodes)]}
			}
			for _, i := range order {
				d.setTurn(&all[i], d.nextTurn(&all[i]))
				req := d.load.Next(all[i].node.name)
				asked[i] = append(asked[i], fmt.Sprintf("%s %d %s", req.F, req.Key, req.Body))
			}
			return asked
		}
		var inTurn, oneByOne []int
		for range rounds {
			inTurn = append(inTurn, 0, 1, 2, 3)
		}
		for i := range clients {
			oneByOne = append(oneByOne, slices.Repeat([]int{i}, rounds)...)
		}
		a, b := ask(inTurn), ask(oneByOne)
		every := map[string]int{}
		for i := range clients {
			if !slices.Equal(a[i], b[i]) {
				t.Errorf("%s: client %d asks %q or %q", name, i, a[i], b[i])
			}
			kinds := map[string]bool{}
			for _, request := range a[i] {
				every[request]++
				kinds[request[:4]] = true
			}
			if name == "broadcast" && len(kinds) != 2 {
				t.Errorf("client %d asks only %q", i, a[i])
			}
		}
		if unique := name == "echo" || name == "relay"; unique && len(every) != clients*rounds {
			t.Errorf("%s: %d different requests of %d", name, len(every), clients*rounds)
		}
	}
}
