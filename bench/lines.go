package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Lines reads whole lines, as many at a time as are there.
type Lines struct {
	r     io.Reader
	buf   []byte
	start int // of what has been read and not handed out
	end   int
}

func newLines(r io.Reader) *Lines { return &Lines{r: r, buf: make([]byte, 256<<10)} }

// Read waits for at least one line and returns all whole lines that are there, each with
// its newline. They are valid until the next Read.
func (l *Lines) Read() ([]byte, error) {
	scanned := l.start
	for {
		if l.start > 0 {
			copy(l.buf, l.buf[l.start:l.end])
			l.end -= l.start
			scanned -= l.start
			l.start = 0
		}
		if l.end == len(l.buf) {
			l.buf = append(l.buf, make([]byte, len(l.buf))...)
		}
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		if last := bytes.LastIndexByte(l.buf[scanned:l.end], '\n'); last >= 0 {
			l.start = scanned + last + 1
			return l.buf[:l.start], nil
		}
		scanned = l.end
		if err != nil {
			if err == io.EOF && l.end > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// each calls f with every line, without its newline.
func each(lines []byte, f func(line []byte) error) error {
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n')
		if err := f(lines[:end]); err != nil {
			return fmt.Errorf("%w: %.300q", err, lines[:end])
		}
		lines = lines[end+1:]
	}
	return nil
}

// A Key finds a member of an object by the bytes of its name. It first looks where the name
// was in the line before, since the lines of a node look alike. It ignores nesting; in the
// lines of these cases each name occurs once in the part that is searched.
type Key struct {
	text []byte // the name, quoted, and its colon
	hint int
}

func newKey(name string) Key { return Key{text: []byte(`"` + name + `":`)} }

// In returns the index of the first byte of the value, -1 if there is no such name.
func (k *Key) In(line []byte) int {
	at := k.hint
	if end := at + len(k.text); end > len(line) || string(line[at:end]) != string(k.text) {
		if at = bytes.Index(line, k.text); at < 0 {
			return -1
		}
		k.hint = at
	}
	at += len(k.text)
	if at < len(line) && line[at] == ' ' {
		at++
	}
	return at
}

// Int returns the value if it is an integer that is not negative, otherwise -1.
func (k *Key) Int(line []byte) int {
	at := k.In(line)
	if at < 0 {
		return -1
	}
	n, _ := number(line[at:])
	return n
}

// Is reports whether the value begins with text.
func (k *Key) Is(line []byte, text string) bool {
	at := k.In(line)
	return at >= 0 && len(line)-at >= len(text) && string(line[at:at+len(text)]) == text
}

// number returns the value of the digits at the start of b, -1 if there are none, and what
// follows them.
func number(b []byte) (int, []byte) {
	n, i := 0, 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		n = n*10 + int(b[i]-'0')
	}
	if i == 0 {
		return -1, b
	}
	return n, b[i:]
}

// An Input is lines that were made in advance, numbered from 1.
type Input struct {
	bytes []byte
	ends  []int // ends[i] is where line i ends; ends[0] is 0
}

// makeInput makes lines 1 to n: the format, with every '#' replaced by the number of the
// line.
func makeInput(n int, format string) *Input {
	format += "\n"
	in := &Input{
		bytes: make([]byte, 0, n*(len(format)+12)),
		ends:  make([]int, 1, n+1),
	}
	for i := 1; i <= n; i++ {
		for rest := format; ; {
			at := strings.IndexByte(rest, '#')
			if at < 0 {
				in.bytes = append(in.bytes, rest...)
				break
			}
			in.bytes = append(in.bytes, rest[:at]...)
			in.bytes = strconv.AppendInt(in.bytes, int64(i), 10)
			rest = rest[at+1:]
		}
		in.ends = append(in.ends, len(in.bytes))
	}
	return in
}

// Len returns the number of lines.
func (in *Input) Len() int { return len(in.ends) - 1 }

// Range returns the lines from..to, both included.
func (in *Input) Range(from, to int) []byte { return in.bytes[in.ends[from-1]:in.ends[to]] }

// Bits is a set of small integers.
type Bits []uint64

func newBits(n int) Bits { return make(Bits, n/64+1) }

// Add adds i, and reports whether i is new and within the size of the set.
func (b Bits) Add(i int) bool {
	if i < 0 || i/64 >= len(b) || b[i/64]&(1<<(i%64)) != 0 {
		return false
	}
	b[i/64] |= 1 << (i % 64)
	return true
}
