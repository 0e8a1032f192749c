package workload

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
)

func newTestKafka(keys, writes int) *kafka {
	return newKafka(Env{Nodes: []string{"n1", "n2"}, Rand: rand.New(rand.NewPCG(1, 2)), Txn: TxnConfig{KeyCount: keys, MaxWritesPerKey: writes}}).(*kafka)
}

// await returns the next request with F f of a session, and lets sends fail until then.
func await(t *testing.T, s *consumer, f string) Request {
	t.Helper()
	for range 1000 {
		req, ok := s.Next()
		if ok && req.F == f {
			return req
		}
	}
	t.Fatalf("no %s", f)
	return Request{}
}

func read(t *testing.T, w *kafka, req Request, body string) {
	t.Helper()
	if _, err := w.Read(&req, []byte(body)); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
}

// A client begins at the committed offset, polls from the offset after the last one,
// and commits the greatest offset that it got.
func TestKafkaClient(t *testing.T) {
	w := newTestKafka(1, 1000)
	s := w.NewSession("n1").(*consumer)
	first, ok := s.Next()
	if !ok || string(first.Body) != `{"type":"list_committed_offsets","keys":["0"]}` {
		t.Fatalf("the first request is %s", first.Body)
	}
	read(t, w, first, `{"offsets":{"0":5}}`)
	poll := await(t, s, "poll")
	if string(poll.Body) != `{"type":"poll","offsets":{"0":5}}` {
		t.Fatalf("after the assign: %s", poll.Body)
	}
	read(t, w, poll, `{"msgs":{"0":[[5,1],[1000000000000000,2]]}}`)
	commit := await(t, s, "commit_offsets")
	if string(commit.Body) != `{"type":"commit_offsets","offsets":{"0":1000000000000000}}` {
		t.Fatalf("after the poll: %s", commit.Body)
	}
	read(t, w, commit, `{}`)
	poll = await(t, s, "poll")
	if string(poll.Body) != `{"type":"poll","offsets":{"0":1000000000000001}}` {
		t.Fatalf("after the commit: %s", poll.Body)
	}
	read(t, w, poll, `{"msgs":{}}`)
	if len(s.commit) > 0 {
		t.Errorf("after an empty poll, %v is committed", s.commit)
	}
	again := await(t, s, "list_committed_offsets")
	read(t, w, again, `{"offsets":{"0":5}}`)
	if poll := await(t, s, "poll"); string(poll.Body) != `{"type":"poll","offsets":{"0":1000000000000001}}` {
		t.Errorf("after another assign of the key: %s", poll.Body)
	}
	crashed := slices.ContainsFunc(make([]int, 1000), func(int) bool { _, ok := s.Next(); return !ok })
	if !crashed || w.committed != 1 {
		t.Errorf("crashed is %v, %d assigns at a committed offset, want true, 1", crashed, w.committed)
	}
}

// An assign of several keys leads to a poll of several keys.
func TestKafkaPollsSeveralKeys(t *testing.T) {
	w := newTestKafka(10, 4)
	s := w.NewSession("n1").(*consumer)
	for range 10_000 {
		req, ok := s.Next()
		if !ok {
			s = w.NewSession("n1").(*consumer)
			continue
		}
		switch req.F {
		case "send":
			read(t, w, req, fmt.Sprintf(`{"offset":%s}`, req.Value))
		case "poll":
			if strings.Count(string(req.Value), ":") >= 5 {
				return
			}
			read(t, w, req, `{"msgs":{}}`)
		case "list_committed_offsets":
			read(t, w, req, `{"offsets":{}}`)
		}
	}
	t.Error("no poll asked for five keys")
}

// Each key is used about twice as often as the one before, and gives way to a new key
// after its writes.
func TestKafkaKeys(t *testing.T) {
	w := newTestKafka(4, 8)
	count := map[int64]int{}
	for range 10_000 {
		count[w.active.pick()]++
	}
	for key := int64(2); key < 4; key++ {
		if ratio := float64(count[key]) / float64(count[key-1]); ratio < 1.8 || ratio > 2.2 {
			t.Errorf("key %d: %d, key %d: %d", key-1, count[key-1], key, count[key])
		}
	}
	sent := map[int64][]string{}
	for range 1000 {
		req := w.send()
		sent[req.Key] = append(sent[req.Key], string(req.Value))
	}
	if full := strings.Join(sent[3], " "); full != "1 2 3 4 5 6 7 8" {
		t.Errorf("the messages of key 3 are %s", full)
	}
	for key, messages := range sent {
		if len(messages) > 8 || key < 0 || key >= w.active.next {
			t.Errorf("key %d has %v", key, messages)
		}
	}
}

