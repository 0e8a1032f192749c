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

// maxBadLine is the limit of the node that gets the bad lines: room for 1,000
// levels of nesting, and all that is kept of a longer line.
const maxBadLine = 4096

// TestBadLines sends all lines of testdata/badlines.txt to one node, each
// followed by a good echo, which must be answered. Behind each line stands why
// the log calls it bad, and which answer it gets. In a line <e2 82 ac> stands for
// bytes and <1001*[> for so many brackets.
//
// go test -run TestBadLines -rewrite writes what the node does into the file, to
// be read before it is committed.
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

// sendBad sends a line and an echo behind it. It returns what became of the line.
func (s *stage) sendBad(t *testing.T, line []byte, probe int64) string {
	s.pipe.arrive(fmt.Appendf(line, "\n"+`{"src":"probe","dest":"n1","body":{"type":"echo","msg_id":%d}}`+"\n", probe))
	synctest.Wait()
	out := s.messages(t)
	logged := reasons(t, s.log.take())
	if len(out) == 0 {
		t.Fatal("the echo behind it is not answered")
	}
	last := out[len(out)-1]
	if last.Dest != "probe" || !last.is("echo_ok") || *last.Body.InReplyTo != probe {
		t.Fatalf("the last answer is not that to the echo behind it, but %+v", last)
	}
	out = out[:len(out)-1]

	var b strings.Builder
	for _, reason := range logged {
		fmt.Fprintf(&b, "bad: %s\n", reason)
	}
	for _, m := range out {
		fmt.Fprintf(&b, "answer: to %s, in_reply_to %d, %s", m.Dest, *m.Body.InReplyTo, *m.Body.Type)
		if m.is("error") {
			fmt.Fprintf(&b, " %d", m.Failed.Code)
		}
		b.WriteString("\n")
		if len(logged) > 0 && m.Failed.Text != logged[0] {
			t.Errorf("the log says %q, the answer %q", logged[0], m.Failed.Text)
		}
	}
	if len(out) == 0 {
		b.WriteString("no answer\n")
	}
	return b.String()
}

// messages is what the node has written since.
func (s *stage) messages(t *testing.T) (out []message) {
	s.pipe.lines(func(_ time.Duration, line string) {
		m, err := judge(line)
		if err != nil || m.Src != "n1" || m.Body.InReplyTo == nil {
			t.Errorf("no reply of n1: %q: %v", line, err)
			return
		}
		out = append(out, m)
	})
	return out
}

var reason = regexp.MustCompile(`msg="bad line" line=\d+ reason=("(?:[^"\\]|\\.)*"|\S+) text=`)

// reasons are those of the bad lines in a log, which must hold nothing else.
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

// expand makes a line of its notation.
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
