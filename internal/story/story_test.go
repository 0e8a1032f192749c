package story

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

const ms = time.Millisecond

// A stage is a test that a test function plays.
type stage struct {
	t   *testing.T
	net *sim.Network
	h   history.History
	now time.Duration
}

func newStage(t *testing.T) *stage {
	yes := 1.0
	far := sim.Constant(time.Hour)
	return &stage{t: t, net: sim.New(sim.Config{Latency: sim.Constant(5 * ms), Links: map[sim.Link]sim.LinkConfig{
		{From: "n2", To: "n3"}: {Loss: &yes},
		{From: "n3", To: "n1"}: {Duplicate: &yes},
		{From: "n3", To: "n2"}: {Latency: &far},
	}})}
}

// wait delivers what is due within a time.
func (s *stage) wait(d time.Duration) {
	for end := s.now + d; ; {
		at, ok := s.net.Next()
		if !ok || at > end {
			s.now = end
			return
		}
		s.now = at
		s.net.Due(at)
	}
}

func (s *stage) send(src, dest, body string, args ...any) {
	m, err := message.New(src, dest, fmt.Appendf(nil, body, args...))
	if err != nil {
		s.t.Fatal(err)
	}
	s.net.Send(s.now, m)
	s.wait(0)
}

// ask begins an operation.
func (s *stage) ask(client, node string, id int64, final bool, body string, args ...any) (op int) {
	body = strings.TrimSuffix(fmt.Sprintf(body, args...), "}")
	f := message.Unquote(message.Member([]byte(body+"}"), "type"))
	op = s.h.Begin(&history.Op{Client: client, Node: node, MsgID: id, F: f, From: s.now, Final: final})
	s.send(client, node, `%s,"msg_id":%d}`, body, id)
	return op
}

// reply ends an operation with a reply.
func (s *stage) reply(op int, end history.End) {
	o := s.h.At(op)
	s.send(o.Node, o.Client, `{"type":"reply","in_reply_to":%d}`, o.MsgID)
	end.At = s.now
	s.h.End(op, end)
}

// play plays a test in which everything happens that a story has a line for.
func play(t *testing.T) *stage {
	s := newStage(t)
	s.net.Started("n1", 1, 0)
	s.reply(s.ask("c1", "n1", 1, false, `{"type":"topology","topology":{}}`), history.End{Outcome: history.OK})
	for i := range 8 {
		s.send("n1", "n2", `{"type":"ping","number":%d}`, i)
	}
	write := s.ask("c2", "n1", 1, false, `{"type":"write","key":3,"value":4}`)
	s.send("n1", "n2", `{"type":"copy","value":4}`)
	s.wait(8 * ms)
	s.reply(write, history.End{Outcome: history.OK})
	s.send("n2", "n3", `{"type":"copy","value":4}`)
	s.send("n3", "n1", `{"type":"copied"}`)
	s.wait(10 * ms)
	partition := s.net.Begin(s.now, sim.Fault{Kind: sim.Partition, Shape: sim.One, Nodes: []string{"n2"}, Links: []sim.Link{{From: "n1", To: "n2"}}})
	s.send("n1", "n2", `{"type":"copy","value":5}`)
	read, late := s.ask("c2", "n1", 2, false, `{"type":"read","key":3}`), s.ask("c3", "n2", 1, false, `{"type":"read","key":3}`)
	s.reply(read, history.End{Outcome: history.Fail, Error: "error 11: busy", Code: 11})
	s.wait(50 * ms)
	s.net.End(s.now, partition)
	s.send("n1", "n2", `{"type":"copy","value":5}`)
	kill := s.net.Begin(s.now, sim.Fault{Kind: sim.Kill, Nodes: []string{"n2"}})
	s.net.Killed("n2", s.now)
	s.send("n1", "n2", `{"type":"copy","value":6}`)
	s.wait(20 * ms)
	s.net.End(s.now, kill)
	s.net.Started("n2", 2, s.now)
	s.h.End(late, history.End{Outcome: history.Indefinite, Error: "the node's process ended", At: s.now})
	s.wait(1500 * time.Microsecond)
	s.send("n2", "c3", `{"type":"error","code":13,"in_reply_to":1}`)
	s.send("n3", "n2", `{"type":"copy","value":6}`)
	s.net.Quiesce(s.now)
	for i := range int64(6) {
		s.reply(s.ask("c4", "n1", i, true, `{"type":"read"}`), history.End{Outcome: history.OK, Result: fmt.Append(nil, 40+i)})
		s.wait(10 * ms)
	}
	s.ask("c5", "n2", 1, true, `{"type":"read"}`)
	return s
}

