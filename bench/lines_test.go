package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLinesHandsOutWholeLines(t *testing.T) {
	long := strings.Repeat("x", 600<<10)
	text := "a\nbb\n" + long + "\nlast\n"
	for name, r := range map[string]io.Reader{
		"at once":            strings.NewReader(text),
		"in halves":          iotest.HalfReader(strings.NewReader(text)),
		"with data and EOF":  iotest.DataErrReader(strings.NewReader(text)),
		"a few at a time":    &slowReader{text: text, step: 7},
		"up to line's end":   &slowReader{text: text, step: 5},
		"beyond line's ends": &slowReader{text: text, step: 6},
	} {
		l := newLines(r)
		var got []string
		var err error
		for {
			var lines []byte
			if lines, err = l.Read(); err != nil {
				break
			}
			each(lines, func(line []byte) error {
				got = append(got, string(line))
				return nil
			})
		}
		if err != io.EOF || fmt.Sprint(got) != fmt.Sprint([]string{"a", "bb", long, "last"}) {
			t.Errorf("%s: %d lines, %v", name, len(got), err)
		}
	}
}

func TestLinesRefusesHalfALine(t *testing.T) {
	l := newLines(strings.NewReader("a\nb"))
	if lines, err := l.Read(); string(lines) != "a\n" || err != nil {
		t.Errorf("%q, %v", lines, err)
	}
	if _, err := l.Read(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

type slowReader struct {
	text string
	step int
}

func (r *slowReader) Read(b []byte) (int, error) {
	if r.text == "" {
		return 0, io.EOF
	}
	n := copy(b, r.text[:min(r.step, len(r.text))])
	r.text = r.text[n:]
	return n, nil
}

func TestKey(t *testing.T) {
	k := newKey("msg_id")
	for line, want := range map[string]int{
		`{"msg_id":12}`:           12,
		`{"msg_id": 12}`:          12,
		`{"a":1,"msg_id":7,"b":}`: 7,
		`{"in":1}`:                -1,
		`{"msg_id":"x"}`:          -1,
		`{"msg_id":`:              -1,
		``:                        -1,
	} {
		for range 2 { // without and with a hint
			if got := k.Int([]byte(line)); got != want {
				t.Errorf("%s: %d, want %d", line, got, want)
			}
		}
	}
}

func TestInput(t *testing.T) {
	in := makeInput(3, "<#,#>")
	if got := string(in.Range(1, 3)); got != "<1,1>\n<2,2>\n<3,3>\n" || in.Len() != 3 {
		t.Errorf("%q", got)
	}
	if got := string(in.Range(2, 2)); got != "<2,2>\n" {
		t.Errorf("%q", got)
	}
}
