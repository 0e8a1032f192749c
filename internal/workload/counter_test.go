package workload

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/history"
)

func seeded() Env { return Env{Nodes: []string{"n1", "n2"}, Rand: rand.New(rand.NewPCG(1, 2))} }

// The shares of requests are those of Maelstrom's generators, and a set gets some elements
// again.
func TestGenerators(t *testing.T) {
	for _, test := range []struct {
		load         Workload
		adds         float64
		least, most  int64
		again, count float64
	}{
		{newGSet(seeded()), 0.5, 0, 0, 1.0 / 8, 10_000},
		{newGCounter(seeded()), 1.0 / 3, 0, 4, 1, 10_000},
		{newPNCounter(seeded()), 0.5, -5, 4, 1, 10_000},
	} {
		values, adds, again := map[string]bool{}, 0.0, 0.0
		for range int(test.count) {
			r := test.load.Next("n1")
			if r.F == "read" {
				if string(r.Body) != `{"type":"read"}` || r.Want != "read_ok" {
					t.Errorf("%+v", r)
				}
				continue
			}
			adds++
			if values[string(r.Value)] {
				again++
			}
			values[string(r.Value)] = true
			if body := string(r.Body); body != fmt.Sprintf(`{"type":"add","delta":%s}`, r.Value) && body != fmt.Sprintf(`{"type":"add","element":%s}`, r.Value) {
				t.Error(body)
			}
		}
		if share := adds / test.count; share < test.adds-0.02 || share > test.adds+0.02 {
			t.Errorf("%T: the share of adds is %g", test.load, share)
		}
		if share := again / adds; test.again < 1 && (share < test.again-0.02 || share > test.again+0.02) {
			t.Errorf("%T: the share of adds of an element again is %g", test.load, share)
		}
		missing := 0
		for v := test.least; v <= test.most; v++ {
			if !values[fmt.Sprint(v)] {
				missing++
			}
			delete(values, fmt.Sprint(v))
		}
		if test.most > 0 && (missing > 0 || len(values) > 0) {
			t.Errorf("%T: %d of the values from %d to %d are missing, and there are %d others", test.load, missing, test.least, test.most, len(values))
		}
	}
}

// Replies have the fields that the request allows, and no others.
func TestRepliesOfSetsAndCounters(t *testing.T) {
	set, counter := newGSet(seeded()), newPNCounter(seeded())
	add, read := &Request{F: "add", Type: "add", Want: "add_ok"}, readRequest()
	counter.(*pnCounter).add(3)
	for _, test := range []struct {
		load    Workload
		request *Request
		body    string
		want    string // a part of the error, or the result
	}{
		{set, add, `{"type":"add_ok","in_reply_to":0}`, ``},
		{set, add, `{"type":"add_ok","in_reply_to":0,"msg_id":7}`, ``},
		{set, add, `{"type":"add_ok","in_reply_to":0,"element":3}`, `error: such a reply has no field "element"`},
		{set, &read, `{"type":"read_ok","in_reply_to":0,"value":[]}`, `[]`},
		{set, &read, `{"type":"read_ok","in_reply_to":0,"value":[3, 1]}`, `[3, 1]`},
		{set, &read, `{"type":"read_ok","in_reply_to":0}`, `error: the body has no "value"`},
		{set, &read, `{"type":"read_ok","in_reply_to":0,"value":null}`, `error: its value is not an array of integers`},
		{set, &read, `{"type":"read_ok","in_reply_to":0,"value":[1.5]}`, `error: its value is not an array of integers`},
		{set, &read, `{"type":"read_ok","in_reply_to":0,"value":["1"]}`, `error: its value is not an array of integers`},
		{set, &read, `{"type":"read_ok","in_reply_to":0,"value":[1],"messages":[1]}`, `error: such a reply has no field "messages"`},
		{counter, add, `{"type":"add_ok","in_reply_to":0}`, ``},
		{counter, add, `{"type":"add_ok","in_reply_to":0,"delta":3}`, `error: such a reply has no field "delta"`},
		{counter, &read, `{"type":"read_ok","in_reply_to":0,"value":-7}`, `-7`},
		{counter, &read, `{"type":"read_ok","in_reply_to":0,"value":7.0}`, `error: its value must be an integer`},
		{counter, &read, `{"type":"read_ok","in_reply_to":0,"value":"7"}`, `error: its value must be an integer`},
		{counter, &read, `{"type":"read_ok","in_reply_to":0,"value":99999999999999999999}`, `error: its value must be an integer`},
		{counter, &read, `{"type":"read_ok","in_reply_to":0,"value":1,"x":2}`, `error: such a reply has no field "x"`},
	} {
		result, err := test.load.Read(test.request, []byte(test.body))
		got := string(result)
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%T: %s: %s, want %s", test.load, test.body, got, test.want)
		}
	}
}

// The final reads end with the second round in which nothing is missing, or with a round
// that lacks what the round before had.
func TestSettled(t *testing.T) {
	set := newGSet(seeded()).(*gSet)
	set.asked[0], set.asked[1] = true, true
	set.known[0], set.known[1] = true, true
	counter := newPNCounter(seeded()).(*pnCounter)
	counter.add(3)
	counter.add(-2)
	counter.Read(&Request{F: "add", Key: 0}, []byte(`{"type":"add_ok"}`)) // 3, and perhaps -2
	for _, test := range []struct {
		load   Workload
		rounds string
	}{
		{set, "[0] [0,1] no, [0,1] [1,0] no, [0,1] [0,1] yes"},
		{set, "[0,1] [0,1] yes"},
		{set, "[0,1] [0] yes"},
		{counter, "0 3 no, 3 3 no, 3 1 no, 1 1 no, 1 1 yes"},
		{counter, "1 1 yes, 1 2 yes"},
	} {
		for round := range strings.SplitSeq(test.rounds, ", ") {
			words := strings.Fields(round)
			var ops []history.Op
			for _, result := range words[:len(words)-1] {
				ops = append(ops, history.Op{Outcome: history.OK, Result: jsontext.Value(result)})
			}
			if got := test.load.Settled(ops); got != (words[len(words)-1] == "yes") {
				t.Errorf("%T: after %s: %v", test.load, round, got)
			}
			ops[0].Outcome = history.Indefinite
			if test.load.Settled(ops) {
				t.Errorf("%T: settled without a reply", test.load)
			}
		}
	}
}
