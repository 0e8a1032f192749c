package checker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A player runs a script on a network. Each line is a message or an event:
//
//	0ms c1>n1 {"type":"relay",...}        delivered at once
//	5ms n1>n2 {...} lost                  or another fate
//	9ms kill n1
//	9ms start n1
//	9ms pause n1
//	9ms resume
//	9ms end
type player struct {
	t           testing.TB
	net         *sim.Network
	incarnation int
	pause       int
	end         time.Duration
}

func play(t testing.TB, script string) *player {
	s := &player{t: t, net: sim.New(sim.Config{StaleReplies: true}), incarnation: 1}
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" {
			s.line(line)
		}
	}
	return s
}

func (s *player) line(line string) {
	s.t.Helper()
	when, rest, _ := strings.Cut(line, " ")
	now, err := time.ParseDuration(when)
	if err != nil {
		s.t.Fatalf("%q: %v", line, err)
	}
	what, rest, _ := strings.Cut(rest, " ")
	switch what {
	case "kill":
		s.net.Killed(rest, now)
	case "start":
		s.incarnation++
		s.net.Started(rest, s.incarnation, now)
	case "pause":
		s.pause = s.net.Begin(now, sim.Fault{Kind: sim.Pause, Nodes: []string{rest}})
	case "resume":
		s.net.End(now, s.pause)
	case "end":
		s.end = now
	default:
		s.message(now, what, rest)
	}
}

func (s *player) message(now time.Duration, link, rest string) {
	src, dest, ok := strings.Cut(link, ">")
	if !ok {
		s.t.Fatalf("%q is not a link", link)
	}
	i := strings.LastIndexByte(rest, '}') + 1
	m, err := message.New(src, dest, []byte(rest[:i]))
	if err != nil {
		s.t.Fatalf("%q: %v", rest, err)
	}
	if fate := strings.TrimSpace(rest[i:]); fate != "" {
		var f sim.Fate
		if err := f.UnmarshalText([]byte(fate)); err != nil {
			s.t.Fatal(err)
		}
		s.net.Drop(now, m, f)
		return
	}
	s.net.Send(now, m)
	for _, ok := s.net.Due(now); ok; _, ok = s.net.Due(now) {
	}
}

// report formats problems and numbers.
func report(problems []Problem, numbers []Number) string {
	var b strings.Builder
	for _, p := range problems {
		kind := "fail"
		if p.Unknown {
			kind = "unknown"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", kind, p.Check, p.Text)
	}
	if len(problems) == 0 {
		b.WriteString("pass\n")
	}
	for _, n := range numbers {
		fmt.Fprintf(&b, "  %s: %v\n", n.Name, n.Value)
	}
	return b.String()
}

func TestRelay(t *testing.T) {
	datadriven.Walk(t, "testdata/relay", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s := play(t, d.Input)
			c := RelayConfig{Nodes: []string{"n1", "n2", "n3"}, Timeout: 500 * time.Millisecond, Attempts: 3, End: s.end}
			c.IgnoreLate = d.HasArg("ignore-late")
			if d.HasArg("lag") {
				c.Lag = func(time.Duration) time.Duration { return 450 * time.Millisecond }
			}
			problems, numbers := Relay(s.net.Journal(), c)
			if !d.HasArg("numbers") {
				numbers = nil
			}
			return report(problems, numbers)
		})
	})
}

// Only some problems of a check are kept. The earliest must be among them.
func TestRelayReportsTheEarliestMissingReply(t *testing.T) {
	var script strings.Builder
	for i := range 50 {
		fmt.Fprintf(&script, "%dms c1>n1 {\"type\":\"relay\",\"msg_id\":%d,\"target\":\"n2\",\"payload\":{\"echo\":%d}}\n", i, i, i)
	}
	script.WriteString("60000ms end\n")
	for range 10 {
		s := play(t, script.String())
		problems, _ := Relay(s.net.Journal(), RelayConfig{Nodes: []string{"n1"}, Timeout: time.Second, Attempts: 1, End: s.end})
		for i := range maxPerCheck {
			if p := problems[i]; p.Check != "no-reply" || !strings.Contains(p.Text, fmt.Sprintf("(msg_id %d)", i)) {
				t.Fatalf("problem %d: %s: %s", i, p.Check, p.Text)
			}
		}
	}
}

func TestVerdictOutOfRange(t *testing.T) {
	if got := Verdict(200).String(); got != "Verdict(200)" {
		t.Errorf("got %q", got)
	}
}

// A reply that this program delivered late, because it stood still then, is not ignored
// by a node that sends another attempt in between.
func TestReplyDeliveredLate(t *testing.T) {
	s := play(t, `
		0ms c1>n1 {"type":"relay","msg_id":1,"target":"n2","payload":{"type":"echo","echo":"a"}}
		1ms n1>n2 {"type":"echo","echo":"a","msg_id":1}
		2ms n2>n1 {"type":"echo_ok","echo":"a","in_reply_to":1,"msg_id":9}
		600ms n1>n2 {"type":"echo","echo":"a","msg_id":2}
		601ms n2>n1 {"type":"echo_ok","echo":"a","in_reply_to":2,"msg_id":10}
		700ms n1>c1 {"type":"relay_ok","in_reply_to":1,"msg_id":50,"attempts":2,"result":{"type":"echo_ok","echo":"a","in_reply_to":1,"msg_id":9}}`)
	c := RelayConfig{Nodes: []string{"n1", "n2"}, Timeout: 500 * time.Millisecond, Attempts: 3}
	if problems, _ := Relay(s.net.Journal(), c); len(problems) != 1 || problems[0].Check != "reply-ignored" {
		t.Errorf("without a stall: %+v", problems)
	}
	c.Lag = func(at time.Duration) time.Duration {
		if at <= 300*time.Millisecond {
			return 300 * time.Millisecond
		}
		return 0
	}
	if problems, _ := Relay(s.net.Journal(), c); len(problems) != 0 {
		t.Errorf("with a stall: %+v", problems)
	}
}

// A node has more time to reply if this program stood still.
func TestNoReplyWhileThisProgramStands(t *testing.T) {
	s := play(t, `
		0ms c1>n1 {"type":"relay","msg_id":1,"target":"n2","payload":{"type":"echo","echo":"a"}}
		1ms n1>n2 {"type":"echo","echo":"a","msg_id":1}
		2ms n2>n1 {"type":"echo_ok","echo":"a","in_reply_to":1,"msg_id":9}
		3ms n1>c1 {"type":"relay_ok","in_reply_to":1,"msg_id":50,"attempts":1,"result":{"type":"echo_ok","echo":"a","in_reply_to":1,"msg_id":9}}
		10ms c2>n1 {"type":"relay","msg_id":1,"target":"n2","payload":{"type":"echo","echo":"b"}}
		4000ms kill n1`)
	c := RelayConfig{Nodes: []string{"n1", "n2"}, Timeout: 500 * time.Millisecond, Attempts: 3}
	for stood, want := range map[time.Duration]int{0: 1, 400 * time.Millisecond: 1, 600 * time.Millisecond: 0} {
		c.Stood = func(from, to time.Duration) time.Duration {
			if from != 10*time.Millisecond || to != 4*time.Second {
				t.Errorf("from %v to %v", from, to)
			}
			return stood
		}
		if problems, _ := Relay(s.net.Journal(), c); len(problems) != want {
			t.Errorf("stood still for %v: %+v", stood, problems)
		}
	}
}