// A reply with another shape is rejected.
func TestKafkaRejectsReplies(t *testing.T) {
	w := newTestKafka(1, 1000)
	s := w.NewSession("n1").(*consumer)
	list, _ := s.Next()
	read(t, w, list, `{"offsets":{}}`)
	requests := map[string]Request{"send": w.send(), "poll": await(t, s, "poll"), "list": list}
	for _, c := range []struct{ request, body string }{
		{"send", `{}`},
		{"send", `{"offset":"1"}`},
		{"send", `{"offset":-1}`},
		{"send", `{"offset":1.5}`},
		{"send", `{"offset":9223372036854775807}`},
		{"send", `{"offset":null}`},
		{"send", `{"offset":1,"key":"0"}`},
		{"poll", `{"msgs":{},"offsets":{}}`},
		{"list", `{"offsets":{},"keys":["0"]}`},
		{"poll", `{}`},
		{"poll", `{"msgs":[]}`},
		{"poll", `{"msgs":{"0":[1,2]}}`},
		{"poll", `{"msgs":{"0":[[1,"2"]]}}`},
		{"poll", `{"msgs":{"0":[["1",2]]}}`},
		{"poll", `{"msgs":{"1":[]}}`},
		{"poll", `{"msgs":{"zero":[]}}`},
		{"list", `{}`},
		{"list", `{"offsets":[]}`},
		{"list", `{"offsets":{"0":"1"}}`},
		{"list", `{"offsets":{"0":null}}`},
		{"list", `{"offsets":{"1":1}}`},
	} {
		req := requests[c.request]
		if _, err := w.Read(&req, []byte(c.body)); err == nil {
			t.Errorf("%s: %s is accepted", c.request, c.body)
		}
	}
}

// The final phase reads each log from its beginning to the greatest known offset, and
// lists committed offsets until the acknowledged ones are there.
func TestKafkaFinal(t *testing.T) {
	w := newTestKafka(1, 1000)
	send := w.send()
	read(t, w, send, `{"offset":1000}`)
	read(t, w, Request{F: "commit_offsets", Value: []byte(`{"0":1000}`)}, `{}`)
	settled := func() bool { return w.Settled([]history.Op{{Node: "n1"}}) }
	for _, round := range []struct{ request, reply string }{
		{`{"type":"list_committed_offsets","keys":["0"]}`, `{"offsets":{}}`},
		{`{"type":"poll","offsets":{"0":0}}`, `{"msgs":{"0":[[3,1]]}}`},
		{`{"type":"list_committed_offsets","keys":["0"]}`, `{"offsets":{"0":1000}}`},
		{`{"type":"poll","offsets":{"0":4}}`, `{"msgs":{}}`},
		{`{"type":"poll","offsets":{"0":4}}`, `{"msgs":{"0":[[1000,2]]}}`},
	} {
		req := w.Final("n1")
		if w.Final("n2"); string(req.Body) != round.request || settled() {
			t.Fatalf("%s, want %s; settled is %v", req.Body, round.request, settled())
		}
		read(t, w, req, round.reply)
	}
	if !settled() || w.Settled([]history.Op{{Node: "n2"}}) {
		t.Error("n1 is not settled, or n2 is")
	}
}

// A log of which no offset is known is polled, too: an indefinite send may have had an
// effect.
func TestKafkaFinalPollsUnknownLogs(t *testing.T) {
	w := newTestKafka(1, 1000)
	w.send()
	req := w.Final("n1")
	if string(req.Body) != `{"type":"poll","offsets":{"0":0}}` || w.Settled([]history.Op{{Node: "n1"}}) {
		t.Fatalf("the first request is %s", req.Body)
	}
	read(t, w, req, `{"msgs":{}}`)
	if !w.Settled([]history.Op{{Node: "n1"}}) {
		t.Error("not settled")
	}
}

// Commits of 14 and of 11 were open at the same time, and that of 11 was acknowledged last. A node
// may keep either. Another offset between them is old, so the node is asked again.
func TestKafkaFinalListsAgain(t *testing.T) {
	w := newKafka(Env{Nodes: []string{"n1"}}).(*kafka)
	l := w.log(0)
	l.committed, l.greatest = 11, 14
	for offset, want := range map[int64]bool{11: true, 12: false, 13: false, 14: true, 15: true, 10: false} {
		r := &finalReader{load: w}
		r.update()
		r.listed(nil, []checker.KeyOffset{{Key: 0, Offset: offset}})
		if r.unlisted(0) == want {
			t.Errorf("a list with offset %d is enough: %v, want %v", offset, !want, want)
		}
	}
}
