package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/sim"
)

func init() {
	testNodes["node-broadcast"] = broadcastNode
	testNodes["node-linkv"] = linkvNode
}

// broadcastNode sends each value from a client to all other nodes, until they have replied.
func broadcastNode() {
	n := eddy.Node{Drain: 300 * time.Millisecond} // nodes that have ended do not reply
	var mu sync.Mutex
	var known []string
	learn := func(_ context.Context, req *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		if value := string(req.Body.Get("message")); !slices.Contains(known, value) {
			known = append(known, value)
		}
		return map[string]any{}, nil
	}
	n.Handle("topology", func(context.Context, *eddy.Request) (any, error) { return map[string]any{}, nil })
	n.Handle("tell", learn)
	n.Handle("broadcast", func(ctx context.Context, req *eddy.Request) (any, error) {
		body := eddy.Raw(fmt.Sprintf(`{"type":"tell","message":%s}`, req.Body.Get("message")))
		for _, other := range n.IDs() {
			if other != n.ID() {
				go n.RPCWithRetry(context.Background(), other, body, &eddy.Policy{Attempts: 100, Timeout: 200 * time.Millisecond})
			}
		}
		return learn(ctx, req)
	})
	n.Handle("read", func(context.Context, *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		return eddy.Raw(fmt.Sprintf(`{"type":"read_ok","messages":[%s]}`, strings.Join(known, ","))), nil
	})
	n.Run()
}

// linkvNode forwards requests to lin-kv.
func linkvNode() {
	n := eddy.Node{Drain: 300 * time.Millisecond}
	for _, typ := range []string{"read", "write", "cas"} {
		n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
			reply, _, err := n.RPCWithRetry(ctx, "lin-kv", req.Body, &eddy.Policy{Attempts: 1, Timeout: time.Second})
			answer := map[string]any{}
			if typ == "read" && err == nil {
				answer["value"] = reply.Body.Get("value")
			}
			return answer, err
		})
	}
	n.Run()
}

// natsTests are tests over NATS with the verdict of each: pass, or the checks of which one
// at least must fail it. Those that begin with "quick" do not need long tests.
var natsTests = []struct{ flags, want string }{
	{"-w echo --bin node-echo", "pass"},
	{"-w relay --bin relay-none", "pass"},
	{"-w broadcast --bin node-broadcast", "pass"},
	{"quick -w echo --bin node-echo --nemesis kill-server,partition-servers", "pass"},
	{"-w relay --bin relay-none --nemesis kill-server", "pass"},
	{"-w relay --bin relay-none --nemesis partition-servers", "pass"},
	{"-w broadcast --bin node-broadcast --nemesis kill-server", "pass"},
	{"-w broadcast --bin node-broadcast --nemesis partition-servers", "pass"},
	{"-w lin-kv --bin node-linkv --rate 30 --nemesis partition-servers", "pass"}, // more at once, and a busy machine may not find their order in time
	{"quick -w lin-kv --bin node-linkv --rate 30 --nemesis kill-server", "pass"},
	// With faults of the simulated network, which come before NATS.
	{"-w relay --bin relay-none --loss 0.2 --duplicate 0.1 --latency 2 --nemesis kill,pause,partition,flaky,clog,kill-server", "pass"},

	{"quick -w relay --bin relay-double-reply --nemesis kill-server", "double-reply"},
	{"-w relay --bin relay-any-src --nemesis partition-servers", "unmatched-reply"},
	{"-w relay --bin relay-wrong-count --nemesis partition-servers", "wrong-count"},
	{"-w relay --bin relay-early --nemesis kill-server", "gave-up-early"},
	{"-w echo --bin buggy-stops-replying --nemesis kill-server", "no-final-reply no-reply"},
	{"-w echo --bin buggy-wrong-echo", "wrong-echo"},
}