// A story with enough lines has everything.
func TestOf(t *testing.T) {
	s := play(t)
	want := `       0 ms  c1 asks n1: topology {}
       0 ms  c1: ok after 0 ms
       0 ms  n1 -> n2 {"type":"ping","number":0} after 5 ms
       0 ms  n1 -> n2 {"type":"ping","number":1} after 5 ms
       0 ms  n1 -> n2 {"type":"ping","number":2} after 5 ms
       0 ms  n1 -> n2 {"type":"ping","number":3} after 5 ms
       0 ms  n1 -> n2 {"type":"ping","number":4} after 5 ms
       0 ms  n1 -> n2 {"type":"ping","number":5} after 5 ms
       0 ms  n1 -> n2 {"type":"ping","number":6} after 5 ms
       0 ms  n1 -> n2 {"type":"ping","number":7} after 5 ms
       0 ms  c2 asks n1: write key=3 value=4
       0 ms  n1 -> n2 {"type":"copy","value":4} after 5 ms
       8 ms  c2: ok after 8 ms
       8 ms  n2 -> n3 {"type":"copy","value":4} lost
       8 ms  n3 -> n1 {"type":"copied"} after 5 ms and again after 5 ms
      18 ms  partition one n2 (n1→n2) begins
      18 ms  n1 -> n2 {"type":"copy","value":5} cut off by a partition after 5 ms
      18 ms  c2 asks n1: read 3
      18 ms  c3 asks n2: read 3
      18 ms  c2: error 11: busy after 0 ms
      68 ms  partition one n2 ends
      68 ms  n1 -> n2 {"type":"copy","value":5} lost, because n2 was killed
      68 ms  kill n2 begins
      68 ms  n2 is killed
      68 ms  n1 -> n2 {"type":"copy","value":6} lost, because n2 was down after 5 ms
      88 ms  kill n2 ends
      88 ms  n2 has started again (incarnation 2)
      88 ms  c3: the node's process ended after 70 ms
    89.5 ms  n2 -> c3 {"type":"error","code":13,"in_reply_to":1}
    89.5 ms  n3 -> n2 {"type":"copy","value":6} still on its way at the end
    89.5 ms  all faults have ended
    89.5 ms  c4 asks n1: read
    89.5 ms  c4: ok 40 after 0 ms
    99.5 ms  c4 asks n1: read
    99.5 ms  c4: ok 41 after 0 ms
   109.5 ms  c4 asks n1: read
   109.5 ms  c4: ok 42 after 0 ms
   119.5 ms  c4 asks n1: read
   119.5 ms  c4: ok 43 after 0 ms
   129.5 ms  c4 asks n1: read
   129.5 ms  c4: ok 44 after 0 ms
   139.5 ms  c4 asks n1: read
   139.5 ms  c4: ok 45 after 0 ms
   149.5 ms  c5 asks n2: read
`
	if got := Of(&s.h, s.net.Journal(), 100); got != want {
		t.Errorf("%s", cmp.Diff(want, got))
	}
}

// A short story leaves out what tells the least, and says so.
func TestOfIsShort(t *testing.T) {
	s := play(t)
	for _, test := range []struct {
		most, lines int
		has, lacks  string
	}{
		{44, 44, "c4: ok 40", "..."},
		{43, 35, "5 repeated requests", "c4: ok 40"},
		{35, 35, `"number":3`, "ping delivered"},
		{34, 28, "8 ping delivered\n", `"number":3`},
		{26, 26, "8 ping delivered, 1 request before", "topology"},
		{20, 20, "kill n2 begins", `"type":"copy"`},
		{9, 9, "lines\n", "n2 is killed"},
	} {
		got := Of(&s.h, s.net.Journal(), test.most)
		if lines := strings.Count(got, "\n"); lines > test.most || lines != test.lines || !strings.Contains(got, test.has) || strings.Contains(got, test.lacks) {
			t.Errorf("at most %d: %d lines, want %d with %q and without %q:\n%s", test.most, lines, test.lines, test.has, test.lacks, got)
		}
	}
}

// Lines are short and cannot harm a terminal.
func TestOfLongTexts(t *testing.T) {
	s := newStage(t)
	s.send("n1", "n2", `{"type":"copy","value":"%s"}`, strings.Repeat("ü", 1000))
	s.send("n1", "n2", `{"type":"copy","value":"%s"}`, "\u202e")
	got := Of(&s.h, s.net.Journal(), MaxLines)
	for line := range strings.Lines(got) {
		if len(line) > maxText+60 || strings.Contains(line, "\u202e") {
			t.Errorf("%q", line)
		}
	}
	if !strings.Contains(got, `ü... still on its way`) {
		t.Errorf("%s", got)
	}
}
