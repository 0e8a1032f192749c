package workload

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/history"
)

// kvRun lets clients of lin-kv send requests. Most operations of a client end before its
// next one, in a random order; one in indefinite writes is indefinite. check is called with
// each request and the operations that are open on its key.
func kvRun(t *testing.T, w *linKV, clients, ops, indefinite int, check func(client int, req Request, open int)) {
	r := rand.New(rand.NewPCG(1, 1))
	busy := map[int]*Request{}
	open := map[int64]int{}
	end := func(client int) {
		req := busy[client]
		if req == nil {
			return
		}
		delete(busy, client)
		open[req.Key]--
		outcome := history.OK
		if r.IntN(indefinite) == 0 {
			outcome = history.Indefinite
		} else {
			reply := `{"type":"write_ok"}`
			if req.F == "read" {
				reply = `{"type":"read_ok","value":7}`
			}
			if _, err := w.Read(req, []byte(reply)); err != nil {
				t.Fatal(err)
			}
		}
		w.Ended(req, outcome)
	}
	for i := range ops {
		client := i % clients
		end(client)
		*w.env.Turn = Turn{Number: int64(i + 1), Client: client}
		req := w.Next("n1")
		busy[client] = &req
		open[req.Key]++
		check(client, req, open[req.Key])
		if r.IntN(2) == 0 {
			end(r.IntN(clients))
		}
	}
}

func testLinKV() *linKV {
	return newLinKV(Env{Nodes: []string{"n1"}, Turn: &Turn{}, Rand: rand.New(rand.NewPCG(1, 2))}).(*linKV)
}

// Many keys are used, each again and again by different groups, and by few clients at a
// time. No value is written twice.
func TestLinKVKeysAndValues(t *testing.T) {
	times := map[int64]int{}          // by key
	users := map[int64]map[int]bool{} // by key, the groups
	values := map[string]bool{}
	kvRun(t, testLinKV(), 20, 5000, 1_000_000, func(client int, req Request, open int) {
		if open > 2*kvGroupSize { // a group may be late on its old key
			t.Fatalf("%d operations on key %d are open", open, req.Key)
		}
		times[req.Key]++
		if users[req.Key] == nil {
			users[req.Key] = map[int]bool{}
		}
		users[req.Key][client/kvGroupSize] = true
		value := string(req.Value)
		if req.F == "cas" {
			_, value, _ = strings.Cut(strings.Trim(value, "[]"), ",")
		}
		if value != "" && values[value] {
			t.Fatalf("%s is written twice", value)
		}
		values[value] = true
	})
	if len(times) != kvKeys {
		t.Errorf("%d keys", len(times))
	}
	several := 0
	for key := range times {
		if len(users[key]) > 1 {
			several++
		}
	}
	if several < kvKeys*3/4 {
		t.Errorf("only %d keys are used by several groups", several)
	}
}

// A key is no longer used when too many operations on it are indefinite.
func TestLinKVLeavesUndecidedKeys(t *testing.T) {
	w := testLinKV()
	kvRun(t, w, 20, 20_000, 4, func(_ int, req Request, open int) {
		if k := w.keys[req.Key]; k.indefinite > maxIndefinite+kvGroupSize {
			t.Fatalf("key %d is used, although %d operations on it are indefinite", req.Key, k.indefinite)
		}
	})
	if len(w.keys) <= kvKeys+10 {
		t.Errorf("%d keys", len(w.keys))
	}
}

// Half of the requests are reads, and most cas are from the latest value.
func TestLinKVMix(t *testing.T) {
	w := testLinKV()
	count := map[string]int{}
	kvRun(t, w, 5, 4000, 1_000_000, func(_ int, req Request, _ int) {
		count[req.F]++
		var from int64
		if _, err := fmt.Sscanf(string(req.Value), "[%d,", &from); req.F == "cas" && err == nil && from == w.keys[req.Key].last {
			count["latest"]++
		}
	})
	if count["read"] < 1900 || count["write"] < 900 || count["cas"] < 900 || count["latest"] < count["cas"]*6/10 {
		t.Errorf("%v", count)
	}
}

// Elements are different, not in their order, and some need more than 24 bits.
func TestElements(t *testing.T) {
	seen := map[int64]bool{}
	highest, lower, large := int64(-1), 0, 0
	for i := range int64(100_000) {
		v := element(i)
		if seen[v] || v < 0 || v >= 1<<25 {
			t.Fatalf("element %d is %d", i, v)
		}
		seen[v] = true
		if v < highest {
			lower++
		}
		highest = max(highest, v)
		if v >= 1<<24 {
			large++
		}
	}
	if !seen[0] || element(0) != 0 || lower < 50_000 || large != 100_000/8 {
		t.Errorf("0: %v; %d are lower than one before, %d are large", seen[0], lower, large)
	}
}

// Unusual texts are valid in a JSON string, and only a few are long.
func TestUnusual(t *testing.T) {
	long, other := 0, 0
	for n := range int64(100_000) {
		text := unusual(n)
		var s string
		if err := json.Unmarshal([]byte(`"`+text+`"`), &s); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		switch {
		case len(text) > 1<<16:
			long++
		case text != "":
			other++
		}
	}
	if long < 8 || long > 20 || other < 10_000 {
		t.Errorf("%d are long, %d are unusual", long, other)
	}
}
