package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/message"
)

const ms = time.Millisecond

func msg(t testing.TB, line string, args ...any) message.Message {
	t.Helper()
	m, err := message.Parse(fmt.Appendf(nil, line, args...))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// request returns an echo request with the given id and content.
func request(t testing.TB, src, dest string, id, content int) message.Message {
	return msg(t, `{"src":%q,"dest":%q,"body":{"type":"echo","msg_id":%d,"echo":%d}}`, src, dest, id, content)
}

func reply(t testing.TB, src, dest string, inReplyTo int) message.Message {
	return msg(t, `{"src":%q,"dest":%q,"body":{"type":"echo_ok","in_reply_to":%d}}`, src, dest, inReplyTo)
}

// drain delivers everything that is due by now and returns the records.
func drain(n *Network, now time.Duration) (records []int) {
	for {
		d, ok := n.Due(now)
		if !ok {
			return records
		}
		records = append(records, d.Record)
	}
}

func TestLatency(t *testing.T) {
	n := New(Config{Latency: Constant(50 * ms)})
	n.Send(10*ms, request(t, "n1", "n2", 0, 1))
	n.Send(10*ms, request(t, "n1", "n2", 1, 2))
	n.Send(10*ms, request(t, "c0", "n2", 1, 2))
	if got := drain(n, 10*ms); !slices.Equal(got, []int{2}) {
		t.Errorf("at once: %v, want only the client's", got)
	}
	if next, ok := n.Next(); next != 60*ms || !ok {
		t.Errorf("next at %v", next)
	}
	if got := drain(n, 59*ms); got != nil {
		t.Errorf("too early: %v", got)
	}
	if got := drain(n, 60*ms); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("in time: %v", got)
	}
}

func TestPartitionCountsWhenDue(t *testing.T) {
	n := New(Config{Latency: Constant(50 * ms)})
	cut := Fault{Kind: Partition, Links: []Link{{"n1", "n2"}}}
	n.Send(0, request(t, "n1", "n2", 0, 1)) // due while cut
	n.Send(0, request(t, "n2", "n1", 0, 1)) // the other way
	f := n.Begin(10*ms, cut)
	n.Send(40*ms, request(t, "n1", "n2", 1, 2)) // sent while cut, due after
	if got := drain(n, 50*ms); !slices.Equal(got, []int{1}) {
		t.Errorf("delivered %v", got)
	}
	n.End(60*ms, f)
	if got := drain(n, 100*ms); !slices.Equal(got, []int{2}) {
		t.Errorf("delivered %v", got)
	}
	if got := n.Journal().At(0).Fate; got != Partitioned {
		t.Errorf("the first is %v", got)
	}
}

func TestPartitionOfClients(t *testing.T) {
	n := New(Config{})
	n.Begin(0, Fault{Kind: Partition, Links: []Link{{AnyClient, "n1"}}})
	n.Send(0, request(t, "c7", "n1", 0, 1))
	n.Send(0, request(t, "n1", "c7", 0, 1))
	if got := drain(n, 0); !slices.Equal(got, []int{1}) {
		t.Errorf("delivered %v", got)
	}
}

func TestKill(t *testing.T) {
	n := New(Config{Latency: Constant(50 * ms)})
	n.Send(0, request(t, "n1", "n2", 0, 1))
	n.Killed("n2", 10*ms)
	n.Send(20*ms, request(t, "n1", "n2", 1, 2)) // due after the start
	n.Started("n2", 2, 30*ms)
	drain(n, 100*ms)
	n.Killed("n2", 100*ms)
	n.Send(100*ms, request(t, "n1", "n2", 2, 3)) // due before it
	drain(n, 200*ms)
	want := []Fate{Killed, Delivered, Down}
	for i, fate := range want {
		if got := n.Journal().At(i).Fate; got != fate {
			t.Errorf("message %d: %v, want %v", i, got, fate)
		}
	}
}

func TestReplyToEarlierIncarnation(t *testing.T) {
	for _, stale := range []bool{false, true} {
		n := New(Config{StaleReplies: stale})
		n.Send(0, request(t, "n1", "n2", 0, 1))
		drain(n, 0)
		n.Killed("n1", 1)
		n.Started("n1", 2, 2)
		n.Send(3, request(t, "n1", "n2", 0, 2)) // the same id in another incarnation
		drain(n, 3)
		first := n.Send(4, reply(t, "n2", "n1", 0))
		second := n.Send(5, reply(t, "n2", "n1", 0))
		drain(n, 5)
		if got := n.Journal().At(first).Fate; (got == StaleReply) == stale {
			t.Errorf("stale replies %v: the first is %v", stale, got)
		}
		if got := n.Journal().At(second).Fate; got != Delivered {
			t.Errorf("the second is %v", got)
		}
	}
}

