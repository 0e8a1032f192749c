package eddy_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/eddyrpc/eddy"
)

// maxBadLine is the MaxLine of the node that gets the bad lines. 1,000 levels of nesting
// fit into it.
const maxBadLine = 4096

// TestBadLines sends all lines of testdata/badlines.txt to one node. After each it sends a
// good echo, which must get its reply. The file says why the log calls the line bad, and
// which reply it gets. In a line <e2 82 ac> stands for bytes and <1001*[> for 1001 brackets.
//
// go test -run TestBadLines -rewrite writes what the node does into the file. Read it
// before you commit it.
func TestBadLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{node: &eddy.Node{MaxLine: maxBadLine}}
		s.start(false)
		defer s.clear()
		s.init()
		count := 0
		datadriven.RunTest(t, "testdata/badlines.txt", func(t *testing.T, d *datadriven.TestData) string {
			count++
			line, err := expand(d.Input)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			return s.sendBad(t, line, int64(count))
		})
		if count < 70 {
			t.Errorf("only %d lines", count)
		}
	})
}

// sendBad sends a line and then an echo. It returns what became of the line.
func (s *stage) sendBad(t *testing.T, line []byte, probe int64) string {
	s.pipe.arrive(fmt.Appendf(line, "\n"+`{"src":"probe","dest":"n1","body":{"type":"echo","msg_id":%d}}`+"\n", probe))
	synctest.Wait()
	out := s.messages(t)
	logged := reasons(t, s.log.take())
	if len(out) == 0 {
		t.Fatal("the echo after it got no reply")
	}
	last := out[len(out)-1]
	if last.Dest != "probe" || !last.is("echo_ok") || *last.Body.InReplyTo != probe {
		t.Fatalf("the last reply is not for the echo after it: %+v", last)
	}
	out = out[:len(out)-1]

	var b strings.Builder
	for _, reason := range logged {
		fmt.Fprintf(&b, "bad: %s\n", reason)
	}
	for _, m := range out {
		fmt.Fprintf(&b, "reply: to %s, in_reply_to %d, %s", m.Dest, *m.Body.InReplyTo, *m.Body.Type)
		if m.is("error") {
			fmt.Fprintf(&b, " %d", m.Failed.Code)
		}
		b.WriteString("\n")
		if len(logged) > 0 && m.Failed.Text != logged[0] {
			t.Errorf("the log says %q, the reply %q", logged[0], m.Failed.Text)
		}
	}
	if len(out) == 0 {
		b.WriteString("no reply\n")
	}
	return b.String()
}

// messages returns the replies that the node has written since the last time.
func (s *stage) messages(t *testing.T) (out []message) {
	s.pipe.lines(func(_ time.Duration, line string) {
		m, err := judge(line)
		if err != nil || m.Src != "n1" || m.Body.InReplyTo == nil {
			t.Errorf("not a reply of n1: %q: %v", line, err)
			return
		}
		out = append(out, m)
	})
	return out
}

var reason = regexp.MustCompile(`msg="bad line" line=\d+ reason=("(?:[^"\\]|\\.)*"|\S+) text=`)

// reasons returns why lines are bad, as a log says. The log must have nothing else.
func reasons(t *testing.T, log string) (found []string) {
	for line := range strings.Lines(log) {
		m := reason.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("logged: %s", line)
			continue
		}
		text, err := strconv.Unquote(m[1])
		if err != nil {
			text = m[1]
		}
		found = append(found, text)
	}
	return found
}

var escape = regexp.MustCompile(`<(\d+)\*([^>]+)>|<([0-9a-f ]+)>`)

// expand returns the line that a notation stands for.
func expand(text string) (line []byte, err error) {
	line = escape.ReplaceAllFunc([]byte(text), func(found []byte) []byte {
		m := escape.FindSubmatch(found)
		if m[1] != nil {
			n, _ := strconv.Atoi(string(m[1]))
			return bytes.Repeat(m[2], n)
		}
		raw, e := hex.DecodeString(strings.ReplaceAll(string(m[3]), " ", ""))
		if e != nil {
			err = fmt.Errorf("%s: %w", found, e)
		}
		return raw
	})
	return line, err
}