// Correct nodes pass over NATS whatever its servers do. Faulty nodes fail by the check
// that finds them on the simulated network.
func TestOverNATS(t *testing.T) {
	limit := "4"
	if !longtest.On {
		t.Parallel() // with all tests the machine would be so busy that nodes fail for being slow
		limit = "2"
	}
	few := make(chan bool, 4)
	sideBySide(t, len(natsTests), func(t *testing.T, i int) {
		test := natsTests[i]
		args, quick := strings.CutPrefix(test.flags, "quick ")
		if !quick {
			longtest.Skip(t, "it takes some seconds")
		}
		few <- true
		defer func() { <-few }()
		flags := strings.Fields("--network nats --node-count 3 --concurrency 4n --nemesis-interval 1 --client-timeout 1s --seed 4 --time-limit " + limit + " " + args)
		if !slices.Contains(flags, "--rate") {
			flags = append(flags, "--rate", "100")
		}
		r := eddyTest(t, flags...)
		if r.Verdict == "unknown" && (r.checks() == "too-few-ok" || r.checks() == "nothing-ok") && strings.Contains(args, "lin-kv") {
			return // the store had no leader for most of so short a test
		}
		want, by := "pass", ""
		if test.want != "pass" {
			want, by = "fail", test.want
		}
		if r.Verdict != want || by != "" && !slices.ContainsFunc(r.Reasons, func(reason reason) bool {
			return !reason.Unknown && slices.Contains(strings.Fields(by), reason.Check)
		}) {
			t.Errorf("%s: %s, want %s\n%s", test.flags, r.Verdict, test.want, r.text())
		}
	})
}

// The journal has the messages that NATS lost. They were sent while servers were cut off
// from each other.
func TestJournalOverNATS(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	out, err := exec.Command("eddy", strings.Fields("test -w relay --bin relay-none --network nats --node-count 3 --rate 200 --concurrency 8n "+
		"--time-limit 4 --nemesis partition-servers --nemesis-interval 1 --client-timeout 1s --seed 4 --store "+store)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	j, err := readJournal(filepath.Join(store, "relay", "latest"))
	if err != nil {
		t.Fatal(err)
	}
	var faults []sim.Event
	for _, e := range j.Events() {
		if e.Begun != nil || e.What == "servers-recovered" {
			faults = append(faults, e)
		}
	}
	const inFlight = 300 * time.Millisecond // a message may be in flight when a server is cut off
	during := func(at time.Duration) bool {
		for i := 0; i+1 < len(faults); i++ {
			if faults[i].Begun != nil && at >= faults[i].At-inFlight && at <= faults[i+1].At {
				return true
			}
		}
		return false
	}
	fates := map[sim.Fate]int{}
	for m := range j.All() {
		fates[m.Fate]++
		if m.Fate == sim.LostByCarrier && !during(m.Sent) {
			t.Errorf("message %d from %s to %s, sent at %v, was lost although there was no fault", m.Index, m.Src, m.Dest, m.Sent)
		}
	}
	if len(faults) < 2 || fates[sim.LostByCarrier] == 0 || fates[sim.Delivered] < 100 || len(fates) > 3 {
		t.Errorf("%v, %+v\n%s", fates, faults, out)
	}
	rerun := exec.Command("eddy", "rerun", filepath.Join(store, "relay", "latest"))
	if out, err = rerun.CombinedOutput(); err != nil || !strings.Contains(string(out), "the seed does not decide which messages NATS loses or delays") {
		t.Errorf("%v\n%s", err, out)
	}
	again, err := readJournal(filepath.Join(store, "relay", "latest"))
	if err != nil {
		t.Fatal(err)
	}
	if plan, same := plans(j), plans(again); plan == "" || plan != same {
		t.Errorf("the same seed gives the faults %s and then %s", plan, same)
	}
}

// plans describes the faults of a test.
func plans(j *sim.Journal) (all string) {
	for _, e := range j.Events() {
		if e.Begun != nil {
			all += e.Begun.String() + "; "
		}
	}
	return all
}