// The request was still in flight when its sender was killed.
func TestReplyToRequestOfKilledSender(t *testing.T) {
	for _, restarted := range []time.Duration{20 * ms, 60 * ms} { // before and after its delivery
		n := New(Config{Latency: Constant(50 * ms)})
		n.Send(0, request(t, "n1", "n2", 0, 1))
		n.Killed("n1", 10*ms)
		if restarted > 50*ms {
			drain(n, 50*ms)
		}
		n.Started("n1", 2, restarted)
		n.Send(restarted, request(t, "n1", "n2", 0, 2)) // the same id in another incarnation
		drain(n, restarted+50*ms)
		first := n.Send(120*ms, reply(t, "n2", "n1", 0))
		second := n.Send(120*ms, reply(t, "n2", "n1", 0))
		drain(n, 200*ms)
		if got := n.Journal().At(first).Fate; got != StaleReply {
			t.Errorf("restarted at %v: the first is %v", restarted, got)
		}
		if got := n.Journal().At(second).Fate; got != Delivered {
			t.Errorf("restarted at %v: the second is %v", restarted, got)
		}
	}
}

func TestSlowAndFlaky(t *testing.T) {
	n := New(Config{})
	links := []Link{{"n1", "n2"}}
	slow := n.Begin(0, Fault{Kind: Slow, Links: links, Delay: 20 * ms})
	n.Send(0, request(t, "n1", "n2", 0, 1))
	n.End(1, slow)
	n.Begin(1, Fault{Kind: Flaky, Links: links, Loss: 1})
	n.Send(1, request(t, "n1", "n2", 0, 1))
	if got := drain(n, 19*ms); got != nil {
		t.Errorf("delivered %v", got)
	}
	if got := drain(n, 20*ms); !slices.Equal(got, []int{0}) {
		t.Errorf("delivered %v", got)
	}
	if got := n.Journal().At(1).Fate; got != LostByFault {
		t.Errorf("the second is %v", got)
	}
}

func TestClientLinksAreReliable(t *testing.T) {
	n := New(Config{Latency: Constant(time.Hour), Loss: 1, Duplicate: 1})
	n.Send(0, request(t, "c0", "n1", 0, 1))
	n.Send(0, reply(t, "n1", "c0", 0))
	if got := drain(n, 0); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("delivered %v", got)
	}
}

func TestLinkConfig(t *testing.T) {
	all, none := 1.0, 0.0
	n := New(Config{Loss: 1, Links: map[Link]LinkConfig{
		{"n1", "n2"}:      {Loss: &none},
		{AnyClient, "n2"}: {Loss: &all},
		{"c1", "n2"}:      {Loss: &none},
	}})
	for _, src := range []string{"n1", "n3", "c0", "c1"} {
		n.Send(0, request(t, src, "n2", 0, 1))
	}
	if got := drain(n, 0); !slices.Equal(got, []int{0, 3}) {
		t.Errorf("delivered %v", got)
	}
}

func TestRates(t *testing.T) {
	const sent = 20_000
	n := New(Config{Seed: 7, Loss: 0.1, Duplicate: 0.05, Latency: Exponential(100 * ms)})
	for i := range sent {
		n.Send(0, request(t, "n1", "n2", i, i))
	}
	var lost, duplicated, total float64
	for d, ok := n.Due(time.Hour); ok; d, ok = n.Due(time.Hour) {
		if !d.Duplicate {
			total += d.At.Seconds() * 1000
		}
	}
	for r := range n.Journal().All() {
		switch {
		case r.IsDuplicate():
			duplicated++
		case r.Fate == LostByLink:
			lost++
		}
	}
	about(t, "loss", lost/sent, 0.1)
	about(t, "duplicates", duplicated/sent, 0.05)
	about(t, "latency", total/(sent-lost), 100)
}

func about(t *testing.T, name string, got, want float64) {
	t.Helper()
	if got < want*0.9 || got > want*1.1 {
		t.Errorf("%s: %v, want about %v", name, got, want)
	}
}

// fatesOf returns for each body the fates of its repetitions, with their latencies.
func fatesOf(config Config, sent []message.Message) map[string][]string {
	n := New(config)
	for i, m := range sent {
		m.ID = int64(i)
		n.Send(0, m)
	}
	drain(n, time.Hour)
	fates := map[string][]string{}
	dues := map[int]time.Duration{}
	n2 := New(config)
	for i, m := range sent {
		m.ID = int64(i)
		n2.Send(0, m)
	}
	for d, ok := n2.Due(time.Hour); ok; d, ok = n2.Due(time.Hour) {
		dues[d.Record] = d.At
	}
	for r := range n.Journal().All() {
		key := r.Src + r.Dest + string(r.Body)
		fates[key] = append(fates[key], fmt.Sprint(r.Fate, r.IsDuplicate(), dues[r.Index]))
	}
	return fates
}

