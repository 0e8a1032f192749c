package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// A got is what Next returned, and for a line over the limit also what Reply did.
type got struct {
	line    string
	tooLong bool
	reply   bool
}

// readAll reads to the end and checks the numbers of the lines.
func readAll(t *testing.T, l *Lines) (all []got, err error) {
	t.Helper()
	for {
		line, err := l.Next()
		tooLong := errors.Is(err, ErrTooLong)
		if err != nil && !tooLong {
			if line != nil || l.Number() != len(all) {
				t.Errorf("at the end, after line %d of %d, Next returns %q", l.Number(), len(all), line)
			}
			return all, err
		}
		all = append(all, got{string(line), tooLong, tooLong && l.Reply()})
		if l.Number() != len(all) {
			t.Fatalf("line %d has number %d", len(all), l.Number())
		}
	}
}

// split returns the lines that a naive reader reads.
func split(input string, limit int) (all []got) {
	lines := strings.Split(input, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for _, line := range lines {
		if len(line) > limit {
			head := line[:min(limit, headSize)]
			all = append(all, got{head, true, strings.Contains(line, `"in_reply_to"`)})
		} else {
			all = append(all, got{line, false, false})
		}
	}
	return all
}

var readers = map[string]func(io.Reader) io.Reader{
	"all at once":     func(r io.Reader) io.Reader { return r },
	"byte by byte":    iotest.OneByteReader,
	"halves":          iotest.HalfReader,
	"with the error":  iotest.DataErrReader,
	"bytes, error":    func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) },
	"now and nothing": func(r io.Reader) io.Reader { return &hesitant{r: r} },
	"random pieces":   func(r io.Reader) io.Reader { return &pieces{r, rand.New(rand.NewPCG(1, 2))} },
}

// A hesitant reader returns nothing every other time.
type hesitant struct {
	r     io.Reader
	ready bool
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.ready = !h.ready; h.ready {
		return 0, nil
	}
	return h.r.Read(p[:min(len(p), 1000)])
}

// pieces reads pieces of random sizes.
type pieces struct {
	r      io.Reader
	random *rand.Rand
}

func (p *pieces) Read(buf []byte) (int, error) {
	return p.r.Read(buf[:min(len(buf), 1+p.random.IntN(50_000))])
}

func TestLines(t *testing.T) {
	long := func(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }
	type test struct {
		name, input string
		limit       int
	}
	tests := []test{
		{"nothing", "", 100},
		{"one empty line", "\n", 100},
		{"empty lines", "\n\n\na\n\n", 100},
		{"no newline at the end", "a\nb", 100},
		{"carriage returns stay", "a\r\nb\r\n", 100},
		{"at the limit and over it", "1234\n12345\n123456\n1234567\n1\n", 5},
		{"at the limit without a newline", "1234\n12345", 5},
		{"over the limit without a newline", "1234\n123456", 5},
		{"no limit at all", long(200_000) + "\nb\n", math.MaxInt},
		{"a limit of nothing", "\na\n\nb", 0},
		{"a reply over the limit", `{"in_reply_to":1}` + "\n" + `{"in_reply_t":1}` + "\n", 5},
		{"a reply over the limit at the end", `{"in_reply_to":1}`, 5},
		{"the name within a string", `{"a":"\"in_reply_to\""}` + "\n", 5},
	}
	for _, n := range []int{headSize, readSize - 1, readSize, readSize + 1} {
		tests = append(tests,
			test{fmt.Sprint("around the buffer ", n), "a\n" + long(n) + "\nb\n" + long(n+1), 1 << 20},
			test{fmt.Sprint("over the limit ", n), "a\n" + long(n) + "\n\n" + long(n), 1000},
			test{fmt.Sprint("over by one ", n), long(n) + "\n" + long(n+1) + "\nb", n})
	}
	for _, tt := range tests {
		want := split(tt.input, tt.limit)
		for name, reader := range readers {
			all, err := readAll(t, NewLines(reader(strings.NewReader(tt.input)), tt.limit))
			if err != io.EOF {
				t.Errorf("%s, %s: %v", tt.name, name, err)
			}
			compare(t, tt.name+", "+name, all, want)
		}
	}
}

// Lines finds in_reply_to in a line over the limit also where it is divided between
// two reads.
func TestLinesFindReplyBetweenReads(t *testing.T) {
	const name = `"in_reply_to"`
	for n := range readSize + 20 {
		if 20 < n && n < readSize-20 {
			continue
		}
		line := strings.Repeat("x", readSize+n) + name
		for _, after := range []string{"", "\n", ":1}}\nb\n", strings.Repeat("x", readSize) + "\n"} {
			l := NewLines(strings.NewReader(line+after), 1000)
			if _, err := l.Next(); err != ErrTooLong || !l.Reply() {
				t.Errorf("at %d: %v, %v", readSize+n, err, l.Reply())
			}
			l = NewLines(strings.NewReader(line[:len(line)-1]+after), 1000)
			if _, err := l.Next(); err != ErrTooLong || l.Reply() {
				t.Errorf("part of it at %d: %v, %v", readSize+n, err, l.Reply())
			}
		}
	}
}