// The fate of the k-th sending of a body over a link depends neither on the order of
// sending nor on other messages.
func TestFatesAreIndependent(t *testing.T) {
	config := Config{Seed: 42, Loss: 0.3, Duplicate: 0.3, Latency: Exponential(50 * ms)}
	names := []string{"n0", "n1", "n2"}
	rapid.Check(t, func(rt *rapid.T) {
		var sent []message.Message
		for range rapid.IntRange(1, 60).Draw(rt, "messages") {
			sent = append(sent, request(t,
				rapid.SampledFrom(names).Draw(rt, "src"), rapid.SampledFrom(names).Draw(rt, "dest"),
				0, rapid.IntRange(0, 5).Draw(rt, "content")))
		}
		want := fatesOf(config, sent)

		other := slices.Clone(sent)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "order"), 0)).Shuffle(len(other), func(i, k int) {
			other[i], other[k] = other[k], other[i]
		})
		more := sent[rapid.IntRange(0, len(sent)-1).Draw(rt, "one retry more")]
		other = append(other, more)

		got := fatesOf(config, other)
		for key, fates := range want {
			if len(got[key]) < len(fates) || !slices.Equal(got[key][:len(fates)], fates) {
				rt.Fatalf("%s: %v, then %v", key, fates, got[key])
			}
		}
	})
}

func TestSeedsDiffer(t *testing.T) {
	fates := func(seed uint64) (s string) {
		n := New(Config{Seed: seed, Loss: 0.5})
		for range 64 {
			s += n.Journal().At(n.Send(0, request(t, "n1", "n2", 0, 1))).Fate.String()[:1]
		}
		return s
	}
	if first, again, other := fates(1), fates(1), fates(2); first != again || first == other {
		t.Errorf("seed 1: %s and %s\nseed 2: %s", first, again, other)
	}
}

func BenchmarkSendDue(b *testing.B) {
	n := New(Config{Loss: 0.1, Duplicate: 0.05, Latency: Exponential(50 * ms)})
	var messages []message.Message
	for i := range 1024 {
		messages = append(messages, request(b, fmt.Sprintf("n%d", i%5), fmt.Sprintf("n%d", i%4), i, i))
	}
	b.ReportAllocs()
	now := time.Duration(0)
	for i := 0; b.Loop(); i++ {
		now += 10 * time.Microsecond
		n.Send(now, messages[i%len(messages)])
		for _, ok := n.Due(now); ok; _, ok = n.Due(now) {
		}
	}
}

// The fates on clients' links depend on how often a body was sent, unless the links
// are deterministic.
func TestFatesOfClients(t *testing.T) {
	for name, config := range map[string]Config{
		"lossy":   {Seed: 3, ClientLoss: 0.5},
		"latency": {Seed: 3, ClientLatency: Uniform(0, time.Second)},
	} {
		var sent []message.Message
		for i := range 20 {
			sent = append(sent, request(t, "c0", "n1", 0, i%3), request(t, "n1", "c0", 0, i))
		}
		want := fatesOf(config, sent)
		slices.Reverse(sent)
		got := fatesOf(config, sent)
		for key := range want {
			if !slices.Equal(got[key], want[key]) {
				t.Errorf("%s: %s: %v, then %v", name, key, want[key], got[key])
			}
		}
	}
}

func TestForgedMessagesChangeNoFates(t *testing.T) {
	fates := func(forge bool) (all []Fate) {
		n := New(Config{Seed: 9, Loss: 0.5})
		for i := range 32 {
			if forge {
				n.Forge(0, request(t, "n1", "n2", 0, 1))
			}
			all = append(all, n.Journal().At(n.Send(0, request(t, "n1", "n2", i, 1))).Fate)
		}
		return all
	}
	if !slices.Equal(fates(true), fates(false)) {
		t.Errorf("%v, without forged messages %v", fates(true), fates(false))
	}
}

// After Quiesce every message is delivered once.
func TestQuiesce(t *testing.T) {
	n := New(Config{Seed: 1, Loss: 1, Duplicate: 1, ClientLoss: 1})
	send := func(dest string) bool {
		m, err := message.Parse([]byte(`{"src":"n1","dest":"` + dest + `","body":{"type":"hello"}}`))
		if err != nil {
			t.Fatal(err)
		}
		n.Send(0, m)
		_, arrives := n.Due(0)
		return arrives
	}
	for _, dest := range []string{"n2", "c1"} {
		if send(dest) {
			t.Errorf("to %s nothing was lost", dest)
		}
	}
	n.SpareClients(true)
	if send("n2") || !send("c1") {
		t.Error("SpareClients is not about the links of clients")
	}
	for _, more := n.Due(0); more; _, more = n.Due(0) {
		t.Error("to c1 it came twice")
	}
	if n.SpareClients(false); send("c1") {
		t.Error("SpareClients does not end")
	}
	n.Quiesce(0)
	for _, dest := range []string{"n2", "c1"} {
		if !send(dest) {
			t.Errorf("to %s it was lost after Quiesce", dest)
		}
		if _, more := n.Due(0); more {
			t.Errorf("to %s it came twice", dest)
		}
	}
}