func compare(t *testing.T, name string, all, want []got) {
	t.Helper()
	if len(all) != len(want) {
		t.Errorf("%s: %d lines, want %d", name, len(all), len(want))
		return
	}
	for i := range want {
		if all[i] != want[i] {
			t.Errorf("%s: line %d: got %.40q… (%d bytes), %v, %v; want %.40q… (%d bytes), %v, %v", name, i+1,
				all[i].line, len(all[i].line), all[i].tooLong, all[i].reply,
				want[i].line, len(want[i].line), want[i].tooLong, want[i].reply)
		}
	}
}

// The error of the reader comes after all that was read before, and again and again.
func TestLinesErrors(t *testing.T) {
	broken := errors.New("broken")
	for input, want := range map[string][]got{
		"":                    nil,
		"a\nb\n":              {{line: "a"}, {line: "b"}},
		"a\nb":                {{line: "a"}, {line: "b"}},
		"a\n0123456789\nb":    {{line: "a"}, {"01234", true, false}, {line: "b"}},
		"a\n0123456789":       {{line: "a"}, {"01234", true, false}},
		`12345"in_reply_to":`: {{"12345", true, true}},
	} {
		for name, reader := range readers {
			l := NewLines(reader(io.MultiReader(strings.NewReader(input), iotest.ErrReader(broken))), 5)
			all, err := readAll(t, l)
			if err != broken {
				t.Errorf("%q, %s: %v", input, name, err)
			}
			compare(t, fmt.Sprintf("%q, %s", input, name), all, want)
			if line, err := l.Next(); line != nil || err != broken {
				t.Errorf("%q, %s: then %q, %v", input, name, line, err)
			}
		}
	}
}

// A line, or the beginning of a line over the limit, is valid until the next call.
func TestLinesStayUntilTheNextCall(t *testing.T) {
	input := strings.Repeat("a\n"+strings.Repeat("b", 5000)+"\n", 100)
	l := NewLines(strings.NewReader(input), 4500)
	for i := range 200 {
		line, err := l.Next()
		if i%2 == 0 && (string(line) != "a" || err != nil) ||
			i%2 == 1 && (len(line) != headSize || len(bytes.Trim(line, "b")) != 0 || err != ErrTooLong) {
			t.Fatalf("line %d: %.20q, %v", i+1, line, err)
		}
	}
}

// An endless reader reads one long line and a short one.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return copy(p, "\nb\n"), io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.left -= n
	return n, nil
}

func TestLinesOverTheLimitAreSkippedInConstantMemory(t *testing.T) {
	const length, limit = 16 << 20, 1 << 20
	l := NewLines(&endless{length}, limit)
	before := allocated()
	if line, err := l.Next(); len(line) != headSize || err != ErrTooLong {
		t.Fatalf("%d bytes, %v", len(line), err)
	}
	if more := allocated() - before; more > 2*limit {
		t.Errorf("%d bytes were allocated", more)
	}
	if len(l.buf) != readSize {
		t.Errorf("the buffer has %d bytes", len(l.buf))
	}
	if line, err := l.Next(); string(line) != "b" || err != nil {
		t.Errorf("then %q, %v", line, err)
	}
}

func allocated() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.TotalAlloc)
}

// However long a line is, the buffer is not much larger than the limit. It is small
// again when what was read with the line has been returned.
func TestLinesGiveMemoryBack(t *testing.T) {
	const limit = 1 << 20
	long := strings.Repeat("x", limit) + "\n"
	for _, after := range []string{"", "a\n", long, "half a line"} {
		l := NewLines(io.MultiReader(strings.NewReader(long+after), strings.NewReader("\nb\n")), limit)
		for range 1 + strings.Count(after, "\n") + 2 { // the rest of after and b
			if _, err := l.Next(); err != nil {
				t.Fatal(err)
			}
			if len(l.buf) > limit+readSize {
				t.Errorf("the buffer has %d bytes", len(l.buf))
			}
		}
		if _, err := l.Next(); err != io.EOF || len(l.buf) != readSize {
			t.Errorf("after a long line and %.20q: %v, and the buffer has %d bytes", after, err, len(l.buf))
		}
	}
}

// FuzzLines reads the same lines in whatever pieces the input comes.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\n\nbc\n\"in_reply_to\"d"), []byte{0, 3}, uint16(2), uint16(0))
	f.Add([]byte("a\n\nbc\n\"in_reply_to\"d"), []byte{255}, uint16(70), uint16(1000))
	f.Fuzz(func(t *testing.T, input, sizes []byte, limit, stretch uint16) {
		// Longer lines come near the size of the buffer.
		text := strings.ReplaceAll(string(input), "x", strings.Repeat("x", int(stretch)))
		if len(text) > 1<<20 {
			return
		}
		l := NewLines(&cut{[]byte(text), sizes, 0}, int(limit))
		all, err := readAll(t, l)
		if err != io.EOF {
			t.Error(err)
		}
		compare(t, "fuzz", all, split(text, int(limit)))
	})
}

// A cut reader reads pieces of the given sizes in turn.
type cut struct {
	text, sizes []byte
	n           int
}

func (c *cut) Read(p []byte) (int, error) {
	size := len(p)
	if len(c.sizes) > 0 {
		size = min(size, 1+100*int(c.sizes[c.n%len(c.sizes)]))
		c.n++
	}
	n := copy(p[:size], c.text)
	if c.text = c.text[n:]; len(c.text) == 0 {
		return n, io.EOF
	}
	return n, nil
}
